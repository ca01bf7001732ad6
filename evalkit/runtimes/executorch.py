"""ExecuTorch with XNNPACK on the CPU, PyTorch's engine for phones."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.runtimes.adapter import Arrays, Execute
from evalkit.types import Execution, NetworkPart

_FILE = "network.pte"


@registry.runtime(
    "executorch",
    summary="ExecuTorch with XNNPACK",
    packages=(("executorch", "executorch"),),
    extra="executorch",
    format="executorch",
    writers=("executorch",),
)
class ExecuTorch:
    """Executes ``network.pte``, one image at a time."""

    def export(self, part: NetworkPart, folder: Path, *, precision: str, samples: Sequence[Arrays]) -> bool:
        """Write ``network.pte`` for batches of one."""
        import torch

        module = copy.deepcopy(part.module).eval().cpu()
        # The program requires the memory order of this example: ``start`` passes contiguous tensors too.
        example = tuple(torch.from_numpy(value).contiguous() for value in part.example)
        with warnings.catch_warnings():
            # The package warns about its own code, also while it is imported.
            warnings.simplefilter("ignore")
            from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
            from executorch.exir import to_edge_transform_and_lower

            program = torch.export.export(module, example)
            lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch()
        (folder / _FILE).write_bytes(lowered.buffer)
        return False

    def start(self, part: NetworkPart, folder: Path, execution: Execution) -> Execute:
        """Return the network as a function of arrays."""
        import torch

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from executorch.extension.pybindings import portable_lib
            from executorch.runtime import Runtime

        _set_threads(portable_lib, execution.threads)
        program = Runtime.get().load_program(folder / _FILE)
        method = program.load_method("forward")

        def execute(*inputs: NDArray[Any], _kept: Any = program) -> Arrays:
            # The method computes with memory of the program, which is kept as long as this function.
            # The thread pool belongs to the process, and another network may have changed it since.
            if portable_lib._threadpool_get_thread_count() != execution.threads:
                _set_threads(portable_lib, execution.threads)
            outputs = method.execute([torch.from_numpy(value).contiguous() for value in inputs])
            # The next execution writes into the same memory.
            return tuple(value.numpy().copy() for value in outputs)

        return execute


def _set_threads(portable_lib: Any, threads: int) -> None:
    portable_lib._unsafe_reset_threadpool(threads)
    found = portable_lib._threadpool_get_thread_count()
    if found != threads:
        raise EvalkitError(
            "ExecuTorch does not use the number of threads that was requested", where="executorch", found=found,
            expected=threads, exit_code=1,
        )  # fmt: skip
