"""One network, many engines: a part of a tracker loaded into a runtime as a function of arrays.

Runtimes take a module and example inputs and know no tracker. Precision, device and threads are always set and
recorded, and nothing is handed out before its outputs agreed with torch's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from evalkit.runtimes.catalogue import RUNTIMES, Runtime, demand, find

if TYPE_CHECKING:
    from evalkit.runtimes.loaded_network import Program
    from evalkit.runtimes.parity import Arrays
    from evalkit.types import NetworkPart

__all__ = ["RUNTIMES", "Runtime", "demand", "find", "listing", "load"]


def load(
    runtime: str,
    part: NetworkPart,
    *,
    precision: str = "fp32",
    device: str = "cpu",
    threads: int = 1,
    samples: Callable[[], Sequence[Arrays]] | None = None,
) -> Program:
    """A network as a function of arrays, executed by the named runtime.

    What is returned takes one array per input, batch first, of any batch size and any spatial size that the network
    takes, and returns a tuple of float32 arrays. Exports are made on first use of a size and cached.

    Args:
        samples: Returns real inputs of the network (see ``calibration.inputs``); asked for only when int8 has to be
            calibrated.

    Raises:
        EvalkitError: The runtime is unknown, not installed, cannot do what is asked, or disagrees with torch.
    """
    from evalkit.runtimes.loaded_network import Program

    chosen = demand(runtime, precision=precision, device=device, threads=threads)
    return Program(chosen, part, precision=precision, device=device, threads=threads, samples=samples)


def listing() -> tuple[Runtime, ...]:
    """All runtimes, those that are not installed included."""
    return tuple(RUNTIMES.values())
