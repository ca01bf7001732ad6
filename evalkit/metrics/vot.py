"""The parts that VOT's measures share: regions, burn-in, tags, and the expected average overlap of fragments.

Source: the measures of VOT2015 to VOT2019 as the Matlab toolkit, pysot's toolkit and vot-toolkit compute them.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import ProfileNotApplicable, listed
from evalkit.metrics import raster
from evalkit.metrics.measures import Evaluation, Notes
from evalkit.types import Boxes, Floats, FrameState, Mask, Metric, Region, Sequence, Trajectory

Flags = NDArray[np.bool_]

EAO_PLOT = ("Expected average overlap", "sequence length (frames)", "expected overlap")

ACCURACY = Metric("accuracy", "mean overlap while tracking, without the burn-in after each start", head="A")
ROBUSTNESS = Metric("robustness", "failures per 100 frames", "failures/100 frames", higher_is_better=False, head="R")
FAILURES = Metric(
    "failures", "number of failures, mean over repetitions", "count", higher_is_better=False, head="failures"
)
EAO = Metric(
    "eao",
    "expected average overlap: mean of the expected overlap over typical sequence lengths",
    head="EAO",
    curve=EAO_PLOT,
)


def eao_interval(evaluation: Evaluation) -> tuple[int, int] | None:
    """Return the first and the last sequence length that EAO averages over.

    Returns:
        None, with a remark in the notes, where the dataset has no interval and therefore no EAO (VOT2013 and VOT2014
        published none).
    """
    dataset = evaluation.dataset
    if dataset.vot.eao_interval is None:
        evaluation.notes.add_remark(f"no EAO: no interval of sequence lengths is published for {dataset.name}")
    return dataset.vot.eao_interval


def image_size(sequence: Sequence) -> tuple[int, int]:
    """Return width and height of the frames.

    Raises:
        ProfileNotApplicable: They are not known.
    """
    if sequence.size is None:
        raise ProfileNotApplicable(
            "VOT's overlap needs the size of the images, which is not known", where=sequence.name
        )
    return sequence.size


_corners: WeakKeyDictionary[Sequence, raster.Corners] = WeakKeyDictionary()


def corners_of_annotation(sequence: Sequence) -> raster.Corners:
    """Return the corners of the groundtruth, cached while the sequence exists: all trackers share them.

    Raises:
        ProfileNotApplicable: The regions are masks.
    """
    if sequence not in _corners:
        boxes, regions = sequence.annotation.boxes, sequence.annotation.regions
        _corners[sequence] = _corners_of(boxes, regions, f"groundtruth of {sequence.name}")
    return _corners[sequence]


def corners_of_trajectory(trajectory: Trajectory) -> raster.Corners:
    """Return the corners of the predictions; NaN in frames that were not tracked: starts, failures, skipped frames.

    Raises:
        ProfileNotApplicable: The regions are masks.
    """
    where = f"{trajectory.tracker} on {trajectory.sequence}"
    corners = _corners_of(trajectory.boxes, trajectory.regions, where)
    corners[trajectory.states != FrameState.TRACKED] = np.nan
    return corners


def _corners_of(boxes: Boxes, regions: tuple[Region | None, ...] | None, where: str) -> raster.Corners:
    if regions is None:
        return raster.corners_of_boxes(boxes)
    if any(isinstance(region, Mask) for region in regions):
        raise ProfileNotApplicable(
            "this profile scores boxes and polygons, and these are masks", where=where,
            hint="vot-toolkit's profiles score masks",
        )  # fmt: skip
    return raster.corners_of(regions)


def tracked_regions(trajectory: Trajectory) -> list[Region | None]:
    """Return the predicted regions; None in frames that were not tracked: starts, failures, skipped frames."""
    tracked = trajectory.states == FrameState.TRACKED
    return [trajectory.region(index) if tracked[index] else None for index in range(len(trajectory))]


def check_states(evaluation: Evaluation) -> None:
    """Refuse trajectories without a start: results of another protocol.

    Raises:
        ProfileNotApplicable: Names the sequences.
    """
    plain = [
        sequence.name
        for sequence in evaluation.sequences()
        for trajectory in evaluation.runs[sequence.name]
        if FrameState.INITIALIZED not in trajectory.states
    ]
    if plain:
        raise ProfileNotApplicable(
            "these are plain trajectories without the marks 1 (start) and 2 (failure) of the supervised protocol",
            where=evaluation.dataset.name,
            found=listed(plain),
            hint="Run the tracker with --protocol supervised",
            sequences=dict.fromkeys(plain, "no start") if len(plain) < len(evaluation.sequences()) else None,
        )


def note_empty_regions(sequence: Sequence, truth: list[Region | None], notes: Notes) -> None:
    """Note how many frames have no annotated region, which vot-toolkit compares like any other region."""
    empty = sum(region is None for region in truth)
    rule = "frames without annotation counted as overlap 0, or 1 without an answer, as the toolkit does"
    notes.add_annotated_frames(rule, sequence.name, empty)


def note_short_sequences(active: Floats, lengths: int, evaluation: Evaluation, *, rest: str = "") -> None:
    """Note at how many lengths of the interval of EAO there is no expected overlap, because all sequences are shorter.

    Args:
        active: What each sequence adds to the denominator of the expected overlap at these lengths, shape (S, K).
        lengths: Number of lengths of the interval, at least K.
        rest: How the toolkit counts the lengths without one.
    """
    known = int(active.any(axis=0).sum())
    if evaluation.dataset.vot.eao_interval is None or known == lengths:
        return
    first, _ = evaluation.dataset.vot.eao_interval
    interval = f"the lengths {first} to {first + lengths - 1}, over which EAO is the mean"
    if known:
        evaluation.notes.add_remark(f"no trajectory reaches {lengths - known} of {interval}{rest}")
    else:
        evaluation.notes.add_remark(f"no EAO: no trajectory reaches {interval}")


def tagged_frames(sequence: Sequence, tag: str | None) -> Flags:
    """Return the frames with a tag, shape (N,), or all frames without a tag.

    Tag files may be missing, or shorter than the sequence; the other frames do not have the tag.
    """
    if tag is None:
        return np.ones(len(sequence), bool)
    result = np.zeros(len(sequence), bool)
    flags = sequence.flags.get(tag)
    if flags is not None:
        result[: len(flags)] = np.asarray(flags[: len(sequence)], bool)
    return result


def in_burn_in(states: NDArray[np.int8], frames: int) -> Flags:
    """Return the frames of the burn-in, shape (N,): ``frames`` frames from each start, the start included."""
    starts = np.concatenate([[0], np.cumsum(states == FrameState.INITIALIZED)])
    index = np.arange(len(states))
    result: Flags = starts[index + 1] > starts[np.maximum(index + 1 - frames, 0)]
    return result


@dataclass(frozen=True, eq=False)
class Fragment:
    """A part of a trajectory that the expected overlap is estimated from.

    Attributes:
        overlaps: Shape (n,); the first entry belongs to the start and is never averaged.
        weight: Weight of this fragment among all.
        failed: True where it ended in a failure: its overlap is 0 from then on. Otherwise it is unknown after its end.
    """

    overlaps: Floats
    weight: float
    failed: bool


def expected_overlaps(fragments: list[list[Fragment]], longest: int) -> tuple[Floats, Floats, Flags]:
    """Compute what each sequence adds to numerator and denominator of the expected overlap at lengths 1, 2, ...

    The value of a fragment at length k is the mean of its overlaps in frames 2 to k, and 0 at length 1.

    Args:
        fragments: Those of each of S sequences.
        longest: The greatest length K.

    Returns:
        Numerators and denominators, shape (S, K), and the lengths that some fragment has a value at, shape (K,).
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
            known = np.ones(longest, bool) if fragment.failed else np.arange(longest) < count
            known[:count] &= ~np.isnan(fragment.overlaps)
            total[row, known] += fragment.weight * sums[known] / frames[known]
            weights[row, known] += fragment.weight
            anything |= known
    return total, weights, anything
