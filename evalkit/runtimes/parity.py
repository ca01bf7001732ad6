"""Compare the outputs of an execution with those of torch in fp32, before the execution is timed or used."""

from __future__ import annotations

import gc
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.runtimes.adapter import Arrays, Execute
from evalkit.types import NetworkPart

TOLERANCES = {"fp32": 1e-4, "tf32": 0.1, "fp16": 0.1, "bf16": 0.25, "int8": 0.5}
"""Largest accepted difference from torch in fp32, relative to the largest value of the output.

fp32: what the official code differs by between machines. The others detect gross mistakes, such as swapped inputs or a
lost layer; how much accuracy they cost is measured by tracking.
"""


def reference(part: NetworkPart) -> Execute:
    """Return the network executed by torch in fp32 on the CPU, which every other execution is compared with."""
    import torch

    from evalkit.runtimes.torch_execution import computing_in, to_arrays

    cpu = torch.device("cpu")

    def execute(*inputs: NDArray[Any]) -> Arrays:
        with torch.inference_mode(), computing_in("fp32", cpu):
            return to_arrays(part.module(*(torch.from_numpy(np.ascontiguousarray(value)) for value in inputs)))

    return execute


def differences(outputs: Sequence[NDArray[Any]], expected: Sequence[NDArray[Any]]) -> tuple[float, ...]:
    """Return max |output - expected| / max |expected| for each output.

    It is infinite where the shapes differ, where a value of either is not finite, or where an output is missing. It is
    never NaN, which no comparison with a tolerance would find.

    >>> differences([np.array([1.0, 2.0])], [np.array([1.0, 4.0])])
    (0.5,)
    """
    if len(outputs) != len(expected):
        return (float("inf"),) * max(len(outputs), len(expected))
    return tuple(_difference(a, b) for a, b in zip(outputs, expected, strict=True))


def _difference(output: NDArray[Any], expected: NDArray[Any]) -> float:
    if output.shape != expected.shape or not (np.isfinite(output).all() and np.isfinite(expected).all()):
        return float("inf")
    scale = float(np.abs(expected).max(initial=0.0)) or 1.0
    return float(np.abs(output.astype(np.float64) - expected).max(initial=0.0)) / scale


def random_inputs(example: Arrays) -> Arrays:
    """Return inputs of the shapes of ``example``: seeded normal noise if floating point, else integers up to 255."""
    random = np.random.default_rng(0)
    return tuple(
        random.standard_normal(value.shape).astype(value.dtype)
        if value.dtype.kind == "f"
        else random.integers(0, 256, value.shape).astype(value.dtype)
        for value in example
    )


def inputs_for(example: Arrays) -> Arrays:
    """Return the example itself where it has values, as that of an observed call; else ``random_inputs``."""
    return example if any(value.any() for value in example) else random_inputs(example)


def largest_differences(
    execute: Execute, expected: Execute | Sequence[Arrays], inputs: Sequence[Arrays]
) -> tuple[float, ...]:
    """Return the largest of ``differences`` over several inputs, for each output.

    Args:
        execute: The execution to compare.
        expected: What it should answer: an execution, or its outputs for ``inputs``.
        inputs: Inputs of the network.
    """
    answers = expected if not callable(expected) else [expected(*values) for values in inputs]
    rows = [differences(execute(*values), answer) for values, answer in zip(inputs, answers, strict=True)]
    return tuple(max(column) for column in zip(*rows, strict=True))


def overwrite_freed_memory(module: Any, device: str) -> None:
    """Allocate tensors of the sizes of a module's weights, fill them with NaN, and free them.

    An execution that computes with memory that it does not keep answers correctly until somebody else gets the memory.
    After this call it does not.

    Args:
        module: A ``torch.nn.Module``.
        device: Device of the execution; the CPU's memory is overwritten as well.
    """
    import torch

    gc.collect()
    shapes = [value.shape for value in (*module.parameters(), *module.buffers())]
    for name in {"cpu", device} if device.startswith("cuda") else {"cpu"}:
        filled = [torch.full(shape, float("nan"), device=name) for shape in shapes]
        filled.clear()


def check_differences(
    found: Sequence[float], part: NetworkPart, *, runtime: str, precision: str, when: str = ""
) -> None:
    """Reject an execution whose outputs differ from torch's by more than ``TOLERANCES``.

    Args:
        found: The differences, one per output.
        part: The network.
        runtime, precision: How it was executed, for the message.
        when: When the outputs were computed, for the message.

    Raises:
        EvalkitError: The output that differs most is named.
    """
    if all(value <= TOLERANCES[precision] for value in found):
        return
    worst = max(range(len(found)), key=lambda index: math.inf if math.isnan(found[index]) else found[index])
    name = part.outputs[worst] if worst < len(part.outputs) else str(worst)
    raise EvalkitError(
        f"the network differs from torch in its output {name!r}{when}",
        where=f"{runtime} {precision}, {part.name} network",
        found=f"{found[worst]:.2g} of the largest value", expected=f"at most {TOLERANCES[precision]:g}",
        hint="The execution is rejected because its results would not represent this tracker", exit_code=1,
    )  # fmt: skip
