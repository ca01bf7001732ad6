"""The interface of a runtime: start a network as a function of arrays, from the module or from exported files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.registry import RuntimeEntry
from evalkit.types import Execution, NetworkPart

Arrays: TypeAlias = tuple[NDArray[Any], ...]
"""Inputs or outputs of a network, one array each, batch first."""

Execute: TypeAlias = Callable[..., Arrays]
"""A started network: takes one array per input, as positional arguments, and returns one float32 array per output."""


class ModuleAdapter(Protocol):
    """Adapter of a runtime that executes the module itself: one that is registered without a ``format``.

    A file registers its adapter with ``@registry.runtime("NAME", summary="...", ...)`` above a class without arguments,
    or above a function that returns the adapter. The engine is imported inside the methods, so that listing runtimes
    stays fast and works where the engine is not installed.
    """

    def start(self, part: NetworkPart, execution: Execution) -> Execute:
        """Return a network as a function of arrays.

        The outputs are compared with those of torch in fp32 before they are used, see ``evalkit.runtimes.parity``.

        Args:
            part: The network. Its ``example`` has the shapes that are executed; other shapes are started separately.
                ``part.module`` must not be modified: copy it first.
            execution: Precision, device and threads. Precision and kind of device are among those that are registered.

        Returns:
            A function that takes one array per input of ``part``, with the dtypes and shapes of ``part.example`` and
            any batch size, or only that of the example if the runtime is registered with ``fixed_batch=True``. It
            returns one float32 array per output, which the next call must not overwrite.

        Raises:
            EvalkitError: There is no such device here, or the engine does not use the precision or the number of
                threads that it was told to use.
        """


class FileAdapter(Protocol):
    """Adapter of a runtime that reads exported files: one that is registered with a ``format``."""

    def export(self, part: NetworkPart, folder: Path, *, precision: str, samples: Sequence[Arrays]) -> bool:
        """Write a network into a folder.

        Args:
            part: The network; batches of its ``example`` are 1. ``part.module`` must not be modified.
            folder: Exists and is empty. All files that are in it afterwards belong to the export.
            precision: Precision of the files: ``fp32``, ``fp16`` or ``int8``. For bf16 the files are in fp32.
            samples: Real inputs of the network to calibrate int8 with; empty for other precisions.

        Returns:
            True if the files accept batches of any size, False if only of one.

        Raises:
            Exception: The format cannot express this network; reported as an ``EvalkitError`` with the runtime's name.
        """

    def start(self, part: NetworkPart, folder: Path, execution: Execution) -> Execute:
        """Return an exported network as a function of arrays; see ``ModuleAdapter.start``.

        Args:
            part: The network that was exported.
            folder: The files that ``export`` wrote.
            execution: Precision, device and threads.

        Returns:
            As ``ModuleAdapter.start``. The batch size is 1 unless ``export`` returned True.
        """


Adapter: TypeAlias = ModuleAdapter | FileAdapter
"""An object that the factory of a registered runtime returns."""


def create_adapter(runtime: RuntimeEntry) -> Any:
    """Return the ``Adapter`` of a runtime, after checking that everything it needs is installed.

    Raises:
        EvalkitError: A package is missing, or the registered factory returned an object without the methods.
    """
    if runtime.missing:
        raise EvalkitError(
            f"{' and '.join(runtime.missing)} is not installed here", where=f"--runtime {runtime.name}",
            hint=f"{runtime.install} installs what it needs",
        )  # fmt: skip
    adapter = runtime.build()
    needed = ("start", "export") if runtime.format else ("start",)
    for method in needed:
        if not callable(getattr(adapter, method, None)):
            raise EvalkitError(
                f"the adapter has no method {method!r}", where=f"--runtime {runtime.name}",
                found=type(adapter).__name__, expected=" and ".join(needed),
            )  # fmt: skip
    return adapter
