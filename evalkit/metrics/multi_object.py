"""The measures of VOTS: quality, accuracy, robustness and their errors over several objects of a video.

Every frame of an object in which the groundtruth is known is one of five cases: tracked (an overlap above 0), drifted
(an answer without overlap), missed (no answer), an answer although the target is absent, and an absence that was
noticed. Objects are averaged within their video, and videos have the same weight.

Source: ``vot/analysis/accuracy.py`` and ``longterm.py`` of vot-toolkit 0.9.0, with the settings of its
``stack/tests/multiobject.yaml``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics import alignment, raster_toolkit, vot
from evalkit.metrics.measures import Evaluation, Measure, at
from evalkit.types import Floats, FrameState, Metric, Region, Sequence, Trajectory

Flags = NDArray[np.bool_]

THRESHOLDS = np.linspace(0, 1, 100)
"""Overlap thresholds of the quality plot."""

ABSENT_FRAMES = 10
"""Absence detection is scored on objects that are absent in more frames than this."""

QUALITY = Metric(
    "quality",
    "mean overlap over all frames, averaged over objects, then over videos; a noticed absence has overlap 1",
    head="Q",
    curve=("Quality plot", "overlap threshold", "success rate"),
)
ACCURACY = Metric("accuracy", "mean overlap of the frames in which the target is visible and tracked", head="A")
ROBUSTNESS = Metric("robustness", "fraction of the frames with the target in which it is tracked", head="R")
NOT_REPORTED = Metric(
    "not_reported_error",
    "fraction of the frames with the target in which the tracker says that it is absent",
    higher_is_better=False,
    head="NRE",
)
DRIFT_RATE = Metric(
    "drift_rate_error",
    "fraction of the frames with the target in which the tracker is elsewhere",
    higher_is_better=False,
    head="DRE",
)
ABSENCE_DETECTION = Metric(
    "absence_detection_quality",
    "fraction of the frames without the target in which the tracker says so",
    head="ADQ",
)
METRICS = (QUALITY, ACCURACY, ROBUSTNESS, NOT_REPORTED, DRIFT_RATE, ABSENCE_DETECTION)


@dataclass(frozen=True, eq=False)
class ObjectScores:
    """The measures of one object, averaged over its repetitions.

    Attributes:
        quality: Mean overlap over all frames; 0 without such frames.
        success: Fraction of frames above each of ``THRESHOLDS``; NaN without frames.
        accuracy: Mean overlap of the frames in which it is tracked; 0 without such frames.
        tracked, drifted, missed: Numbers of frames with the target.
        hallucinated, noticed: Numbers of frames without it.
    """

    quality: float
    success: Floats
    accuracy: float
    tracked: float
    drifted: float
    missed: float
    hallucinated: float
    noticed: float

    @property
    def present(self) -> float:
        """Number of frames with the target."""
        return self.tracked + self.drifted + self.missed

    @property
    def absent(self) -> float:
        """Number of frames without the target."""
        return self.hallucinated + self.noticed


def multi_object_measures(evaluation: Evaluation) -> list[Measure]:
    """Compute the measures; objects are resampled by themselves for confidence intervals."""
    alignment.check_lengths(evaluation)
    sequences = evaluation.sequences()
    scores = [score_object(sequence, evaluation) for sequence in sequences]
    videos = [sequence.video or sequence.name for sequence in sequences]
    names = tuple(sequence.name for sequence in sequences)

    def measure(metric: Metric, values: list[float], counted: list[bool]) -> Measure:
        weights = _weights(videos, counted)
        return Measure(metric, names, np.array(values)[:, None] * weights, weights, at(0))

    everything = [True] * len(scores)
    with_target = [one.present > 0 for one in scores]
    shares = [[one.tracked, one.missed, one.drifted] / np.maximum(one.present, 1e-300) for one in scores]
    return [
        _quality(names, videos, scores),
        measure(ACCURACY, [one.accuracy for one in scores], everything),
        measure(ROBUSTNESS, [share[0] for share in shares], with_target),
        measure(NOT_REPORTED, [share[1] for share in shares], with_target),
        measure(DRIFT_RATE, [share[2] for share in shares], with_target),
        measure(
            ABSENCE_DETECTION,
            [one.noticed / max(one.absent, 1e-300) for one in scores],
            [one.absent > ABSENT_FRAMES for one in scores],
        ),
    ]


def _quality(names: tuple[str, ...], videos: list[str], scores: list[ObjectScores]) -> Measure:
    """Return the measure whose first column is the quality and whose others are the quality plot."""
    success = np.array([one.success for one in scores])
    weights = _weights(videos, [True] * len(scores))
    plotted = np.repeat(_weights(videos, (~np.isnan(success[:, 0])).tolist()), len(THRESHOLDS), axis=1)
    quality = np.array([[one.quality] for one in scores])
    numerator = np.hstack([quality * weights, np.nan_to_num(success) * plotted])
    return Measure(QUALITY, names, numerator, np.hstack([weights, plotted]), at(0), THRESHOLDS)


def _weights(videos: list[str], counted: list[bool]) -> Floats:
    """Return the weight of every object, shape (S, 1): those of a video that count add up to 1, the others have 0."""
    numbers = Counter(video for video, counts in zip(videos, counted, strict=True) if counts)
    rows = [1 / numbers[video] if counts else 0.0 for video, counts in zip(videos, counted, strict=True)]
    return np.array(rows)[:, None]


def score_object(sequence: Sequence, evaluation: Evaluation) -> ObjectScores:
    """Compute the measures of one object in the frames of the evaluation's tag."""
    kept = np.flatnonzero(vot.tagged_frames(sequence, evaluation.tag))
    ignored = sequence.annotation.ignored
    truth = [sequence.region(int(index)) for index in kept]
    left_out = None if ignored is None else [ignored[index] for index in kept]
    runs = [_run_scores(run, kept, truth, left_out, vot.image_size(sequence)) for run in evaluation.runs[sequence.name]]
    success = [run.success for run in runs if not np.isnan(run.success).any()]
    return ObjectScores(
        success=np.mean(success, axis=0) if success else np.full(len(THRESHOLDS), np.nan),
        **{
            field: float(np.mean([getattr(run, field) for run in runs]))
            for field in ("quality", "accuracy", "tracked", "drifted", "missed", "hallucinated", "noticed")
        },
    )


