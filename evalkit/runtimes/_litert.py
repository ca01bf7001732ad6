"""LiteRT with XNNPACK on the CPU: what TensorFlow Lite became."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.runtimes.parity import Arrays, Execute
from evalkit.types import NetworkPart

FILE = "network.tflite"


def export(part: NetworkPart, folder: Path, *, precision: str, samples: Sequence[Arrays]) -> bool:
    """Write ``network.tflite`` for batches of one."""
    module = copy.deepcopy(part.module).eval().cpu()
    example = tuple(torch.from_numpy(value).contiguous() for value in part.example)
    with _quiet():
        # It brings jax and transformers along: only who exports waits for them.
        import litert_torch

        litert_torch.convert(module, example).export(str(folder / FILE))
    return False


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The converter reports each of its steps on standard output and through logging."""
    level = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def start(part: NetworkPart, folder: Path, *, runtime: str, precision: str, device: str, threads: int) -> Execute:
    run = Interpreter(model_path=str(folder / FILE), num_threads=threads).get_signature_runner()
    names = [f"args_{index}" for index in range(len(part.inputs))]
    answers = [f"output_{index}" for index in range(len(part.outputs))]
    if (found := sorted(run.get_input_details())) != sorted(names):
        raise EvalkitError("LiteRT names the inputs otherwise", where=folder, found=", ".join(found), exit_code=1)

    def execute(*inputs: NDArray[Any]) -> Arrays:
        outputs = run(**dict(zip(names, inputs, strict=True)))
        return tuple(outputs[name] for name in answers)

    return execute
