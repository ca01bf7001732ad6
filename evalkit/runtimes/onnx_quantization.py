"""Quantise an ONNX network to int8 after training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError
from evalkit.runtimes.adapter import Arrays
from evalkit.runtimes.onnx_silu import replace_silu
from evalkit.types import NetworkPart

_QUANTIZED_OPERATORS = ["Conv"]


def quantize(
    fp32: Path,
    path: Path,
    part: NetworkPart,
    samples: Sequence[Arrays],
    *,
    quantize_outputs: bool,
    polynomial_silu: bool,
) -> None:
    """Quantise weights (per channel) and activations of convolutions, with ranges taken from real inputs.

    Args:
        fp32: The network in fp32.
        path: File to write.
        part: The network, for its name and those of its inputs.
        samples: Real inputs of the network.
        quantize_outputs, polynomial_silu: See ``onnx_export.export_onnx``.

    Raises:
        EvalkitError: There are no samples.
    """
    if not samples:
        raise EvalkitError("int8 needs inputs to calibrate on, and none were given", where=f"{part.name} network")
    from onnxruntime import quantization
    from onnxruntime.quantization import shape_inference

    prepared = fp32.with_name("prepared.onnx")
    options = {} if quantize_outputs else {"OpTypesToExcludeOutputQuantization": _QUANTIZED_OPERATORS}
    shape_inference.quant_pre_process(fp32, prepared, skip_symbolic_shape=True)
    if polynomial_silu:
        _rewrite_silu(prepared)
    quantization.quantize_static(
        prepared, path, _calibration_reader(part, samples), quant_format=quantization.QuantFormat.QDQ,
        per_channel=True, op_types_to_quantize=_QUANTIZED_OPERATORS, extra_options=options,
        activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8,
    )  # fmt: skip
    prepared.unlink()


def _rewrite_silu(path: Path) -> None:
    import onnx

    model = onnx.load(path)
    replace_silu(model)
    onnx.save(model, path)


def _calibration_reader(part: NetworkPart, samples: Sequence[Arrays]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class SampleReader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rows = iter(samples)

        def get_next(self) -> dict[str, Any] | None:
            row = next(self.rows, None)
            return None if row is None else dict(zip(part.inputs, row, strict=True))

    return SampleReader()
