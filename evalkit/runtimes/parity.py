"""Whether two executions of one network agree, before either is timed or trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.types import NetworkPart

Arrays: TypeAlias = tuple[NDArray[Any], ...]
Execute: TypeAlias = Callable[..., Arrays]

TOLERANCES = {"fp32": 1e-4, "fp16": 0.1, "bf16": 0.25, "int8": 0.5}
"""Largest accepted difference from torch in fp32, relative to the largest value of the output.

fp32: what the official code differs by between machines. The others bound gross mistakes (a swapped input, a lost
layer); how much tracking they cost is for tracking to say.
"""


def differences(ours: Sequence[NDArray[Any]], reference: Sequence[NDArray[Any]]) -> tuple[float, ...]:
    """Per output: max |difference| / max |reference|; infinite where shapes differ or a value is not finite.

    >>> differences([np.array([1.0, 2.0])], [np.array([1.0, 4.0])])
    (0.5,)
    """
    if len(ours) != len(reference):
        return (float("inf"),) * max(len(ours), len(reference))
    return tuple(_difference(a, b) for a, b in zip(ours, reference, strict=True))


def _difference(ours: NDArray[Any], reference: NDArray[Any]) -> float:
    if ours.shape != reference.shape or not np.isfinite(ours).all():
        return float("inf")
    scale = float(np.abs(reference).max(initial=0.0)) or 1.0
    return float(np.abs(ours.astype(np.float64) - reference).max(initial=0.0)) / scale


def probe(example: Arrays) -> Arrays:
    """Inputs of the shapes of ``example``: seeded normal noise where they are floating, else integers up to 255."""
    random = np.random.default_rng(0)
    return tuple(
        random.standard_normal(value.shape).astype(value.dtype)
        if value.dtype.kind == "f"
        else random.integers(0, 256, value.shape).astype(value.dtype)
        for value in example
    )


def compare(execute: Execute, reference: Execute, probes: Sequence[Arrays]) -> tuple[float, ...]:
    """The largest ``differences`` per output over several inputs."""
    rows = [differences(execute(*inputs), reference(*inputs)) for inputs in probes]
    return tuple(max(column) for column in zip(*rows, strict=True))


def check(found: Sequence[float], part: NetworkPart, *, runtime: str, precision: str) -> None:
    """Refuse an execution that does not agree with torch.

    Raises:
        EvalkitError: Naming the output that differs most.
    """
    worst = max(range(len(found)), key=lambda index: found[index])
    if found[worst] <= TOLERANCES[precision]:
        return
    name = part.outputs[worst] if worst < len(part.outputs) else str(worst)
    raise EvalkitError(
        f"the exported network differs from torch in its output {name!r}",
        where=f"{runtime} {precision}, {part.name} network",
        found=f"{found[worst]:.2g} of the largest value", expected=f"at most {TOLERANCES[precision]:g}",
        hint="It is not used: its numbers would be another tracker's", exit_code=1,
    )  # fmt: skip
