"""OpenVINO on the CPU.

Its default precision is bf16 on processors that support it, so the precision is always set and checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.runtimes import onnx_export
from evalkit.runtimes.adapter import Arrays, Execute
from evalkit.types import Execution, NetworkPart

_PRECISION_HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
"""A quantised network computes in int8 where it is quantised and in the hinted precision elsewhere."""


@registry.runtime(
    "openvino",
    summary="OpenVINO",
    packages=(("openvino", "openvino"), *onnx_export.PACKAGES),
    extra="openvino",
    precisions=("fp32", "bf16", "int8"),
    format="onnx",
    writers=onnx_export.WRITERS,
    start_seconds=12,
)
class OpenVino:
    """Executes ``network.onnx``, compiled for every batch size."""

    def export(self, part: NetworkPart, folder: Path, *, precision: str, samples: Sequence[Arrays]) -> bool:
        """Write ``network.onnx``.

        In int8 only the inputs of convolutions are quantised, so that an activation and the rounding can be fused.
        """
        return onnx_export.export_onnx(
            part, folder, precision=precision, samples=samples, quantize_outputs=False, polynomial_silu=True
        )

    def start(self, part: NetworkPart, folder: Path, execution: Execution) -> Execute:
        """Return the network as a function of arrays."""
        import openvino

        core = openvino.Core()

        @cache
        def infer_request(batch: int) -> Any:
            # With dynamic shapes the network takes a tenth longer.
            model = core.read_model(folder / onnx_export.FILE)
            model.reshape({index: [batch, *value.shape[1:]] for index, value in enumerate(part.example)})
            return _compile(core, model, execution).create_infer_request()

        count = len(part.outputs)

        def execute(*inputs: NDArray[Any]) -> Arrays:
            request = infer_request(inputs[0].shape[0])
            request.infer(dict(enumerate(np.ascontiguousarray(value) for value in inputs)))
            return tuple(request.get_output_tensor(index).data.copy() for index in range(count))

        return execute


def _compile(core: Any, model: Any, execution: Execution) -> Any:
    hint = _PRECISION_HINTS[execution.precision]
    compiled = core.compile_model(
        model, "CPU",
        {
            "INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": execution.threads, "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False,
        },
    )  # fmt: skip
    _check_property(compiled.get_property("INFERENCE_NUM_THREADS"), execution.threads, "number of threads")
    _check_property(compiled.get_property("INFERENCE_PRECISION_HINT").to_string(), hint, "precision")
    return compiled


def _check_property(found: object, expected: object, what: str) -> None:
    if found != expected:
        raise EvalkitError(
            f"OpenVINO does not use the {what} that was requested", where="openvino", found=found, expected=expected,
            hint="This processor may not support it", exit_code=1,
        )  # fmt: skip
