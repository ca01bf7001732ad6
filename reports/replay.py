"""Videos of a sequence with the groundtruth and every tracker's region on every frame, as MP4 or animated GIF."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.io.frames import ahead
from evalkit.io.temporary import temporary_folder
from evalkit.types import Dataset, Image, Trajectory

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

    from evalkit.reports.document.sequence_replay import SequenceReplay

FPS = 25.0
"""Frames per second where neither the caller nor the benchmark states a rate."""

GIF_FPS = 12.0
"""Frames per second of an animated GIF, at most; further frames are left out, because GIFs are large."""

_GIF_COLORS = 96
_GROUNDTRUTH = (255, 255, 255)

_Color: TypeAlias = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""


@registry.report("mp4", summary="a sequence with boxes, as video", video=".mp4")
def as_mp4(
    dataset: Dataset, sequence: str, runs: Mapping[str, Trajectory], fps: float | None = None, width: int = 960
) -> bytes:
    """Return an MPEG-4 video of all frames.

    Args:
        dataset: The dataset of the sequence.
        sequence: Name of the sequence.
        runs: What each tracker answered, by label.
        fps: Frames per second of the video; the benchmark's by default.
        width: Width of the picture in pixels, at most.

    Raises:
        EvalkitError: The frames are not available, or OpenCV cannot write video on this machine.
    """
    import cv2

    pictures = _pictures(dataset, sequence, runs, width)
    first = next(pictures)
    with temporary_folder() as folder:
        path = folder / "replay.mp4"
        rate = fps or dataset.sequence(sequence).fps or FPS
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, (first.shape[1], first.shape[0]))
        if not writer.isOpened():
            raise EvalkitError("this OpenCV cannot write MP4", hint="Write a .gif instead")
        for picture in (first, *pictures):
            writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        writer.release()
        return path.read_bytes()


@registry.report("gif", summary="a sequence with boxes, as animated GIF", video=".gif")
def as_gif(
    dataset: Dataset, sequence: str, runs: Mapping[str, Trajectory], fps: float | None = None, width: int = 480
) -> bytes:
    """Return an animated GIF; see ``as_mp4``. Frames beyond ``GIF_FPS`` are left out without changing the speed."""
    from PIL import Image as Pillow

    rate = fps or dataset.sequence(sequence).fps or FPS
    step = max(1, round(rate / GIF_FPS))
    pictures = [Pillow.fromarray(picture) for picture in _pictures(dataset, sequence, runs, width, step)]
    first, *others = [one.quantize(_GIF_COLORS, dither=Pillow.Dither.NONE) for one in pictures]
    stream = io.BytesIO()
    first.save(stream, "GIF", save_all=True, append_images=others, duration=1000 * step / rate, loop=0, optimize=False)
    return stream.getvalue()


def _pictures(
    dataset: Dataset, sequence: str, runs: Mapping[str, Trajectory], width: int, step: int = 1
) -> Iterator[Image]:
    """Yield every ``step``-th frame with its regions and a legend below, all of the same even width and height."""
    from evalkit.reports.document.sequence_replay import SequenceReplay

    replay = SequenceReplay(dataset, dataset.sequence(sequence), dict(enumerate(runs.values())))
    frames = replay.sequence.frames
    if frames is None:
        raise EvalkitError(
            "the frames are not available", where=f"{dataset.name}/{sequence}", hint="Give --data a folder with images"
        )
    numbers = range(0, min(len(replay.sequence), len(frames)), step)
    legend: Image | None = None
    for number, image in zip(numbers, ahead(frames, numbers), strict=True):
        picture = _draw_regions(replay, number, image, width)
        legend = _legend(list(runs), picture.shape[1]) if legend is None else legend
        yield np.vstack([picture, legend])


def _draw_regions(replay: SequenceReplay, number: int, image: Image, width: int) -> Image:
    """Return a frame scaled to a width with all outlines and its number, counted from 1."""
    import cv2

    scale = min(1.0, width / image.shape[1])
    size = (round(image.shape[1] * scale / 2) * 2, round(image.shape[0] * scale / 2) * 2)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    for index, points in replay.outlines(number):
        corners = np.round(np.array(points) * [size[0] / image.shape[1], size[1] / image.shape[0]]).astype(np.int32)
        cv2.polylines(small, [corners], True, _color(index), 2, cv2.LINE_AA)
    cv2.putText(small, str(number + 1), (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    result: Image = small  # type: ignore[assignment]
    return result


class _LegendEntry(NamedTuple):
    """A label with its colour and its place in the legend, in pixels."""

    label: str
    color: _Color
    left: float
    row: int


_ROW_HEIGHT = 24
_MARGIN = 8.0
_ENTRY_GAP = 34
"""Pixels of an entry in addition to its label: the square of its colour and the space after it."""


def _legend(labels: Sequence[str], width: int) -> Image:
    """Return the labels next to their colours, in a font that has more than ASCII."""
    from matplotlib import get_data_path
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    font = ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), 14)
    entries = _legend_entries(labels, font, width)
    picture = Pillow.new("RGB", (width, _ROW_HEIGHT * (entries[-1].row + 1)), (20, 24, 28))
    pen = ImageDraw.Draw(picture)
    for label, color, left, row in entries:
        top = _ROW_HEIGHT * row
        pen.rectangle([left, top + 7, left + 11, top + 18], fill=color)
        pen.text((left + 16, top + 4), label, font=font, fill=(235, 240, 245))
    return np.array(picture)


def _legend_entries(labels: Sequence[str], font: FreeTypeFont, width: int) -> list[_LegendEntry]:
    """Return the groundtruth and all trackers from left to right, in as many rows as the width demands."""
    entries: list[_LegendEntry] = []
    used, row = 0.0, 0
    for label, index in [("groundtruth", None), *((label, index) for index, label in enumerate(labels))]:
        length = font.getlength(label) + _ENTRY_GAP
        if used and used + length > width:
            used, row = 0.0, row + 1
        entries.append(_LegendEntry(label, _color(index), _MARGIN + used, row))
        used += length
    return entries


def _color(index: int | None) -> _Color:
    """Return the colour of a tracker on a dark background; white for the groundtruth (None)."""
    from evalkit.plot.tracker_styles import DARK

    if index is None:
        return _GROUNDTRUTH
    text = DARK[index % len(DARK)]
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
