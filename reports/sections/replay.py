"""Replay: key frames of a sequence with every tracker's region, and overlap over time linked to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from evalkit.reports.document.model import Figure, Frame, Section
from evalkit.reports.document.sequence_replay import SequenceReplay, key_frames
from evalkit.reports.document.view import View
from evalkit.reports.figures.overlap_over_time import overlap_plot
from evalkit.types import Dataset, Image, finite_or_none

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_WIDTH = 480
"""Width of the pictures in pixels, at most."""

_JPEG_QUALITY = 82
_INTRODUCTION = (
    "The dashed white outline is the groundtruth. Overlap is that of axis-aligned boxes; a number above the plot links "
    "to its frame."
)
_NO_FRAMES = "The frames of this sequence are not available, only its annotation; give --data a folder with images."


def replay_sections(view: View, dataset: str) -> list[Section]:
    """Return one section for each sequence of the dataset that was asked for."""
    found = view.dataset(dataset)
    if found is None:
        return []
    known = {one.name for one in found.sequences}
    return [_replay_section(view, _replay(view, found, name)) for name in view.comparison.replay if name in known]


def _replay(view: View, dataset: Dataset, name: str) -> SequenceReplay:
    """Return the sequence with the first repetition of every tracker that has results on it."""
    stored = {one.index: view.comparison.runs.get((dataset.name, one.label), {}).get(name) for one in view.trackers}
    runs = {index: repetitions[0] for index, repetitions in stored.items() if repetitions}
    return SequenceReplay(dataset, dataset.sequence(name), runs)


def _replay_section(view: View, replay: SequenceReplay) -> Section:
    key, title, chapter = f"{_key(replay)}-replay", f"Replay: {replay.sequence.name}", replay.dataset.name
    if replay.sequence.frames is None:
        return Section(key, title, chapter=chapter, skipped=(_NO_FRAMES,))
    chosen = key_frames(replay)
    frames = tuple(_frame(replay, replay.sequence.frames[number], number, caption) for number, caption in chosen)
    figure = _overlap_figure(view, replay, [number + 1 for number, _ in chosen])
    return Section(key, title, (_INTRODUCTION,), figures=(figure,), frames=frames, chapter=chapter)


def _frame(replay: SequenceReplay, image: Image, number: int, caption: str) -> Frame:
    height, width = image.shape[:2]
    key, outlines = f"{_key(replay)}-{number + 1}", tuple(replay.outlines(number))
    return Frame(key, number + 1, _jpeg(image), (width, height), outlines, caption)


def _jpeg(image: Image) -> bytes:
    height, width = image.shape[:2]
    scale = min(1.0, _WIDTH / width)
    small = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return jpeg.tobytes()


def _key(replay: SequenceReplay) -> str:
    place = [one.name for one in replay.dataset.sequences].index(replay.sequence.name)
    return f"frame-{replay.dataset.name}-{place}"


def _overlap_figure(view: View, replay: SequenceReplay, numbers: list[int]) -> Figure:
    """Return the figure of overlap over time.

    Args:
        view: The comparison.
        replay: The sequence and its results.
        numbers: Key frames to link to, counted from 1.
    """
    labels = {one.index: one.label for one in view.trackers}
    overlaps = {index: [_rounded(value) for value in values] for index, values in replay.overlaps().items()}
    links = [(number, f"#{_key(replay)}-{number}") for number in numbers]
    name = replay.sequence.name

    def draw() -> Drawing:
        return overlap_plot(f"Overlap · {name}", overlaps, labels, links)

    series = [
        {"tracker": labels[index], "index": index, "x": list(range(1, len(values) + 1)), "y": values}
        for index, values in overlaps.items()
    ]
    means = "; ".join(f"{labels[index]}: mean {mean:.3f}" for index, mean in _means(overlaps).items())
    return Figure(
        f"{_key(replay)}-strip", f"Overlap over time, {name}", f"Mean overlap: {means}.", draw,
        {"kind": "curve", "series": series}, wide=True,
    )  # fmt: skip


def _means(overlaps: dict[int, list[float | None]]) -> dict[int, float]:
    """Return the mean overlap of every tracker that has one on any frame."""
    present = {index: [value for value in values if value is not None] for index, values in overlaps.items()}
    return {index: float(np.mean(values)) for index, values in present.items() if values}


def _rounded(value: float) -> float | None:
    return finite_or_none(round(float(value), 4))
