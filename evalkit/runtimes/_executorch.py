"""ExecuTorch with XNNPACK on the CPU: PyTorch's own engine for phones."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.runtimes.parity import Arrays, Execute
from evalkit.types import NetworkPart

with warnings.catch_warnings():
    # Importing it warns of what it uses itself.
    warnings.simplefilter("ignore")
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower
    from executorch.extension.pybindings import portable_lib
    from executorch.runtime import Runtime

FILE = "network.pte"


def export(part: NetworkPart, folder: Path, *, precision: str, samples: Sequence[Arrays]) -> bool:
    """Write ``network.pte`` for batches of one."""
    module = copy.deepcopy(part.module).eval().cpu()
    # The order in memory of the example becomes the program's: that of ``execute``.
    example = tuple(torch.from_numpy(value).contiguous() for value in part.example)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(module, example)
        lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch()
    (folder / FILE).write_bytes(lowered.buffer)
    return False


def start(part: NetworkPart, folder: Path, *, runtime: str, precision: str, device: str, threads: int) -> Execute:
    _set_threads(threads)
    method = Runtime.get().load_program(folder / FILE).load_method("forward")

    def execute(*inputs: NDArray[Any]) -> Arrays:
        # The pool of threads is the process's, and another network may have set it since.
        if portable_lib._threadpool_get_thread_count() != threads:
            _set_threads(threads)
        outputs = method.execute([torch.from_numpy(value).contiguous() for value in inputs])
        # The next execution writes into the same memory.
        return tuple(value.numpy().copy() for value in outputs)

    return execute


def _set_threads(threads: int) -> None:
    portable_lib._unsafe_reset_threadpool(threads)
    found = portable_lib._threadpool_get_thread_count()
    if found != threads:
        raise EvalkitError(
            "ExecuTorch does not compute with the threads asked for", where="executorch", found=found, expected=threads,
            exit_code=1,
        )  # fmt: skip
