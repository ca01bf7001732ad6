"""VOT's supervised measures as the Matlab toolkit and pysot's toolkit compute them, and with exact polygons.

Source: the measures of VOT2015 to VOT2019.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit import registry
from evalkit.metrics import alignment, exact, raster, vot
from evalkit.metrics.measures import UNDEFINED, Evaluation, Measure, at, between
from evalkit.types import Floats, FrameState, Sequence

PROTOCOLS = ("supervised", "realtime")
METRICS = (vot.ACCURACY, vot.ROBUSTNESS, vot.FAILURES, vot.EAO)

Overlaps = Callable[[raster.Corners, raster.Corners, tuple[int, int]], Floats]
"""Compute the overlap of corresponding regions within the bounds of an image."""


@dataclass(frozen=True, eq=False)
class Run:
    """The overlaps of one trajectory.

    Attributes:
        states: Shape (N,), values of ``FrameState``.
        bounded: Overlap within width and height of the image, shape (N,); NaN where either region is missing.
        inner: The same within width - 1 and height - 1, which EAO uses.
        tag: Frames to count, shape (N,).
    """

    states: NDArray[np.int8]
    bounded: Floats
    inner: Floats
    tag: vot.Flags


def supervised_measures(evaluation: Evaluation, overlaps: Overlaps = raster.overlaps) -> list[Measure]:
    """Compute accuracy, robustness, failures and EAO by the dataset's rules.

    Args:
        overlaps: Computes the overlap of regions.
    """
    alignment.check_lengths(evaluation)
    vot.check_states(evaluation)
    rules, interval = evaluation.dataset.vot, vot.eao_interval(evaluation)
    names = tuple(sequence.name for sequence in evaluation.sequences())
    runs = [_runs(sequence, evaluation, overlaps) for sequence in evaluation.sequences()]
    accurate = np.array([_accuracy(group, rules.burn_in) for group in runs])
    failures = np.array([[_failures(group)] for group in runs])
    frames = np.array([[float(group[0].tag.sum())] for group in runs])
    longest = max(len(run.states) for group in runs for run in group)
    fragments = [list(_fragments(group, rules.skip)) for group in runs]
    expected, weights, known = vot.expected_overlaps(fragments, longest)
    if interval is not None:
        vot.note_short_sequences(weights[:, interval[0] - 1 : interval[1]], interval[1] + 1 - interval[0], evaluation)
    expected[:, 0] = 1
    # The toolkit's curve is 1 at length 1, and 0 where no fragment has a value.
    weights[:, ~known], weights[:, 0] = 1, 1
    averaged = UNDEFINED if interval is None else between(interval[0] - 1, interval[1] - 1)
    return [
        Measure(vot.ACCURACY, names, accurate[:, :1], accurate[:, 1:], at(0)),
        Measure(vot.ROBUSTNESS, names, 100 * failures, frames, at(0)),
        Measure(vot.FAILURES, names, failures, None, at(0)),
        Measure(vot.EAO, names, expected, weights, averaged, np.arange(1.0, expected.shape[1] + 1)),
    ]


def _runs(sequence: Sequence, evaluation: Evaluation, overlaps: Overlaps) -> list[Run]:
    if sequence.name not in evaluation.cache:
        evaluation.cache[sequence.name] = list(_untagged_runs(sequence, evaluation, overlaps))
    found: list[Run] = evaluation.cache[sequence.name]
    tag = vot.tagged_frames(sequence, evaluation.tag)
    return [replace(run, tag=tag) for run in found]


def _untagged_runs(sequence: Sequence, evaluation: Evaluation, overlaps: Overlaps) -> Iterator[Run]:
    width, height = vot.image_size(sequence)
    truth = vot.corners_of_annotation(sequence)
    _note_unannotated(sequence, truth, evaluation)
    for trajectory in evaluation.runs[sequence.name]:
        answer = vot.corners_of_trajectory(trajectory)
        bounded = overlaps(answer, truth, (width, height))
        inner = bounded.copy()
        # The smaller bounds change the overlap only of regions that reach beyond them.
        less = (width - 1, height - 1)
        outside = np.flatnonzero(raster.reaches_beyond(answer, less) | raster.reaches_beyond(truth, less))
        inner[outside] = overlaps(answer[outside], truth[outside], less)
        yield Run(trajectory.states, bounded, inner, np.ones(len(sequence), bool))


def _note_unannotated(sequence: Sequence, truth: raster.Corners, evaluation: Evaluation) -> None:
    frames = int(np.isnan(truth).any(axis=(1, 2)).sum())
    rule = "frames without annotation left out of accuracy, and no expected overlap after them"
    evaluation.notes.add_annotated_frames(rule, sequence.name, frames)


def _accuracy(runs: list[Run], burn_in: int) -> tuple[float, float]:
    """Return the sum and the number of overlaps; repetitions are averaged frame by frame first."""
    total = np.zeros(len(runs[0].tag))
    count = np.zeros(len(runs[0].tag))
    for run in runs:
        known = ~np.isnan(run.bounded) & ~vot.in_burn_in(run.states, burn_in) & run.tag
        total[known] += run.bounded[known]
        count[known] += 1
    seen = count > 0
    return float((total[seen] / count[seen]).sum()), float(seen.sum())


def _failures(runs: list[Run]) -> float:
    return float(np.mean([((run.states == FrameState.FAILED) & run.tag).sum() for run in runs]))


def _fragments(runs: list[Run], skip: int) -> Iterator[vot.Fragment]:
    """Yield the fragments of the repetitions of one sequence.

    Args:
        skip: Frames from a failure to the next start.
    """
    share = 1 / (len(runs) + 1e-10)
    for run in runs:
        length = len(run.states)
        failures = np.flatnonzero(run.states == FrameState.FAILED)
        if failures.size == 0:
            yield vot.Fragment(run.inner, share * run.tag.sum() / length, failed=False)
            continue
        points = [0, *(int(point) for point in failures + skip if point <= length)]
        overlaps = np.nan_to_num(run.inner, nan=0.0)
        for start, stop in itertools.pairwise(points):
            # A fragment contains its own failure and, as in the toolkit, the first frame of the next one.
            weight = run.tag[start : stop + 1].sum() / (stop - start + 1)
            yield vot.Fragment(overlaps[start : stop + 1], share * weight, failed=True)
        last = points[-1]
        weight = run.tag[last:].sum() / (length - last + 1e-16)
        yield vot.Fragment(overlaps[last:], share * weight, failed=False)


@registry.profile(
    "vot-supervised",
    summary="accuracy, robustness and EAO of VOT2015 to VOT2019, with overlap on the pixel grid",
    protocols=PROTOCOLS,
    metrics=METRICS,
    source="VOT Matlab toolkit as in STVIR/pysot d04028f",
    reason="overlap on the pixel grid; frames pooled for accuracy; failures per 100 frames; fragments of the expected "
    "overlap weighted by their part of the sequence",
    tags=True,
    applies=registry.only_where_listed,
)
def vot_supervised(evaluation: Evaluation) -> list[Measure]:
    """Compute accuracy, robustness, failures and EAO, with overlap on the pixel grid."""
    return supervised_measures(evaluation)


@registry.profile(
    "vot-exact",
    summary="accuracy, robustness and EAO of VOT2015 to VOT2019, with exact areas of polygons",
    protocols=PROTOCOLS,
    metrics=METRICS,
    source="the definitions of vot-supervised with shapely's polygons",
    reason="as vot-supervised, but overlap is the ratio of exact areas: accuracy is lower by 0.0009 to 0.0045, EAO by "
    "0.0004 to 0.0027",
    tags=True,
    applies=registry.only_where_listed,
)
def vot_exact(evaluation: Evaluation) -> list[Measure]:
    """Compute accuracy, robustness, failures and EAO, with the overlap of exact polygons."""
    return supervised_measures(evaluation, exact.overlaps_in_single_precision)
