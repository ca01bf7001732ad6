"""Writing a network as ONNX, in fp32 or quantised to int8: ONNX Runtime and OpenVINO both read it."""

from __future__ import annotations

import contextlib
import copy
import inspect
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from evalkit.errors import EvalkitError
from evalkit.runtimes.parity import Arrays
from evalkit.types import NetworkPart

OPSET = 18
FILE = "network.onnx"
KINDS = ["Conv"]
"""Operators that an int8 network computes in int8."""


def export(
    part: NetworkPart, folder: Path, *, precision: str, samples: Sequence[Arrays], rounded_outputs: bool = True
) -> bool:
    """Write ``network.onnx``; whether it takes batches of any size is returned.

    Args:
        rounded_outputs: Whether what a convolution answers is int8 as well in an int8 network. ONNX Runtime computes in
            int8 only then; OpenVINO does in any case, and twice as fast where activations come before the rounding.
    """
    path = folder / FILE
    plain = folder / "fp32.onnx" if precision == "int8" else path
    try:
        _write(part, plain, any_batch=True)
        any_batch = True
    except (torch.onnx.OnnxExporterError, RuntimeError):
        # A grouped convolution with one group per image and channel has no form for a batch yet unknown.
        _write(part, plain, any_batch=False)
        any_batch = False
    if precision == "int8":
        _quantize(plain, path, part, samples, rounded_outputs=rounded_outputs)
        plain.unlink()
    return any_batch


def _write(part: NetworkPart, path: Path, *, any_batch: bool) -> None:
    module = _with_whole_pools(copy.deepcopy(part.module).eval().cpu())
    # A batch of one would be taken for a constant.
    repeats = 2 if any_batch else 1
    example = tuple(torch.from_numpy(value).repeat(repeats, *[1] * (value.ndim - 1)) for value in part.example)
    dimensions = _batched(module, len(example)) if any_batch else None
    with _quiet():
        program = torch.onnx.export(
            module, example, dynamo=True, opset_version=OPSET, dynamic_shapes=dimensions,
            input_names=list(part.inputs), output_names=list(part.outputs), verbose=False, optimize=True,
        )  # fmt: skip
        if program is None:
            raise RuntimeError("the exporter returned nothing")
        program.save(path)


class _GlobalPool(torch.nn.Module):
    """The mean over all cells as the one operator that it is.

    The exporter takes ``AdaptiveAvgPool2d(1)`` apart into a general reduction, for which ONNX Runtime leaves its
    blocked layout: 4 % of LightTrack's time.
    """

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        shape = (image.shape[0], image.shape[1], 1, 1)
        pooled: torch.Tensor = torch.onnx.ops.symbolic("GlobalAveragePool", (image,), dtype=image.dtype, shape=shape)
        return pooled


def _with_whole_pools(module: torch.nn.Module) -> torch.nn.Module:
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, torch.nn.AdaptiveAvgPool2d) and child.output_size in (1, (1, 1)):
                setattr(parent, name, _GlobalPool())
    return module


def _batched(module: torch.nn.Module, count: int) -> tuple[Any, ...]:
    """The first dimension of every input is the batch, in the form of the signature of ``forward``."""
    each = tuple({0: torch.export.Dim("batch")} for _ in range(count))
    kinds = [parameter.kind for parameter in inspect.signature(module.forward).parameters.values()]
    return (each,) if inspect.Parameter.VAR_POSITIONAL in kinds else each


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Exporters talk about themselves; what matters of it is raised."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _quantize(plain: Path, path: Path, part: NetworkPart, samples: Sequence[Arrays], *, rounded_outputs: bool) -> None:
    """Post-training quantisation of weights (per channel) and activations, ranges taken from real inputs."""
    if not samples:
        raise EvalkitError("int8 needs inputs to calibrate on, and none were given", where=f"{part.name} network")
    from onnxruntime import quantization
    from onnxruntime.quantization import shape_inference

    prepared = plain.with_name("prepared.onnx")
    options = {} if rounded_outputs else {"OpTypesToExcludeOutputQuantization": KINDS}
    with _quiet():
        shape_inference.quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        quantization.quantize_static(
            prepared, path, _reader(part, samples), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
            op_types_to_quantize=KINDS, extra_options=options,
            activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8,
        )  # fmt: skip
    prepared.unlink()


def _reader(part: NetworkPart, samples: Sequence[Arrays]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Samples(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rows = iter(samples)

        def get_next(self) -> dict[str, Any] | None:
            row = next(self.rows, None)
            return None if row is None else dict(zip(part.inputs, row, strict=True))

    return Samples()
