"""Write exported networks; those that evalkit did not write with an example of inputs and outputs, and a program."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evalkit import registry, runtimes
from evalkit.errors import EvalkitError
from evalkit.io import atomic
from evalkit.runtimes import Arrays, exports, parity
from evalkit.types import Execution, NetworkPart

REFERENCE = "reference.py"
EXAMPLE = "example.npz"
_PROGRAM = '''"""Execute each exported network on the example in its folder and compare with the outputs of PyTorch."""

import json, pathlib
import numpy, onnxruntime

here = pathlib.Path(__file__).parent
for part in json.loads((here / "manifest.json").read_text(encoding="utf-8"))["parts"]:
    example = numpy.load(here / part["folder"] / "example.npz")
    session = onnxruntime.InferenceSession(here / part["folder"] / "network.onnx")
    given = {one["name"]: example["input_" + one["name"]] for one in part["inputs"]}
    for name, output in zip(part["outputs"], session.run(None, given)):
        expected = example["output_" + name]
        print(part["folder"], name, output.shape, "differs by at most", float(abs(output - expected).max()))
'''


def export_foreign(
    parts: Sequence[NetworkPart], usage: Mapping[str, Any], execution: Execution, output: Path,
    *, samples: Mapping[str, Sequence[Arrays]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Write networks, an example for each, and for ONNX a program that executes them.

    Args:
        parts: The networks.
        usage: What is known about inputs and outputs.
        execution: Runtime and precision.
        output: The folder of the export.
        samples: Inputs of networks by their names, to calibrate int8; a network without is executed in fp32.

    Returns:
        The networks and their usage, for the manifest.

    Raises:
        EvalkitError: A network cannot be expressed in the format, or its outputs differ too much from torch's.
    """
    records = []
    for part in parts:
        records.append(write_part(part, output, execution, (samples or {}).get(part.name, ())))
        expected = parity.reference(part)(*part.example)
        arrays = {f"input_{name}": value for name, value in zip(part.inputs, part.example, strict=True)}
        arrays |= {f"output_{name}": value for name, value in zip(part.outputs, expected, strict=True)}
        np.savez(output / part.name / EXAMPLE, **arrays)  # type: ignore[arg-type]
    if registry.runtime.find(execution.runtime).format == "onnx":
        atomic.write_text(output / REFERENCE, _PROGRAM)
    return {"card": {}, "parts": records, "tracking": None, "usage": dict(usage)}


def write_part(part: NetworkPart, output: Path, execution: Execution, samples: Sequence[Arrays]) -> dict[str, Any]:
    """Write one network into a folder of its name, and return its record for the manifest.

    Args:
        samples: Inputs of the network, to calibrate int8. Without them, a network is written in fp32 instead: trackers
            compute the template, once per sequence, in fp32 where the search is in int8.
    """
    if execution.precision == "int8" and not samples:
        execution = replace(execution, precision="fp32")
    network = runtimes.load(part, execution, samples=lambda: samples)
    target = output / part.name
    try:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(network.folder, target)
    except OSError as error:
        raise EvalkitError(f"the export cannot be written: {error.strerror}", where=target) from error
    written: dict[str, Any] = json.loads((target / exports.MANIFEST).read_text(encoding="utf-8"))
    return {
        **written, "folder": part.name, "computes_in": execution.precision, "differences": network.differences
    }  # fmt: skip
