"""Execute the network of a tracker as a function of arrays, with any of the registered runtimes.

A runtime gets a ``torch.nn.Module`` with example inputs and knows nothing of trackers. Precision, device and threads
are always set and recorded. A loaded network is returned only after its outputs were compared with those of torch in
fp32.

One file adds one runtime: it registers an ``Adapter`` with ``@registry.runtime``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evalkit.runtimes.adapter import Adapter, Arrays, Execute, FileAdapter, ModuleAdapter, create_adapter
from evalkit.runtimes.availability import find_runtime
from evalkit.runtimes.loaded_network import LoadedNetwork
from evalkit.types import Execution, NetworkPart

__all__ = [
    "Adapter",
    "Arrays",
    "Execute",
    "FileAdapter",
    "LoadedNetwork",
    "ModuleAdapter",
    "create_adapter",
    "find_runtime",
    "load",
]


def load(
    part: NetworkPart,
    execution: Execution | None = None,
    *,
    samples: Callable[[], Sequence[Arrays]] | None = None,
) -> LoadedNetwork:
    """Load a network into a runtime.

    Args:
        part: The network.
        execution: Runtime, precision, device and threads; by default torch in fp32 with one thread of the CPU.
        samples: Called for real inputs of the network (see ``calibration.network_inputs``) if int8 has to be
            calibrated.

    Returns:
        A function that takes one array per input, batch first, of any batch size and any spatial size that the network
        accepts, and returns a tuple of float32 arrays. Files are exported on the first use of a size and cached.

    Raises:
        EvalkitError: The runtime does not exist, is not installed, does not support the execution, or its outputs
            differ too much from torch's.
    """
    wanted = execution or Execution()
    return LoadedNetwork(find_runtime(wanted), part, wanted, samples=samples)
