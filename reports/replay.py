"""A sequence as a moving picture: groundtruth and every tracker's region on every frame."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.io.frames import ahead
from evalkit.types import Dataset, Image, Trajectory

if TYPE_CHECKING:
    from evalkit.reports._comparison.replay import Replay

FPS = 25.0
"""Where neither the caller nor the benchmark states a frame rate."""
GIF_FPS = 12.0
"""Animated GIFs are large; beyond this rate frames are left out."""
_GIF_COLORS = 96


@registry.report("mp4", summary="a sequence with boxes, as video", video=".mp4")
def as_mp4(
    dataset: Dataset, sequence: str, runs: Mapping[str, Trajectory], fps: float | None = None, width: int = 960
) -> bytes:
    """MPEG-4 video of all frames.

    Args:
        runs: What each tracker answered, by label.
        fps: Frames per second of the video; the benchmark's by default.
        width: Of the picture at most, in pixels.

    Raises:
        EvalkitError: The frames are not at hand, or OpenCV cannot write video on this machine.
    """
    import cv2

    images = _pictures(dataset, sequence, runs, width)
    first = next(images)
    with tempfile.TemporaryDirectory(prefix="evalkit-") as folder:
        path = Path(folder) / "replay.mp4"
        rate = fps or dataset.sequence(sequence).fps or FPS
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, (first.shape[1], first.shape[0]))
        if not writer.isOpened():
            raise EvalkitError("this OpenCV cannot write MP4", hint="Write a .gif instead")
        for image in (first, *images):
            writer.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        writer.release()
        return path.read_bytes()


@registry.report("gif", summary="a sequence with boxes, as animated GIF", video=".gif")
def as_gif(
    dataset: Dataset, sequence: str, runs: Mapping[str, Trajectory], fps: float | None = None, width: int = 480
) -> bytes:
    """Animated GIF; see ``as_mp4``. Frames beyond ``GIF_FPS`` are left out, the speed stays that of the video."""
    from PIL import Image as Pillow

    rate = fps or dataset.sequence(sequence).fps or FPS
    step = max(1, round(rate / GIF_FPS))
    pictures = [Pillow.fromarray(image) for image in _pictures(dataset, sequence, runs, width, step)]
    first, *others = [one.quantize(_GIF_COLORS, dither=Pillow.Dither.NONE) for one in pictures]
    stream = io.BytesIO()
    first.save(stream, "GIF", save_all=True, append_images=others, duration=1000 * step / rate, loop=0, optimize=False)
    return stream.getvalue()


def _pictures(
    dataset: Dataset, sequence: str, runs: Mapping[str, Trajectory], width: int, step: int = 1
) -> Iterator[Image]:
    """Every ``step``-th frame with regions and a legend below, all of one even size."""
    from evalkit.reports._comparison.replay import Replay

    replay = Replay(dataset, dataset.sequence(sequence), dict(enumerate(runs.values())))
    if replay.sequence.frames is None:
        raise EvalkitError("the frames are not at hand", where=f"{dataset.name}/{sequence}",
                           hint="Give --data a folder with images")  # fmt: skip
    numbers = range(0, min(len(replay.sequence), len(replay.sequence.frames)), step)
    legend: Image | None = None
    for number, image in zip(numbers, ahead(replay.sequence.frames, numbers), strict=True):
        drawn = _draw(replay, number, image, width)
        if legend is None:
            legend = _legend(list(runs), drawn.shape[1])
        yield np.vstack([drawn, legend])


def _draw(replay: Replay, number: int, image: Image, width: int) -> Image:
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


def _legend(labels: list[str], width: int) -> Image:
    """Names in the colours of their regions, set in a font that knows more than ASCII."""
    from matplotlib import get_data_path
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    font = ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), 14)
    entries = [("groundtruth", _color(None)), *((label, _color(index)) for index, label in enumerate(labels))]
    rows: list[list[tuple[str, tuple[int, int, int]]]] = [[]]
    used = 0.0
    for label, color in entries:
        length = font.getlength(label) + 34
        if used + length > width and rows[-1]:
            rows.append([])
            used = 0.0
        rows[-1].append((label, color))
        used += length
    strip = Pillow.new("RGB", (width, 24 * len(rows)), (20, 24, 28))
    pen = ImageDraw.Draw(strip)
    for line, row in enumerate(rows):
        left = 8.0
        for label, color in row:
            pen.rectangle([left, 24 * line + 7, left + 11, 24 * line + 18], fill=color)
            pen.text((left + 16, 24 * line + 4), label, font=font, fill=(235, 240, 245))
            left += font.getlength(label) + 34
    return np.array(strip)


def _color(index: int | None) -> tuple[int, int, int]:
    from evalkit.reports._figures.style import DARK

    if index is None:
        return 255, 255, 255
    text = DARK[index % len(DARK)]
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
