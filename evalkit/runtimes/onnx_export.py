"""Write a network as ONNX, in fp32 or quantised to int8, for ONNX Runtime and OpenVINO."""

from __future__ import annotations

import contextlib
import copy
import inspect
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.runtimes import onnx_quantization
from evalkit.runtimes.adapter import Arrays
from evalkit.types import NetworkPart

if TYPE_CHECKING:
    import torch

PACKAGES = (("onnx", "onnx"), ("onnxscript", "onnxscript"))
"""Import and distribution names of the packages that ``export_onnx`` needs; int8 needs onnxruntime too."""
WRITERS = ("onnx", "onnxscript")
"""Distributions whose version changes the files."""
FILE = "network.onnx"
"""Name of the file that ``export_onnx`` writes."""

_OPSET = 18


def export_onnx(
    part: NetworkPart,
    folder: Path,
    *,
    precision: str,
    samples: Sequence[Arrays],
    quantize_outputs: bool = True,
    polynomial_silu: bool = False,
) -> bool:
    """Write ``network.onnx`` into a folder.

    Args:
        part: The network.
        folder: An existing folder.
        precision: ``fp32`` or ``int8``.
        samples: Real inputs of the network, to calibrate int8.
        quantize_outputs: Also quantise the outputs of convolutions of an int8 network. ONNX Runtime computes in int8
            only then. OpenVINO computes in int8 in any case, and twice as fast if activations precede the quantisation.
        polynomial_silu: Compute SiLU in an int8 network by a polynomial, see ``evalkit.runtimes.onnx_silu``.

    Returns:
        True if the network accepts batches of any size, False if only of one.

    Raises:
        EvalkitError: int8 without samples.
    """
    import torch

    path = folder / FILE
    fp32 = folder / "fp32.onnx" if precision == "int8" else path
    try:
        any_batch = not part.fixed_shapes
        _write_fp32(part, fp32, any_batch=any_batch)
    except (torch.onnx.OnnxExporterError, RuntimeError):
        # A grouped convolution with one group per image and channel cannot be written for an unknown batch size.
        _write_fp32(part, fp32, any_batch=False)
        any_batch = False
    if precision == "int8":
        with _exporter_output_hidden():
            onnx_quantization.quantize(
                fp32, path, part, samples, quantize_outputs=quantize_outputs, polynomial_silu=polynomial_silu
            )
        fp32.unlink()
    return any_batch


def _write_fp32(part: NetworkPart, path: Path, *, any_batch: bool) -> None:
    import torch

    module = _with_global_pools(copy.deepcopy(part.module).eval().cpu())
    # The exporter treats a batch of one as a constant.
    repeats = 2 if any_batch else 1
    example = tuple(torch.from_numpy(value).repeat(repeats, *[1] * (value.ndim - 1)) for value in part.example)
    with _exporter_output_hidden():
        program = torch.onnx.export(
            module, example, dynamo=True, opset_version=_OPSET, verbose=False, optimize=True,
            dynamic_shapes=_dynamic_shapes(module, len(example)) if any_batch else None,
            input_names=list(part.inputs), output_names=list(part.outputs),
        )  # fmt: skip
        if program is None:
            raise RuntimeError("the exporter returned nothing")
        program.save(path)


def _with_global_pools(module: torch.nn.Module) -> torch.nn.Module:
    """Replace each mean over all cells by the one ONNX operator for it.

    The exporter splits ``AdaptiveAvgPool2d(1)`` into a general reduction, for which ONNX Runtime leaves its blocked
    memory layout: 4 % of LightTrack's time.
    """
    import torch

    class GlobalPool(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            shape = (image.shape[0], image.shape[1], 1, 1)
            pooled: torch.Tensor = torch.onnx.ops.symbolic(
                "GlobalAveragePool", (image,), dtype=image.dtype, shape=shape
            )
            return pooled

    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, torch.nn.AdaptiveAvgPool2d) and child.output_size in (1, (1, 1)):
                setattr(parent, name, GlobalPool())
    return module


def _dynamic_shapes(module: torch.nn.Module, count: int) -> tuple[Any, ...]:
    """Return that the first dimension of each input is the batch, in the structure of the signature of ``forward``."""
    import torch

    each = tuple({0: torch.export.Dim("batch")} for _ in range(count))
    kinds = [parameter.kind for parameter in inspect.signature(module.forward).parameters.values()]
    return (each,) if inspect.Parameter.VAR_POSITIONAL in kinds else each


@contextlib.contextmanager
def _exporter_output_hidden() -> Iterator[None]:
    """Hide the log and the warnings of the exporter; errors are raised."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
