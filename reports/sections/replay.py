"""Replay: key frames of a sequence with every tracker's region, and overlap over time linked to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evalkit.reports.document.model import Figure, Frame, Section
from evalkit.reports.document.pictures import encode_jpeg
from evalkit.reports.document.player import SHARE, make_player
from evalkit.reports.document.sequence_replay import SequenceReplay, key_frames
from evalkit.reports.document.view import View
from evalkit.reports.figures.plots import overlap_plot
from evalkit.types import Dataset, Image, finite_or_none

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from evalkit.reports.figures.theme import FigureStyle

_INTRODUCTION = (
    "The dashed white outline is the groundtruth. Overlap is that of axis-aligned boxes. Click a frame number above "
    "the plot to jump to the frame."
)
_UNANNOTATED = "Only the first frame is annotated, so there is no overlap with the groundtruth."
_AGREEMENT = (
    "The plot shows agreement instead: the mean overlap of each tracker's box with those of the others. Click a frame "
    "number above it to jump to the frame."
)
_NO_FRAMES = "The frames of this sequence are not available, only its annotation; give --data a folder with images."


def replay_sections(view: View, dataset: str) -> list[Section]:
    """Return one section for each sequence of the dataset that was asked for."""
    found = view.dataset(dataset)
    if found is None:
        return []
    known = {one.name for one in found.sequences}
    budget = int(SHARE * view.page_bytes) // max(1, len(view.comparison.replay))
    shown = [name for name in view.comparison.replay if name in known]
    return [_replay_section(view, sequence_replay(view, found, name), budget) for name in shown]


def sequence_replay(view: View, dataset: Dataset, name: str) -> SequenceReplay:
    """Return the sequence with the first repetition of every tracker that has results on it."""
    stored = {one.index: view.comparison.runs.get((dataset.name, one.label), {}).get(name) for one in view.trackers}
    runs = {index: repetitions[0] for index, repetitions in stored.items() if repetitions}
    return SequenceReplay(dataset, dataset.sequence(name), runs)


def _replay_section(view: View, replay: SequenceReplay, budget: int) -> Section:
    key, title, chapter = f"{_key(replay)}-replay", f"Replay: {replay.sequence.name}", replay.dataset.name
    if replay.sequence.frames is None:
        return Section(key, title, chapter=chapter, skipped=(_NO_FRAMES,))
    chosen = key_frames(replay)
    frames = tuple(_frame(replay, replay.sequence.frames[number], number, caption) for number, caption in chosen)
    plotted = _plotted(view, replay)
    numbers = [number + 1 for number, _ in chosen]
    figures = (_overlap_figure(replay, plotted, numbers),) if plotted.values else ()
    player = make_player(f"{_key(replay)}-player", replay, [number for number, _ in chosen], budget)
    return Section(
        key, title, _introduction(replay, plotted), figures=figures, frames=frames, player=player, chapter=chapter
    )


class _Plotted(NamedTuple):
    """What is plotted over time.

    Attributes:
        name: Name of the values.
        values: By index of the tracker, its value on each frame; None where there is none. The index None stands for
            two trackers, whose agreement with one another is one line.
        labels: By index of the tracker, its label.
    """

    name: str
    values: dict[int | None, list[float | None]]
    labels: dict[int | None, str]


def _introduction(replay: SequenceReplay, plotted: _Plotted) -> tuple[str, ...]:
    if replay.annotated:
        return (_INTRODUCTION,)
    return (_UNANNOTATED, _AGREEMENT) if plotted.values else (_UNANNOTATED,)


def _plotted(view: View, replay: SequenceReplay) -> _Plotted:
    """Return the overlap with the groundtruth, or the agreement of the trackers where there is no groundtruth."""
    labels: dict[int | None, str] = {one.index: one.label for one in view.trackers}
    found = replay.overlaps() if replay.annotated else replay.agreements()
    values: dict[int | None, list[float | None]] = {
        index: [_rounded(value) for value in row] for index, row in found.items()
    }
    if replay.annotated:
        return _Plotted("overlap", values, labels)
    if len(values) == 2:
        labels[None] = " and ".join(labels[index] for index in values)
        values = {None: next(iter(values.values()))}
    return _Plotted("agreement", values, labels)


def _frame(replay: SequenceReplay, image: Image, number: int, caption: str) -> Frame:
    height, width = image.shape[:2]
    key, outlines = f"{_key(replay)}-{number + 1}", tuple(replay.outlines(number))
    return Frame(key, number + 1, encode_jpeg(image), (width, height), outlines, caption)


def _key(replay: SequenceReplay) -> str:
    place = [one.name for one in replay.dataset.sequences].index(replay.sequence.name)
    return f"frame-{replay.dataset.name}-{place}"


def _overlap_figure(replay: SequenceReplay, plotted: _Plotted, numbers: list[int]) -> Figure:
    """Return the figure of overlap, or agreement, over time.

    Args:
        replay: The sequence and its results.
        plotted: What to plot.
        numbers: Key frames to link to, counted from 1.
    """
    _, values, labels = plotted
    links = [(number, f"#{_key(replay)}-{number}") for number in numbers]
    name, sequence = plotted.name.capitalize(), replay.sequence.name

    def draw(style: FigureStyle) -> Drawing:
        return overlap_plot(f"{name} · {sequence}", values, labels, links, style, y_label=plotted.name)

    series = [
        {"tracker": labels[index], "index": index, "x": list(range(1, len(row) + 1)), "y": row}
        for index, row in values.items()
    ]
    means = "; ".join(f"{labels[index]}: mean {mean:.3f}" for index, mean in _means(values).items())
    return Figure(
        f"{_key(replay)}-strip", f"{name} over time, {sequence}", f"Mean {plotted.name}: {means}.", draw,
        {"kind": "curve", "series": series}, wide=True,
    )  # fmt: skip


def _means(overlaps: dict[int | None, list[float | None]]) -> dict[int | None, float]:
    """Return the mean of every line that has a value on any frame."""
    present = {index: [value for value in values if value is not None] for index, values in overlaps.items()}
    return {index: float(np.mean(values)) for index, values in present.items() if values}


def _rounded(value: float) -> float | None:
    return finite_or_none(round(float(value), 4))
