"""What a metric is, and how a score arises from what each sequence contributes.

Every score of every profile is a reduction of one curve, and that curve is a ratio of two sums over sequences. Keeping
the sums apart makes per-sequence values, subsets and resampling one and the same small computation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from evalkit.types import Dataset, Floats, Metric, Sequence, Trajectory


@dataclass(frozen=True)
class Reduction:
    """How a score is read from a curve.

    Attributes:
        window: The part of the curve that is read.
        combine: From such parts, of shape (..., W), to values of shape (...).
    """

    window: slice
    combine: Callable[[Floats], Floats]

    def __call__(self, curves: Floats) -> Floats:
        return self.combine(curves[..., self.window])


@dataclass(frozen=True, eq=False)
class Measure:
    """One metric over some sequences.

    Attributes:
        sequences: Names of the S sequences.
        numerator: Shape (S, K).
        denominator: Shape (S, K) or (S, 1); the curve is the sum of ``numerator`` over the sum of ``denominator``, or
            just the former where this is None.
        reduce: Makes the score from the curve.
        abscissa: Of the curve to show, which is the last entries of the ratio; None where there is none to show.
        empty: Of the ratio, where its denominator is 0.
    """

    metric: Metric
    sequences: tuple[str, ...]
    numerator: Floats
    denominator: Floats | None
    reduce: Reduction
    abscissa: Floats | None = None
    empty: float = np.nan

    def values(self, weights: Floats) -> Floats:
        """The score when sequences count as often as ``weights`` says.

        Args:
            weights: Shape (B, S).

        Returns:
            Shape (B,); NaN where the score does not exist.
        """
        window = self.reduce.window
        below = self.denominator
        if below is not None:
            below = weights @ (below if below.shape[1] == 1 else below[:, window])
        return self.reduce.combine(_ratio(weights @ self.numerator[:, window], below, self.empty))

    def curve(self) -> Floats:
        """Shape (K,); NaN where nothing contributes."""
        below = None if self.denominator is None else self.denominator.sum(axis=0)
        return _ratio(self.numerator.sum(axis=0), below, self.empty)

    def value(self) -> float | None:
        """The score over all its sequences; None where it does not exist."""
        return _or_none(self.reduce(self.curve()[None])[0]) if self.sequences else None

    def curves(self) -> Floats:
        """Shape (S, K): the curve of each sequence alone."""
        return _ratio(self.numerator, self.denominator, self.empty)

    def per_sequence(self) -> dict[str, float | None]:
        """The score of each sequence alone."""
        values = self.reduce(self.curves())
        return {name: _or_none(value) for name, value in zip(self.sequences, values, strict=True)}

    def only(self, names: frozenset[str]) -> Measure:
        """The same metric over those of the sequences that are named."""
        return self._rows([row for row, name in enumerate(self.sequences) if name in names])

    def ordered(self, names: tuple[str, ...]) -> Measure:
        """The same sequences in another order."""
        row = {name: index for index, name in enumerate(self.sequences)}
        return self._rows([row[name] for name in names])

    def beside(self, other: Measure) -> Measure:
        """Its sequences followed by another result's, as if they were sequences of their own."""
        width = min(self.numerator.shape[1], other.numerator.shape[1])
        below = None
        if self.denominator is not None and other.denominator is not None:
            below = np.vstack([self.denominator[:, :width], other.denominator[:, :width]])
        above = np.vstack([self.numerator[:, :width], other.numerator[:, :width]])
        return replace(self, sequences=self.sequences + other.sequences, numerator=above, denominator=below)

    def _rows(self, rows: list[int]) -> Measure:
        return replace(
            self,
            sequences=tuple(self.sequences[row] for row in rows),
            numerator=self.numerator[rows],
            denominator=None if self.denominator is None else self.denominator[rows],
        )


@dataclass(eq=False)
class Notes:
    """What the reader of a score has to know: official rules applied to damaged rows, with counts, and remarks."""

    frames: Counter[str] = field(default_factory=Counter)
    sequences: Counter[str] = field(default_factory=Counter)
    remarks: dict[str, None] = field(default_factory=dict)

    def say(self, sentence: str) -> None:
        """Remember what holds for the result as a whole; once, however often it is said."""
        self.remarks[sentence] = None

    def add(self, rule: str, frames: int) -> None:
        """Remember that ``rule`` changed ``frames`` frames of one sequence; 0 is not worth a note."""
        if frames:
            self.frames[rule] += frames
            self.sequences[rule] += 1

    def sentences(self) -> tuple[str, ...]:
        counted = (
            f"{rule}: {_count(frames, 'frame')} in {_count(self.sequences[rule], 'sequence')}"
            for rule, frames in self.frames.items()
        )
        return (*self.remarks, *counted)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a profile is asked to score.

    Attributes:
        protocol: That the runs were made under.
        runs: By sequence name; repetitions, or the runs from each anchor; an empty list is a result known to
            be missing.
        tag: VOT tag to restrict to; None for all frames.
        notes: Collects what was done to damaged rows.
        memory: Overlaps by sequence name, kept for the next tag.
    """

    dataset: Dataset
    protocol: str
    runs: Mapping[str, list[Trajectory]]
    tag: str | None = None
    notes: Notes = field(default_factory=Notes)
    memory: dict[str, Any] = field(default_factory=dict)

    def sequences(self) -> list[Sequence]:
        """Those that have results, in the benchmark's order."""
        return [sequence for sequence in self.dataset.sequences if self.runs.get(sequence.name)]


def _mean(parts: Floats) -> Floats:
    result: Floats = parts.mean(axis=-1)
    return result


def _mean_of_known(parts: Floats) -> Floats:
    known = ~np.isnan(parts)
    return _ratio(np.where(known, parts, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


NOWHERE = Reduction(slice(0, 0), _mean_of_known)
"""No part of the curve: the score does not exist."""

MEAN = Reduction(slice(None), _mean)
"""Mean over the whole curve."""


def at(index: int) -> Reduction:
    """The ordinate at one index."""
    return Reduction(slice(index, index + 1), _mean)


def between(first: int, last: int) -> Reduction:
    """Mean over the indices from first to last, both included, where the curve exists."""
    return Reduction(slice(first, last + 1), _mean_of_known)


def _ratio(numerator: Floats, denominator: Floats | None, empty: float = np.nan) -> Floats:
    if denominator is None:
        return numerator
    blank = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), empty)
    result: Floats = np.divide(numerator, denominator, out=blank, where=denominator != 0)
    return result


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
