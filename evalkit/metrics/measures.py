"""What a metric is, and how a score arises from what each sequence contributes.

Every score of every profile is a reduction of one curve, and that curve is a ratio of two sums over sequences. Keeping
the sums apart makes per-sequence values, subsets and resampling one and the same small computation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.types import Dataset, Sequence, Trajectory

Floats = NDArray[np.float64]
Reduction = Callable[[Floats], Floats]
"""From curves of shape (..., K) to values of shape (...)."""


@dataclass(frozen=True)
class Metric:
    """What a number is called and how to read it.

    Attributes:
        version: Rises when the same files give another number.
        summary: Its definition in one line.
    """

    name: str
    summary: str
    unit: str = "fraction"
    higher_is_better: bool = True
    version: int = 1


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
        below = None if self.denominator is None else weights @ self.denominator
        return self.reduce(_ratio(weights @ self.numerator, below, self.empty))

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
        rows = [row for row, name in enumerate(self.sequences) if name in names]
        return replace(
            self,
            sequences=tuple(self.sequences[row] for row in rows),
            numerator=self.numerator[rows],
            denominator=None if self.denominator is None else self.denominator[rows],
        )


@dataclass(eq=False)
class Notes:
    """Counts of official rules applied to damaged rows, for the reader of a score."""

    frames: Counter[str] = field(default_factory=Counter)
    sequences: Counter[str] = field(default_factory=Counter)

    def add(self, rule: str, frames: int) -> None:
        """Remember that ``rule`` changed ``frames`` frames of one sequence; 0 is not worth a note."""
        if frames:
            self.frames[rule] += frames
            self.sequences[rule] += 1

    def sentences(self) -> tuple[str, ...]:
        return tuple(
            f"{rule}: {_count(frames, 'frame')} in {_count(self.sequences[rule], 'sequence')}"
            for rule, frames in self.frames.items()
        )


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a profile is asked to score.

    Attributes:
        protocol: That the runs were made under.
        runs: By sequence name; repetitions, or the runs from each anchor; an empty list is a result known to
            be missing.
        tag: VOT tag to restrict to; None for all frames.
        notes: Collects what was done to damaged rows.
    """

    dataset: Dataset
    protocol: str
    runs: Mapping[str, list[Trajectory]]
    tag: str | None = None
    notes: Notes = field(default_factory=Notes)

    def sequences(self) -> list[Sequence]:
        """Those that have results, in the benchmark's order."""
        return [sequence for sequence in self.dataset.sequences if self.runs.get(sequence.name)]


def mean(curves: Floats) -> Floats:
    """Mean over the abscissa."""
    result: Floats = curves.mean(axis=-1)
    return result


@dataclass(frozen=True)
class At:
    """The ordinate at one index."""

    index: int

    def __call__(self, curves: Floats) -> Floats:
        return curves[..., self.index]


@dataclass(frozen=True)
class Between:
    """The mean over abscissae ``first`` to ``last``, counted from 0, both included, of entries that exist."""

    first: int
    last: int

    def __call__(self, curves: Floats) -> Floats:
        part = curves[..., self.first : self.last + 1]
        known = ~np.isnan(part)
        return _ratio(np.where(known, part, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


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
