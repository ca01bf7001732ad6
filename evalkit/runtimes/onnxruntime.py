"""ONNX Runtime on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from evalkit import registry
from evalkit.runtimes import onnx_export
from evalkit.runtimes.adapter import Arrays, Execute
from evalkit.types import Execution, NetworkPart


@registry.runtime(
    "onnxruntime",
    summary="ONNX Runtime",
    packages=(("onnxruntime", "onnxruntime"), *onnx_export.PACKAGES),
    extra="onnxruntime",
    precisions=("fp32", "int8"),
    format="onnx",
    writers=onnx_export.WRITERS,
    start_seconds=12,
)
class OnnxRuntime:
    """Executes ``network.onnx`` in one session with the given number of threads."""

    def export(self, part: NetworkPart, folder: Path, *, precision: str, samples: Sequence[Arrays]) -> bool:
        """Write ``network.onnx``."""
        return onnx_export.export_onnx(part, folder, precision=precision, samples=samples)

    def start(self, part: NetworkPart, folder: Path, execution: Execution) -> Execute:
        """Return the network as a function of arrays."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = execution.threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        # The time that idle threads spend spinning would count as CPU time of the network.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(folder / onnx_export.FILE, options, providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_inputs()]

        def execute(*inputs: NDArray[Any]) -> Arrays:
            return tuple(session.run(None, dict(zip(names, inputs, strict=True))))

        return execute
