"""What a comparison with a baseline comes to."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any


class Verdict(str, Enum):
    """Of one gate; ``SKIPPED`` is one that cannot be applied here, for a stated reason."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Parted:
    """A sequence that contributes to a finding.

    Attributes:
        change: Of its own score, in the metric's unit; None where the finding is about no metric.
        first, last: Frames, counted from 1, between which the boxes part; equal where the baseline tells exactly,
            None where nothing parts or the numbers of frames differ.
    """

    sequence: str
    change: float | None = None
    first: int | None = None
    last: int | None = None

    def frames(self) -> str:
        """Where the boxes part, in words; empty where that is not known."""
        if self.first is None:
            return ""
        return f"frame {self.first}" if self.first == self.last else f"frames {self.first} to {self.last}"


@dataclass(frozen=True)
class Finding:
    """What one gate found.

    Attributes:
        gate: ``sequences``, ``weights``, ``exact``, ``cost``, ``accuracy`` or ``latency``.
        dataset: None where the gate is about the tracker alone.
        quantity: The metric, the count, ``boxes``, ...
        reason: Why, in one sentence.
        baseline, now: The two values; None where there is no number.
        change: ``now`` minus ``baseline``; for latency the relative change.
        low, high: One-sided 95 % bounds of ``change`` each way.
        margin: Change for the worse that is allowed.
        sequences: Number compared.
        needed: Number of sequences that would decide, if further ones were like these; None where decided or unknown.
        responsible: Sequences behind it, the worst first.
        improved: Better by more than the margin, which nobody explained.
    """

    gate: str
    tracker: str
    dataset: str | None
    quantity: str
    verdict: Verdict
    reason: str
    baseline: float | None = None
    now: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    sequences: int | None = None
    needed: int | None = None
    responsible: tuple[Parted, ...] = ()
    improved: bool = False

    def record(self) -> dict[str, Any]:
        """The flat JSON record; the fields are a contract of the command line."""
        record = {key: _finite(value) for key, value in asdict(self).items() if key != "responsible"}
        record["verdict"] = self.verdict.value
        record["responsible"] = [asdict(one) for one in self.responsible]
        return record


@dataclass(frozen=True)
class Report:
    """The outcome of a suite.

    Attributes:
        findings: Of every gate.
        differences: What differs besides the numbers, by tracker: versions, processor, hyperparameters; one sentence
            each.
        baseline: The file compared with, or written.
        updated: Whether the baseline was rewritten.
        command: The suite's command, as it accepts an intended change.
    """

    suite: str
    findings: tuple[Finding, ...]
    differences: tuple[str, ...]
    baseline: Path
    updated: bool = False
    command: str = ""

    @property
    def verdict(self) -> Verdict:
        """The worst of all: fail before inconclusive before pass."""
        found = {finding.verdict for finding in self.findings}
        return next((one for one in (Verdict.FAIL, Verdict.INCONCLUSIVE) if one in found), Verdict.PASS)

    def exit_code(self, *, strict: bool = False) -> int:
        """0 pass, 1 regression, 3 inconclusive (1 if strict); 0 for an update."""
        if self.updated:
            return 0
        return {Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 1 if strict else 3}.get(self.verdict, 0)

    def records(self) -> list[dict[str, Any]]:
        return [{"suite": self.suite, **finding.record()} for finding in self.findings]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