def _run_scores(
    trajectory: Trajectory,
    kept: NDArray[np.int64],
    truth: list[Region | None],
    ignored: list[Region | None] | None,
    size: tuple[int, int],
) -> ObjectScores:
    """Compute the measures of one repetition.

    The first frame counts, with overlap 0: the toolkit compares the mark of the start with the groundtruth.
    """
    answers = vot.tracked_regions(trajectory)
    given = [answers[index] for index in kept]
    states = trajectory.states[kept]
    overlaps = raster_toolkit.overlaps(given, truth, size, ignored)
    known = _flags([region is not None for region in truth])
    visible = known & ~_flags([raster_toolkit.is_empty(region) for region in truth])
    silent = _flags([raster_toolkit.is_empty(region) for region in given])
    counted = known & (states != FrameState.FAILED)
    tracked = visible & (overlaps > 0)
    accurate = counted & visible & ((overlaps > 0) | (states == FrameState.INITIALIZED))
    return ObjectScores(
        quality=_mean(overlaps[counted]),
        success=_success(overlaps[counted]),
        accuracy=_mean(overlaps[accurate]),
        tracked=float(tracked.sum()),
        drifted=float((visible & ~tracked & ~silent).sum()),
        missed=float((visible & ~tracked & silent).sum()),
        hallucinated=float((known & ~visible & ~silent).sum()),
        noticed=float((known & ~visible & silent).sum()),
    )


def _flags(values: list[bool]) -> Flags:
    return np.array(values, dtype=bool)


def _mean(overlaps: Floats) -> float:
    return float(overlaps.mean()) if overlaps.size else 0.0


def _success(overlaps: Floats) -> Floats:
    """Return the fraction of frames above each threshold; at threshold 1, of frames that reach it."""
    if not overlaps.size:
        return np.full(len(THRESHOLDS), np.nan)
    above = overlaps[:, None] > THRESHOLDS
    above[:, -1] = overlaps >= 1
    return np.asarray(above.mean(axis=0))
