"""Failures: the worst sequences of a benchmark, where each tracker first loses the target, and frames of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from evalkit.comparison.metric_labels import metric_hint, metric_name, unit_digits
from evalkit.reports.document.model import (
    Cell,
    Column,
    ColumnOf,
    Frame,
    Section,
    Table,
    build_table,
    number_cell,
    text_column,
)
from evalkit.reports.document.pictures import encode_jpeg
from evalkit.reports.document.sequence_events import failure_frames
from evalkit.reports.document.sequence_replay import SequenceReplay
from evalkit.reports.document.view import View
from evalkit.reports.sections.replay import sequence_replay
from evalkit.types import Score

_ROWS = 6
"""Number of sequences in the table."""

_SHOWN = 3
"""Number of sequences whose frames are shown."""

_BEFORE = 3
"""Number of frames before a failure that the first picture shows."""

_TITLE = "Failures"
_INTRODUCTION = (
    "The sequences with the lowest mean over trackers. For each tracker: the number of the first frame without any "
    "overlap with the groundtruth; in small print, the share of frames without overlap."
)


class _Worst(NamedTuple):
    """A sequence, the mean of the leading score over trackers, and the results on it."""

    name: str
    mean: float
    replay: SequenceReplay


def failures_section(view: View, dataset: str) -> Section:
    """Return the table of the worst sequences and their frames; empty for other protocols than one pass."""
    key, scores = f"{dataset}-failures", [score for score in view.leading(dataset) if score.per_sequence]
    worst = _worst(view, dataset, scores) if scores and scores[0].protocol == "one_pass" else []
    if not worst:
        return Section(key, _TITLE, chapter=dataset)
    shown = [one for one in worst if one.replay.sequence.frames is not None][:_SHOWN]
    frames = tuple(frame for place, one in enumerate(shown) for frame in _frames(view, f"{key}-{place}", one))
    table = _table(view, key, scores, worst)
    return Section(key, _TITLE, (_INTRODUCTION,), (table,), frames=frames, chapter=dataset)


def _worst(view: View, dataset: str, scores: list[Score]) -> list[_Worst]:
    """Return the sequences with the lowest mean on which a tracker loses the target, the worst one first."""
    found = view.dataset(dataset)
    names = dict.fromkeys(name for score in scores for name in score.per_sequence)
    means = {name: statistics.fmean(values) for name in names if (values := _values(scores, name))}
    order = sorted(
        means, key=lambda name: (-means[name], name) if not scores[0].higher_is_better else (means[name], name)
    )
    if found is None:
        return []
    replays = (_Worst(name, means[name], sequence_replay(view, found, name)) for name in order[: 2 * _ROWS])
    return [one for one in replays if failure_frames(one.replay.overlaps())][:_ROWS]


def _values(scores: list[Score], name: str) -> list[float]:
    return [value for score in scores if (value := score.per_sequence.get(name)) is not None]


def _table(view: View, key: str, scores: list[Score], worst: list[_Worst]) -> Table:
    columns: list[ColumnOf[_Worst]] = [
        (text_column("sequence"), lambda row: Cell(row.name)),
        (Column("frames", digits=0), lambda row: number_cell(len(row.replay.sequence), 0)),
        (_mean_column(scores[0]), lambda row: number_cell(row.mean, unit_digits(scores[0].unit))),
        *(_tracker_column(score.tracker, view.tracker(score.tracker).index) for score in scores),
    ]
    return build_table(key, _TITLE, columns, worst)


def _mean_column(score: Score) -> Column:
    return Column(f"mean {metric_name(score)}", hint=metric_hint(score))


def _tracker_column(label: str, index: int) -> ColumnOf[_Worst]:
    def cell(row: _Worst) -> Cell:
        overlaps = row.replay.overlaps().get(index)
        if overlaps is None or not (overlaps == 0.0).any():
            return Cell("-")
        share = float(np.mean(overlaps[~np.isnan(overlaps)] == 0.0))
        first = int(np.flatnonzero(overlaps == 0.0)[0]) + 1
        return Cell(f"{first}", first, detail=f"{100 * share:.0f} %")

    return Column(label, digits=0), cell


def _frames(view: View, key: str, worst: _Worst) -> Iterator[Frame]:
    """Yield a frame before the first failure, the failure, and one late in the sequence; none without images."""
    images = worst.replay.sequence.frames
    if images is None:
        return
    labels = {one.index: one.label for one in view.trackers}
    failures = failure_frames(worst.replay.overlaps())
    (first, _), last = failures[0], len(images) - 1
    lost = ", ".join(labels[index] for frame, index in failures if frame == first)
    captions = {max(0, first - _BEFORE): "before", first: f"{lost} without overlap", (first + last) // 2: "later"}
    for number, caption in captions.items():
        image = images[number]
        size = image.shape[1], image.shape[0]
        outlines = tuple(worst.replay.outlines(number))
        yield Frame(f"{key}-{number + 1}", number + 1, encode_jpeg(image, width=400, quality=75), size, outlines,
                    f"{worst.name}, {caption}")  # fmt: skip
