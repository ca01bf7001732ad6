"""ONNX Runtime on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray

from evalkit.runtimes import _onnx
from evalkit.runtimes._onnx import export as export
from evalkit.runtimes.parity import Arrays, Execute
from evalkit.types import NetworkPart


def start(part: NetworkPart, folder: Path, *, runtime: str, precision: str, device: str, threads: int) -> Execute:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Idle threads that spin would be counted as CPU time of the network.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(folder / _onnx.FILE, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]

    def execute(*inputs: NDArray[Any]) -> Arrays:
        return tuple(session.run(None, dict(zip(names, inputs, strict=True))))

    return execute
