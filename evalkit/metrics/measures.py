"""The data structures between trajectories and scores: what sequences contribute, and how a score is read from it.

Every score of every profile is a reduction of one curve, and that curve is a ratio of two sums over sequences. With the
sums kept apart, per-sequence values, subsets of sequences and resampling are the same small computation.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from evalkit.types import Dataset, Floats, Metric, Sequence, Trajectory


@dataclass(frozen=True)
class Reduction:
    """How a score is read from a curve.

    Attributes:
        window: The part of the curve that is read.
        combine: Maps such parts, shape (..., W), to values, shape (...).
    """

    window: slice
    combine: Callable[[Floats], Floats]

    def __call__(self, curves: Floats) -> Floats:
        """Read the scores from curves of shape (..., K); returns shape (...)."""
        return self.combine(curves[..., self.window])


@dataclass(frozen=True, eq=False)
class Measure:
    """One metric over some sequences, before it is reduced to a score.

    Attributes:
        metric: Its name, unit and direction.
        sequences: Names of the S sequences.
        numerator: Shape (S, K).
        denominator: Shape (S, K) or (S, 1). The curve is the sum of ``numerator`` over the sum of ``denominator``; with
            None it is the sum of ``numerator``.
        reduce: Reads the score from the curve.
        abscissa: Abscissa of the plotted curve, which is the last entries of the ratio; None if no curve is plotted.
        empty: Value of the ratio where its denominator is 0.
    """

    metric: Metric
    sequences: tuple[str, ...]
    numerator: Floats
    denominator: Floats | None
    reduce: Reduction
    abscissa: Floats | None = None
    empty: float = np.nan

    def values(self, weights: Floats) -> Floats:
        """Compute the score with sequences counted as often as ``weights`` states.

        Args:
            weights: Shape (B, S).

        Returns:
            Shape (B,); NaN where the score does not exist.
        """
        window = self.reduce.window
        below = self.denominator
        if below is not None:
            below = weights @ (below if below.shape[1] == 1 else below[:, window])
        return self.from_sums(weights @ self.numerator[:, window], below)

    def from_sums(self, above: Floats, below: Floats | None) -> Floats:
        """Compute scores from sums over sequences of the window's ``numerator`` and ``denominator``.

        Args:
            above: Shape (B, W).
            below: Shape (B, W) or (B, 1); None without denominator.

        Returns:
            Shape (B,); NaN where the score does not exist.
        """
        return self.reduce.combine(ratio(above, below, self.empty))

    def curve(self) -> Floats:
        """Return the curve over all sequences, shape (K,); ``empty`` where no sequence contributes."""
        below = None if self.denominator is None else self.denominator.sum(axis=0)
        return ratio(self.numerator.sum(axis=0), below, self.empty)

    def value(self) -> float | None:
        """Return the score over all sequences; None where it does not exist."""
        return _none_if_nan(self.reduce(self.curve()[None])[0]) if self.sequences else None

    def curves(self) -> Floats:
        """Return the curve of each sequence by itself, shape (S, K)."""
        return ratio(self.numerator, self.denominator, self.empty)

    def per_sequence(self) -> dict[str, float | None]:
        """Return the score of each sequence by itself; None where it does not exist."""
        values = self.reduce(self.curves()).tolist()
        known = (None if math.isnan(value) else value for value in values)
        return dict(zip(self.sequences, known, strict=True))

    def condensed(self) -> Measure:
        """Return a measure with the same scores, in one column where the score is a mean of ratios of one denominator.

        Resampling it costs as little as resampling one point of the curve. Values differ in their last bits.
        """
        window = self.reduce.window
        above, below = self.numerator[:, window], self.denominator
        if below is not None and below.shape[1] > 1:
            below = below[:, window]
            if (below == below[:, :1]).all():
                below = below[:, :1]
        one_denominator = below is None or below.shape[1] == 1
        if self.reduce.combine is mean_over_curve and one_denominator and above.shape[1] > 1:
            above = above.mean(axis=1, keepdims=True)
        return replace(self, numerator=above, denominator=below, reduce=replace(self.reduce, window=slice(None)))

    def only(self, names: frozenset[str]) -> Measure:
        """Return the same metric over those of its sequences that are in ``names``."""
        return self._rows([row for row, name in enumerate(self.sequences) if name in names])

    def ordered(self, names: tuple[str, ...]) -> Measure:
        """Return the same metric with its sequences in the order of ``names``."""
        row = {name: index for index, name in enumerate(self.sequences)}
        return self._rows([row[name] for name in names])

    def _rows(self, rows: list[int]) -> Measure:
        return replace(
            self,
            sequences=tuple(self.sequences[row] for row in rows),
            numerator=self.numerator[rows],
            denominator=None if self.denominator is None else self.denominator[rows],
        )


@dataclass(eq=False)
class Notes:
    """Remarks that belong to a score: official rules that were applied to damaged rows, and other sentences.

    Attributes:
        frames: Number of frames by rule.
        sequences: Number of sequences by rule.
        annotation: Number of frames by rule and sequence, of rules for the annotation alone.
        remarks: Other sentences, in order.
    """

    frames: Counter[str] = field(default_factory=Counter)
    sequences: Counter[str] = field(default_factory=Counter)
    annotation: dict[str, dict[str, int]] = field(default_factory=dict)
    remarks: dict[str, None] = field(default_factory=dict)

    def add_remark(self, sentence: str) -> None:
        """Add a sentence about the result as a whole; the same sentence is added only once."""
        self.remarks[sentence] = None

    def add_frames(self, rule: str, frames: int) -> None:
        """Count ``frames`` frames of one sequence that ``rule`` changed; 0 adds nothing."""
        if frames:
            self.frames[rule] += frames
            self.sequences[rule] += 1

    def add_annotated_frames(self, rule: str, sequence: str, frames: int) -> None:
        """Set the number of frames of a sequence that ``rule`` concerns, however many results are scored; 0 is ignored.

        Args:
            rule: A rule that depends on the annotation alone.
        """
        if frames:
            self.annotation.setdefault(rule, {})[sequence] = frames

    def sentences(self) -> tuple[str, ...]:
        """Return the remarks, followed by one sentence per rule with its numbers of frames and sequences."""
        counts = [(rule, frames, self.sequences[rule]) for rule, frames in self.frames.items()]
        counts += [(rule, sum(found.values()), len(found)) for rule, found in self.annotation.items()]
        counted = (
            f"{rule}: {_count(frames, 'frame')} in {_count(names, 'sequence')}" for rule, frames, names in counts
        )
        return (*self.remarks, *counted)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The results that a metric profile is called with.

    Attributes:
        dataset: The dataset that was tracked; its rules (``dataset.vot``, ``dataset.family``) drive the computation.
        protocol: Protocol of the trajectories; of a protocol that is ``scored_as`` another one, that one.
        runs: Trajectories by sequence name: repetitions, or the runs from each anchor. An empty list is a result known
            to be missing.
        tag: Per-frame tag to restrict the scores to; None for all frames.
        notes: Receives the rules that were applied to damaged rows.
        cache: Overlaps by sequence name, computed once for all tags.
    """

    dataset: Dataset
    protocol: str
    runs: Mapping[str, list[Trajectory]]
    tag: str | None = None
    notes: Notes = field(default_factory=Notes)
    cache: dict[str, Any] = field(default_factory=dict)

    def sequences(self) -> list[Sequence]:
        """Return the sequences that have results, in the order of the dataset."""
        return [sequence for sequence in self.dataset.sequences if self.runs.get(sequence.name)]


