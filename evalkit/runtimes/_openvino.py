"""OpenVINO on the CPU. Its default precision is bf16 where the processor can, so ours is always said and read back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.runtimes import _onnx
from evalkit.runtimes.parity import Arrays, Execute
from evalkit.types import NetworkPart

HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
"""An int8 network computes in int8 where it is quantised and in the hinted precision elsewhere."""


def export(part: NetworkPart, folder: Path, *, precision: str, samples: Sequence[Arrays]) -> bool:
    """Write ``network.onnx``; of an int8 network, so that a convolution and its activation can be one step."""
    return _onnx.export(part, folder, precision=precision, samples=samples, rounded_outputs=False)


def start(part: NetworkPart, folder: Path, *, runtime: str, precision: str, device: str, threads: int) -> Execute:
    core = openvino.Core()

    @cache
    def request(batch: int) -> Any:
        """Of one size of batch: with sizes left open the network takes a tenth longer."""
        model = core.read_model(folder / _onnx.FILE)
        model.reshape({index: [batch, *value.shape[1:]] for index, value in enumerate(part.example)})
        return _compiled(core, model, precision=precision, threads=threads).create_infer_request()

    count = len(part.outputs)

    def execute(*inputs: NDArray[Any]) -> Arrays:
        one = request(inputs[0].shape[0])
        one.infer(dict(enumerate(np.ascontiguousarray(value) for value in inputs)))
        return tuple(one.get_output_tensor(index).data.copy() for index in range(count))

    return execute


def _compiled(core: Any, model: Any, *, precision: str, threads: int) -> Any:
    wanted = HINTS[precision]
    compiled = core.compile_model(
        model, "CPU",
        {
            "INFERENCE_PRECISION_HINT": wanted, "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False,
        },
    )  # fmt: skip
    _demand(compiled.get_property("INFERENCE_NUM_THREADS"), threads, "threads")
    _demand(compiled.get_property("INFERENCE_PRECISION_HINT").to_string(), wanted, "precision")
    return compiled


def _demand(found: object, expected: object, what: str) -> None:
    if found != expected:
        raise EvalkitError(
            f"OpenVINO does not compute with the {what} asked for", where="openvino", found=found, expected=expected,
            hint="This processor may lack it", exit_code=1,
        )  # fmt: skip
