"""PyTorch itself: eager, channels last, compiled, and as a CUDA graph."""

from __future__ import annotations

import copy
import ctypes
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.runtimes.parity import Arrays, Execute
from evalkit.types import NetworkPart

MIB = 1024 * 1024
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Names and numbers of glibc's ``malloc.h``."""

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def start(
    part: NetworkPart, folder: Path | None, *, runtime: str, precision: str, device: str, threads: int
) -> Execute:
    """The network as a function of arrays; the module itself stays untouched."""
    hold_memory()
    target = find_device(device)
    dtype = DTYPES[precision]
    layout = torch.channels_last if runtime == "torch-channels-last" else torch.contiguous_format
    module = copy.deepcopy(part.module).eval().to(target)
    if layout is torch.channels_last:
        module = module.to(memory_format=layout)
    if runtime == "torch-cuda-graph":
        return _graphed(module, part, target, dtype)
    forward: Callable[..., Any] = module
    if runtime == "torch-compile":
        forward = _compiled(module, [_tensor(value, target, layout) for value in part.example], dtype)

    def execute(*inputs: NDArray[Any]) -> Arrays:
        # The count is the process's, and someone else may have changed it since.
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        with torch.inference_mode(), _computing_in(dtype, target):
            return _arrays(forward(*(_tensor(value, target, layout) for value in inputs)))

    return execute


@cache
def hold_memory() -> None:
    """Let the allocator keep what one layer gives back for the next one, rather than return it to the system.

    Where glibc decides by itself, and it decides otherwise from one start of a process to the next, eager PyTorch may
    fault in thousands of pages an image, a third of its time or more.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 32 * MIB)  # the most that glibc accepts
        mallopt(M_TRIM_THRESHOLD, 512 * MIB)


def _compiled(module: torch.nn.Module, example: Sequence[torch.Tensor], dtype: torch.dtype) -> Callable[..., Any]:
    """``torch.compile``, done now rather than in the middle of a measurement."""
    try:
        with warnings.catch_warnings(), torch.inference_mode(), _computing_in(dtype, example[0].device):
            warnings.simplefilter("ignore")
            forward: Callable[..., Any] = torch.compile(module, dynamic=False)
            forward(*example)
    except RuntimeError as error:
        raise EvalkitError(
            f"torch.compile does not work here: {type(error).__name__}: {str(error).strip().splitlines()[0]}",
            where="--runtime torch-compile", hint="It needs a C++ compiler; --runtime torch needs none", exit_code=1,
        ) from error  # fmt: skip
    return forward


def find_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        EvalkitError: There is no such device here.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise EvalkitError("no such device", where="--device", found=name, expected="cpu, cuda:0, mps") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise EvalkitError(
            "PyTorch sees no CUDA device here", where="--device", found=name,
            hint="Leave --device out to compute on the CPU; `evalkit doctor` says what is here",
        )  # fmt: skip
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise EvalkitError("no such CUDA device", where="--device", found=name, expected=_cuda_devices())
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise EvalkitError(
            "PyTorch sees no MPS device here", where="--device", found=name,
            hint="Leave --device out to compute on the CPU",
        )  # fmt: skip
    return device


def _cuda_devices() -> str:
    return ", ".join(f"cuda:{index}" for index in range(torch.cuda.device_count()))


def _tensor(value: NDArray[Any], device: torch.device, layout: torch.memory_format) -> torch.Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(value)).to(device)
    return tensor.contiguous(memory_format=layout) if tensor.ndim == 4 else tensor


def _arrays(result: Any) -> Arrays:
    outputs = result if isinstance(result, (tuple, list)) else (result,)
    return tuple(value.float().cpu().numpy() if value.is_floating_point() else value.cpu().numpy() for value in outputs)


@contextmanager
def _computing_in(dtype: torch.dtype, device: torch.device) -> Iterator[None]:
    """Convolutions and matrix products in ``dtype``; fp32 means fp32, whatever this process chose for itself.

    That is neither TF32 on CUDA nor bf16 on the CPU. cuDNN neither tries out algorithms nor takes one that adds in an
    order of its own: a second run gives the same bits.
    """
    backends: Any = torch.backends
    shortcuts = (backends.cuda.matmul, backends.cudnn.conv, backends.mkldnn.matmul, backends.mkldnn.conv)
    chosen = [one.fp32_precision for one in shortcuts]
    cudnn = backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    for one in shortcuts:
        one.fp32_precision = "ieee"
    try:
        # The cache of converted weights does not outlive the block, and a captured graph must not refer to it.
        with torch.autocast(device.type, dtype, enabled=dtype is not torch.float32, cache_enabled=False):
            yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before
        for one, precision in zip(shortcuts, chosen, strict=True):
            one.fp32_precision = precision


def _graphed(module: torch.nn.Module, part: NetworkPart, device: torch.device, dtype: torch.dtype) -> Execute:
    """Capture one execution at the example's shapes and replay it on new values."""
    stand_ins = [_tensor(value, device, torch.contiguous_format) for value in part.example]
    graph = torch.cuda.CUDAGraph()
    with torch.inference_mode(), _computing_in(dtype, device), torch.cuda.device(device):
        # A stream belongs to one GPU, and the one that a capture takes by itself is the first GPU's.
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(3):
                module(*stand_ins)
        torch.cuda.current_stream(device).wait_stream(stream)
        with torch.cuda.graph(graph, stream=stream):
            captured = module(*stand_ins)

    def execute(*inputs: NDArray[Any]) -> Arrays:
        with torch.inference_mode():
            for stand_in, value in zip(stand_ins, inputs, strict=True):
                stand_in.copy_(torch.from_numpy(np.ascontiguousarray(value)))
            graph.replay()
            return _arrays(captured)

    return execute


def reference(part: NetworkPart) -> Execute:
    """The network in fp32 on the CPU, as it stands: what every other execution is compared with."""
    cpu = torch.device("cpu")

    def execute(*inputs: NDArray[Any]) -> Arrays:
        with torch.inference_mode(), _computing_in(torch.float32, cpu):
            return _arrays(part.module(*(torch.from_numpy(np.ascontiguousarray(value)) for value in inputs)))

    return execute