def column(values: Iterable[float]) -> Floats:
    """Return one value per sequence as a curve of one point, shape (S, 1)."""
    return np.array(list(values), dtype=np.float64)[:, None]


def mean_over_sequences(metric: Metric, values: Mapping[str, float]) -> Measure:
    """Make the measure whose score is the mean of one value per sequence.

    Args:
        values: By sequence name; a sequence whose value is NaN does not count.
    """
    given = column(values.values())
    known = ~np.isnan(given)
    return Measure(metric, tuple(values), np.where(known, given, 0.0), known.astype(np.float64), at(0))


def ratio_of_sums(metric: Metric, sums: Mapping[str, tuple[float, float]]) -> Measure:
    """Make the measure whose score is a sum over all sequences divided by another, e.g. hits divided by frames.

    Args:
        sums: Numerator and denominator by sequence name.
    """
    rows = np.array(list(sums.values()), dtype=np.float64).reshape(-1, 2)
    return Measure(metric, tuple(sums), rows[:, :1], rows[:, 1:], at(0))


def mean_over_curve(parts: Floats) -> Floats:
    """Return the mean over the last axis."""
    result: Floats = parts.mean(axis=-1)
    return result


def _mean_of_known(parts: Floats) -> Floats:
    known = ~np.isnan(parts)
    return ratio(np.where(known, parts, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


UNDEFINED = Reduction(slice(0, 0), _mean_of_known)
"""Reads no part of the curve: the score does not exist."""

MEAN = Reduction(slice(None), mean_over_curve)
"""Mean over the whole curve."""


def at(index: int) -> Reduction:
    """Return the reduction that reads the ordinate at one index."""
    return Reduction(slice(index, index + 1), mean_over_curve)


def between(first: int, last: int) -> Reduction:
    """Return the mean over the indices from ``first`` to ``last``, both included, where the curve exists."""
    return Reduction(slice(first, last + 1), _mean_of_known)


def ratio(numerator: Floats, denominator: Floats | None, empty: float = np.nan) -> Floats:
    """Return ``numerator / denominator``, ``empty`` where that is 0; ``numerator`` if there is no denominator."""
    if denominator is None:
        return numerator
    blank = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), empty)
    result: Floats = np.divide(numerator, denominator, out=blank, where=denominator != 0)
    return result


def _none_if_nan(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
