"""Findings of the gates, and the verdict of a comparison."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from evalkit.types import finite_or_none

FIRST_VALUE = "not in the baseline yet"
"""Reason of the findings that only state a value."""


class Verdict(str, Enum):
    """Verdict of a gate; ``SKIPPED`` if it cannot be applied here, for a stated reason."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class AffectedSequence:
    """A sequence that contributes to a finding.

    Attributes:
        change: Of the sequence's own score, in the metric's unit; None where the finding is about no metric.
        first, last: Frames, counted from 1, between which the boxes begin to differ; equal where the baseline tells
            exactly, None where no box differs or the numbers of frames differ.
        max_pixels: Largest difference of a coordinate of a box; None where the baseline's boxes are not on this
            machine.
    """

    sequence: str
    change: float | None = None
    first: int | None = None
    last: int | None = None
    max_pixels: float | None = None

    def frames(self) -> str:
        """Return where the boxes begin to differ, e.g. ``frame 12``; an empty text if that is not known."""
        if self.first is None:
            return ""
        return f"frame {self.first}" if self.first == self.last else f"frames {self.first} to {self.last}"


@dataclass(frozen=True)
class GateFinding:
    """The finding of one gate.

    Attributes:
        gate: ``sequences``, ``weights``, ``exact``, ``cost``, ``accuracy`` or ``latency``.
        dataset: None where the gate is about the tracker alone.
        quantity: The metric, the count, ``boxes``, ...
        reason: Why the verdict is what it is, in one sentence.
        baseline, now: The two values; None where there is no number.
        change: ``now`` minus ``baseline``; for latency the relative change.
        low, high: One-sided 95 % bounds of ``change``.
        margin: Allowed change for the worse.
        sequences: Number of sequences that were compared.
        needed: Number of sequences that would decide, if further ones were like these; None where it is decided or
            unknown.
        responsible: The affected sequences, the worst first.
        improved: The value is better by more than the margin, so the change needs an explanation.
        seconds: Wall-clock time that the gate took: tracking for ``sequences``, timing for ``latency``; None for gates
            that only compare.
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
    responsible: tuple[AffectedSequence, ...] = ()
    improved: bool = False
    seconds: float | None = field(default=None, compare=False)

    def record(self) -> dict[str, Any]:
        """Return the flat JSON record; its fields are a contract of the command line."""
        record = {
            key: finite_or_none(value) if isinstance(value, float) else value
            for key, value in asdict(self).items()
            if key != "responsible"
        }
        record["verdict"] = self.verdict.value
        record["responsible"] = [asdict(one) for one in self.responsible]
        return record


@dataclass(frozen=True)
class RegressionReport:
    """The result of comparing a suite with its baseline.

    Attributes:
        suite: Name of the suite.
        findings: Of all gates.
        differences: Other differences, by tracker: versions, processor, hyperparameters; one sentence each.
        baseline: The file that was compared with, or written.
        updated: Whether the baseline was replaced.
        command: The command that accepts an intended change.
    """

    suite: str
    findings: tuple[GateFinding, ...]
    differences: tuple[str, ...]
    baseline: Path
    updated: bool = False
    command: str = ""

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all findings: fail before inconclusive before pass."""
        found = {finding.verdict for finding in self.findings}
        return next((one for one in (Verdict.FAIL, Verdict.INCONCLUSIVE) if one in found), Verdict.PASS)

    def exit_code(self, *, strict: bool = False) -> int:
        """Return 0 for pass, 1 for a regression, 3 for inconclusive (1 if strict); 0 for an update."""
        if self.updated:
            return 0
        return {Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 1 if strict else 3}.get(self.verdict, 0)

    def records(self) -> list[dict[str, Any]]:
        """Return one flat JSON record per finding."""
        return [{"suite": self.suite, **finding.record()} for finding in self.findings]
