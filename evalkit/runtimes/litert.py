"""LiteRT, the successor of TensorFlow Lite, with XNNPACK on the CPU."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.runtimes.adapter import Arrays, Execute
from evalkit.types import Execution, NetworkPart

_FILE = "network.tflite"


@registry.runtime(
    "litert",
    summary="LiteRT with XNNPACK",
    packages=(("ai_edge_litert", "ai-edge-litert"), ("litert_torch", "litert-torch")),
    extra="litert",
    format="litert",
    writers=("litert-torch", "litert-converter"),
)
class LiteRt:
    """Executes ``network.tflite``, one image at a time."""

    def export(self, part: NetworkPart, folder: Path, *, precision: str, samples: Sequence[Arrays]) -> bool:
        """Write ``network.tflite`` for batches of one."""
        import torch

        module = copy.deepcopy(part.module).eval().cpu()
        example = tuple(torch.from_numpy(value).contiguous() for value in part.example)
        with _converter_output_hidden():
            # This imports jax and transformers, so it is imported only for an export.
            import litert_torch

            litert_torch.convert(module, example).export(str(folder / _FILE))
        return False

    def start(self, part: NetworkPart, folder: Path, execution: Execution) -> Execute:
        """Return the network as a function of arrays."""
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=str(folder / _FILE), num_threads=execution.threads)
        signature = interpreter.get_signature_runner()
        inputs_by_name = [f"args_{index}" for index in range(len(part.inputs))]
        outputs_by_name = [f"output_{index}" for index in range(len(part.outputs))]
        if (found := sorted(signature.get_input_details())) != sorted(inputs_by_name):
            raise EvalkitError(
                "LiteRT uses other names for the inputs", where=folder, found=", ".join(found),
                expected=", ".join(inputs_by_name), exit_code=1,
            )  # fmt: skip

        def execute(*inputs: NDArray[Any], _kept: Any = interpreter) -> Arrays:
            # The signature computes with memory of the interpreter, which is kept as long as this function.
            outputs = signature(**dict(zip(inputs_by_name, inputs, strict=True)))
            return tuple(outputs[name] for name in outputs_by_name)

        return execute


@contextlib.contextmanager
def _converter_output_hidden() -> Iterator[None]:
    """Hide what the converter prints and logs about each of its steps."""
    level = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
