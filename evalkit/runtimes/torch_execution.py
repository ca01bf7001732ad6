"""Execution of a module by PyTorch itself, shared by the runtimes torch, torch-compile and torch-cuda-graph."""

from __future__ import annotations

import copy
import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.runtimes.adapter import Arrays, Execute
from evalkit.types import Execution, NetworkPart

if TYPE_CHECKING:
    import torch

_MIB = 1024 * 1024
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # from glibc's malloc.h
_REDUCED = {"fp16": "float16", "bf16": "bfloat16"}
"""Types of the precisions that are computed by autocast."""


def find_device(name: str) -> torch.device:
    """Return PyTorch's device of a name, e.g. ``cpu``, ``cuda:0`` or ``mps``.

    Raises:
        EvalkitError: There is no such device here.
    """
    import torch

    try:
        device = torch.device(name)
    except RuntimeError:
        raise EvalkitError("no such device", where="--device", found=name, expected="cpu, cuda:0, mps") from None
    if device.type == "cuda":
        _check_cuda(name, device)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise EvalkitError(
            "PyTorch sees no MPS device here", where="--device", found=name,
            hint="Leave --device out to compute on the CPU",
        )  # fmt: skip
    return device


def _check_cuda(name: str, device: torch.device) -> None:
    import torch

    if not torch.cuda.is_available():
        raise EvalkitError(
            "PyTorch sees no CUDA device here", where="--device", found=name,
            hint="Leave --device out to compute on the CPU; `evalkit doctor` shows which devices PyTorch sees",
        )  # fmt: skip
    count = torch.cuda.device_count()
    if (device.index or 0) >= count:
        expected = ", ".join(f"cuda:{index}" for index in range(count))
        raise EvalkitError("no such CUDA device", where="--device", found=name, expected=expected)


@cache
def keep_freed_memory() -> None:
    """Make the allocator keep freed memory for the next layer instead of returning it to the system.

    By default glibc decides this anew in every process, and eager PyTorch may then spend a third of its time or more on
    thousands of page faults per image.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 32 * _MIB)  # the most that glibc accepts
        mallopt(_M_TRIM_THRESHOLD, 512 * _MIB)


def copy_module(
    part: NetworkPart, device: torch.device, *, precision: str = "fp32", channels_last: bool = False
) -> torch.nn.Module:
    """Return a copy of the module in evaluation mode on a device; the module itself stays unchanged.

    In fp16 and bf16 the weights of convolutions and matrix products are rounded here, as autocast does before each of
    them: the outputs are the same, without a conversion of every weight in every execution.
    """
    import torch

    keep_freed_memory()
    module: torch.nn.Module = copy.deepcopy(part.module).eval().to(device)
    if precision in _REDUCED:
        for child in module.modules():
            if isinstance(child, (torch.nn.Conv2d, torch.nn.ConvTranspose2d, torch.nn.Linear)):
                child.to(getattr(torch, _REDUCED[precision]))
    if channels_last:
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module


def execute_forward(
    forward: Callable[..., Any], execution: Execution, device: torch.device, *, channels_last: bool = False
) -> Execute:
    """Return ``forward``, a function of tensors, as a function of arrays.

    Args:
        forward: A module, or a function that behaves like one.
        execution: Precision and threads to compute with.
        device: Device that ``forward`` computes on.
        channels_last: Give images to ``forward`` with the channels last in memory.
    """
    import torch

    def execute(*inputs: NDArray[Any]) -> Arrays:
        # The number of threads belongs to the process, and other code may have changed it since.
        if torch.get_num_threads() != execution.threads:
            torch.set_num_threads(execution.threads)
        with torch.inference_mode(), computing_in(execution.precision, device):
            return to_arrays(forward(*(to_tensor(value, device, channels_last=channels_last) for value in inputs)))

    return execute


def to_tensor(value: NDArray[Any], device: torch.device, *, channels_last: bool = False) -> torch.Tensor:
    """Return an array as a tensor on a device; images, of four dimensions, in the given order in memory."""
    import torch

    # The stride of a dimension of 1 is arbitrary in NumPy; torch.compile would compile again for another one.
    tensor = torch.from_numpy(np.ascontiguousarray(value)).view(value.shape).to(device)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return tensor.contiguous(memory_format=layout) if tensor.ndim == 4 else tensor


def to_arrays(result: Any) -> Arrays:
    """Return a tensor, or a tuple or list of tensors, as a tuple of arrays; floating-point values as float32."""
    outputs = result if isinstance(result, (tuple, list)) else (result,)
    return tuple(value.float().cpu().numpy() if value.is_floating_point() else value.cpu().numpy() for value in outputs)


@contextmanager
def computing_in(precision: str, device: torch.device) -> Iterator[None]:
    """Compute convolutions and matrix products in a precision until the context ends.

    fp32 means fp32, whatever this process chose before: neither TF32 on CUDA nor bf16 on the CPU. TF32 is used where
    the precision is ``tf32``, and nowhere else: other operations of fp16 and bf16 are in fp32 as well. cuDNN neither
    benchmarks algorithms nor uses one that adds in an undefined order, so that a second run gives the same bits.

    Args:
        precision: ``fp32``, ``tf32``, ``fp16`` or ``bf16``.
        device: Device to compute on.
    """
    import torch

    backends: Any = torch.backends
    products = (backends.cuda.matmul, backends.cudnn.conv, backends.mkldnn.matmul, backends.mkldnn.conv)
    chosen = [one.fp32_precision for one in products]
    cudnn = backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    for one in products:
        one.fp32_precision = "tf32" if precision == "tf32" and one in products[:2] else "ieee"
    dtype = getattr(torch, _REDUCED.get(precision, "float32"))
    try:
        # The cache of converted weights is freed with the context, and a captured graph must not refer to it.
        with torch.autocast(device.type, dtype, enabled=precision in _REDUCED, cache_enabled=False):
            yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before
        for one, earlier in zip(products, chosen, strict=True):
            one.fp32_precision = earlier
