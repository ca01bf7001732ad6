"""Accuracy, robustness and expected average overlap of supervised (reset-based) VOT results.

Source: the measures of VOT2015 to VOT2019 as the Matlab toolkit and pysot's toolkit compute them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.metrics import alignment, raster
from evalkit.metrics.measures import NOWHERE, Evaluation, Measure, Reduction, at, between
from evalkit.types import Boxes, FrameState, Mask, Metric, Region, Sequence, Trajectory

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Overlaps = Callable[[raster.Corners, raster.Corners, tuple[int, int]], Floats]

ACCURACY = Metric("accuracy", "mean overlap while tracking, without the burn-in after each start")
ROBUSTNESS = Metric("robustness", "failures per 100 frames", "failures/100 frames", higher_is_better=False)
FAILURES = Metric("failures", "number of failures, mean over repetitions", "count", higher_is_better=False)
EAO = Metric("eao", "expected average overlap: mean of the expected overlap over typical sequence lengths")
METRICS = (ACCURACY, ROBUSTNESS, FAILURES, EAO)

BURN_IN = 10
"""Frames left out of accuracy from each start, the start included."""

SKIP = 5
"""Frames from a failure to the next start."""


@dataclass(frozen=True, eq=False)
class Run:
    """One trajectory beside its groundtruth.

    Attributes:
        states: Shape (N,), values of ``FrameState``.
        bounded: Shape (N,): overlap within the image's width and height; NaN where either region is missing.
        inner: The same within width - 1 and height - 1, which EAO uses.
        tag: Shape (N,): frames that count.
    """

    states: NDArray[np.int8]
    bounded: Floats
    inner: Floats
    tag: Flags


def measure(evaluation: Evaluation, overlaps: Overlaps = raster.overlaps) -> list[Measure]:
    """Accuracy, robustness, failures and EAO.

    Args:
        overlaps: How the overlap of regions is computed.
    """
    alignment.check_lengths(evaluation)
    check_states(evaluation)
    names = tuple(sequence.name for sequence in evaluation.sequences())
    runs = [_runs(sequence, evaluation, overlaps) for sequence in evaluation.sequences()]
    accurate = np.array([_accuracy(group) for group in runs])
    failures = np.array([[_failures(group)] for group in runs])
    frames = np.array([[float(group[0].tag.sum())] for group in runs])
    longest = max(len(run.states) for group in runs for run in group)
    expected, weights, known = expected_overlaps([list(_fragments(group)) for group in runs], longest)
    expected[:, 0] = 1
    # The toolkit's curve is 1 at length 1, and 0 where no fragment says anything.
    weights[:, ~known], weights[:, 0] = 1, 1
    return [
        Measure(ACCURACY, names, accurate[:, :1], accurate[:, 1:], at(0)),
        Measure(ROBUSTNESS, names, 100 * failures, frames, at(0)),
        Measure(FAILURES, names, failures, None, at(0)),
        Measure(EAO, names, expected, weights, averaged(evaluation, first=1), np.arange(1.0, expected.shape[1] + 1)),
    ]


def averaged(evaluation: Evaluation, *, first: int) -> Reduction:
    """The part of the expected overlap that EAO averages over.

    A benchmark without an interval of lengths (VOT2013 and VOT2014 had none, a list of one's own has none) has no EAO,
    and the notes say why.

    Args:
        first: Length at the first point of the curve.
    """
    dataset = evaluation.dataset
    found = dataset.vot.eao_interval
    if found is None:
        evaluation.notes.say(f"no EAO: no interval of sequence lengths is published for {dataset.name}")
        return NOWHERE
    low, high = found
    return between(int(low) - first, int(high) - first)


def image_size(sequence: Sequence) -> tuple[int, int]:
    """Width and height.

    Raises:
        EvalkitError: They are not known.
    """
    if sequence.size is None:
        raise EvalkitError("VOT's overlap needs the size of the images, which is not known", where=sequence.name)
    return sequence.size


_corners: WeakKeyDictionary[Sequence, raster.Corners] = WeakKeyDictionary()


def corners_of_annotation(sequence: Sequence) -> raster.Corners:
    """Corners of the groundtruth, kept while the sequence lives: they are the same for every tracker."""
    if sequence not in _corners:
        boxes, regions = sequence.annotation.boxes, sequence.annotation.regions
        _corners[sequence] = _of_either(boxes, regions, f"groundtruth of {sequence.name}")
    return _corners[sequence]


def corners_of_trajectory(trajectory: Trajectory) -> raster.Corners:
    """NaN where the tracker was not tracking: at starts, failures and skipped frames."""
    corners = _of_either(trajectory.boxes, trajectory.regions, f"{trajectory.tracker} on {trajectory.sequence}")
    corners[trajectory.states != FrameState.TRACKED] = np.nan
    return corners


def _of_either(boxes: Boxes, regions: tuple[Region | None, ...] | None, where: str) -> raster.Corners:
    if regions is None:
        return raster.corners_of_boxes(boxes)
    if any(isinstance(region, Mask) for region in regions):
        raise EvalkitError(
            "this profile scores boxes and polygons, and these are masks", where=where,
            hint="vot-toolkit's profiles score masks",
        )  # fmt: skip
    return raster.corners_of(regions)


def check_states(evaluation: Evaluation) -> None:
    """Refuse trajectories that never were reset and hold no start: results of another protocol.

    Raises:
        EvalkitError: Names the sequences.
    """
    plain = [
        sequence.name
        for sequence in evaluation.sequences()
        for trajectory in evaluation.runs[sequence.name]
        if FrameState.INITIALIZED not in trajectory.states
    ]
    if plain:
        raise EvalkitError(
            "these are plain trajectories without the marks 1 (start) and 2 (failure) of the supervised protocol",
            where=evaluation.dataset.name,
            found=", ".join(plain),
            hint="Run the tracker with --protocol supervised",
        )


def _runs(sequence: Sequence, evaluation: Evaluation, overlaps: Overlaps) -> list[Run]:
    if sequence.name not in evaluation.memory:
        evaluation.memory[sequence.name] = list(_untagged_runs(sequence, evaluation, overlaps))
    found: list[Run] = evaluation.memory[sequence.name]
    if evaluation.tag is None:
        return found
    tag = padded(sequence.flags.get(evaluation.tag), len(sequence))
    return [replace(run, tag=tag) for run in found]


def _untagged_runs(sequence: Sequence, evaluation: Evaluation, overlaps: Overlaps) -> Iterator[Run]:
    width, height = image_size(sequence)
    truth = corners_of_annotation(sequence)
    for trajectory in evaluation.runs[sequence.name]:
        answer = corners_of_trajectory(trajectory)
        bounded = overlaps(answer, truth, (width, height))
        inner = bounded.copy()
        # The smaller bounds matter only to what reaches beyond them.
        less = (width - 1, height - 1)
        outside = np.flatnonzero(raster.reaches_beyond(answer, less) | raster.reaches_beyond(truth, less))
        inner[outside] = overlaps(answer[outside], truth[outside], less)
        yield Run(trajectory.states, bounded, inner, np.ones(len(sequence), bool))


def padded(flags: NDArray[np.bool_] | None, length: int) -> Flags:
    """Tag files may be shorter than the sequence, or missing; the rest is not tagged."""
    result = np.zeros(length, bool)
    if flags is not None:
        result[: len(flags)] = np.asarray(flags[:length], bool)
    return result


def _accuracy(runs: list[Run]) -> tuple[float, float]:
    """Sum and number of overlaps; repetitions are averaged frame by frame first."""
    total = np.zeros(len(runs[0].tag))
    count = np.zeros(len(runs[0].tag))
    for run in runs:
        known = ~np.isnan(run.bounded) & ~burned_in(run.states) & run.tag
        total[known] += run.bounded[known]
        count[known] += 1
    seen = count > 0
    return float((total[seen] / count[seen]).sum()), float(seen.sum())


def burned_in(states: NDArray[np.int8], frames: int = BURN_IN) -> Flags:
    """So many frames from each start, the start included."""
    starts = np.concatenate([[0], np.cumsum(states == FrameState.INITIALIZED)])
    index = np.arange(len(states))
    result: Flags = starts[index + 1] > starts[np.maximum(index + 1 - frames, 0)]
    return result


def _failures(runs: list[Run]) -> float:
    return float(np.mean([((run.states == FrameState.FAILED) & run.tag).sum() for run in runs]))


@dataclass(frozen=True, eq=False)
class Fragment:
    """A stretch of tracking that expected overlap is estimated from.

    Attributes:
        overlaps: Shape (n,); the first entry belongs to the start and is never averaged.
        weight: Of this fragment among all.
        endless: It ended in a failure: afterwards its overlap is 0 for ever; otherwise it says nothing after its end.
    """

    overlaps: Floats
    weight: float
    endless: bool


def _fragments(runs: list[Run]) -> Iterator[Fragment]:
    share = 1 / (len(runs) + 1e-10)
    for run in runs:
        length = len(run.states)
        failures = np.flatnonzero(run.states == FrameState.FAILED)
        if failures.size == 0:
            yield Fragment(run.inner, share * run.tag.sum() / length, endless=False)
            continue
        points = [0, *(int(point) for point in failures + SKIP if point <= length)]
        overlaps = np.nan_to_num(run.inner, nan=0.0)
        for start, stop in itertools.pairwise(points):
            # A fragment holds its own failure and, as in the toolkit, the first frame of the next one.
            weight = run.tag[start : stop + 1].sum() / (stop - start + 1)
            yield Fragment(overlaps[start : stop + 1], share * weight, endless=True)
        last = points[-1]
        weight = run.tag[last:].sum() / (length - last + 1e-16)
        yield Fragment(overlaps[last:], share * weight, endless=False)


def expected_overlaps(fragments: list[list[Fragment]], longest: int) -> tuple[Floats, Floats, Flags]:
    """What each sequence adds to numerator and denominator of the expected overlap at lengths 1, 2, ...

    A fragment's value at length k is the mean of its overlaps in frames 2 to k, and 0 at length 1.

    Args:
        fragments: Those of each of S sequences.
        longest: The greatest length K.

    Returns:
        Two arrays of shape (S, K), and one of shape (K,): lengths that any fragment says something at.
    """
    total = np.zeros((len(fragments), longest))
    weights = np.zeros((len(fragments), longest))
    anything = np.zeros(longest, bool)
    frames = np.maximum(np.arange(longest), 1)
    for row, group in enumerate(fragments):
        for fragment in group:
            count = len(fragment.overlaps)
            if count == 0:
                continue
            sums = np.zeros(longest)
            sums[1:count] = np.cumsum(fragment.overlaps[1:])
            sums[count:] = sums[count - 1]
            known = np.ones(longest, bool) if fragment.endless else np.arange(longest) < count
            known[:count] &= ~np.isnan(fragment.overlaps)
            total[row, known] += fragment.weight * sums[known] / frames[known]
            weights[row, known] += fragment.weight
            anything |= known
    return total, weights, anything
