"""A sequence frame by frame: key frames with every tracker's region, and overlap over time with the frames linked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.geometry import bounding_box, overlap, shifted
from evalkit.reports._comparison.document import Figure, Frame, Section
from evalkit.reports._comparison.view import View
from evalkit.types import Dataset, Image, Mask, Polygon, Region, Sequence, Trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

FRAMES = 8
"""Key frames of a sequence."""
_WIDTH = 480
_QUALITY = 82

Outline = tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Replay:
    """One sequence with what each tracker answered on it.

    Attributes:
        runs: First repetition, by place of the tracker in the report.
    """

    dataset: Dataset
    sequence: Sequence
    runs: Mapping[int, Trajectory]

    def overlaps(self) -> dict[int, NDArray[np.float64]]:
        """Overlap of upright boxes by frame; NaN where either is missing."""
        truth = self.sequence.groundtruth
        return {index: overlap(run.boxes[: len(truth)], truth[: len(run.boxes)]) for index, run in self.runs.items()}

    def outlines(self, frame: int) -> list[tuple[int | None, Outline]]:
        """Corner points in 0-based pixels: groundtruth first, then every tracker that answered."""
        regions: list[tuple[int | None, Region | None]] = [(None, self.sequence.region(frame))]
        regions += [(index, run.region(frame)) for index, run in self.runs.items() if frame < len(run)]
        origin = self.dataset.origin
        return [(index, outline(shifted(one, -origin, -origin))) for index, one in regions if one is not None]


def sections(view: View, dataset: str) -> list[Section]:
    """One per sequence that was asked for; a word where its frames are not at hand."""
    found = view.comparison.dataset(dataset)
    if found is None:
        return []
    replays = [replay_of(view, found, name) for name in view.comparison.replay]
    return [_section(view, dataset, replay) for replay in replays if replay is not None]


def _section(view: View, dataset: str, replay: Replay) -> Section:
    key, title = f"{_key(replay)}-replay", f"Replay: {replay.sequence.name}"
    if replay.sequence.frames is None:
        why = "The frames of this sequence are not at hand, only its annotation."
        return Section(key, title, chapter=dataset, skipped=(why,))
    chosen = key_frames(replay)
    lead = "White, dashed: groundtruth. Overlap is that of upright boxes; a number above the strip leads to its frame."
    frames = tuple(_frame(replay, number, caption) for number, caption in chosen)
    return Section(key, title, (lead,), figures=(_strip(view, replay, chosen),), frames=frames, chapter=dataset)


def replay_of(view: View, dataset: Dataset, name: str) -> Replay | None:
    """The sequence with the answers of all that have some; None where the benchmark has no such sequence."""
    if name not in {one.name for one in dataset.sequences}:
        return None
    runs = {
        one.index: runs[name][0]
        for one in view.contenders
        if (runs := view.comparison.runs.get((dataset.name, one.label), {})).get(name)
    }
    return Replay(dataset, dataset.sequence(name), runs)


def outline(region: Region) -> Outline:
    """The corner points of a region; those of its bounding box for a mask."""
    if isinstance(region, Polygon):
        return tuple((float(x), float(y)) for x, y in region.points)
    box = bounding_box(region) if isinstance(region, Mask) else region
    right, bottom = box.x + box.width, box.y + box.height
    return (box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom)


def key_frames(replay: Replay, count: int = FRAMES) -> list[tuple[int, str]]:
    """Frames worth looking at, 0-based, with the reason, in order of time: where trackers part or all are lost, and
    evenly spaced ones between."""
    length = len(replay.sequence)
    chosen: dict[int, str] = {0: "initialization"}
    overlaps = replay.overlaps()
    if overlaps:
        table = np.full((len(overlaps), length), np.nan)
        for row, values in enumerate(overlaps.values()):
            table[row, : len(values)] = values
        known = ~np.isnan(table).any(axis=0)
        if known.any():
            mean = np.where(known, table.mean(axis=0), np.inf)
            chosen.setdefault(int(mean.argmin()), "hardest")
        if len(overlaps) > 1 and known.any():
            gap = np.where(known, table.max(axis=0) - table.min(axis=0), -np.inf)
            chosen.setdefault(int(gap.argmax()), "trackers differ most")
    for frame in np.linspace(0, length - 1, count).round().astype(int):
        if len(chosen) < count and all(abs(frame - other) > length // (3 * count) for other in chosen):
            chosen[int(frame)] = "on the way"
    return sorted(chosen.items())


def image_of(replay: Replay, number: int) -> Image:
    """A frame of the sequence.

    Raises:
        EvalkitError: The frames are not at hand, or this one cannot be read.
    """
    if replay.sequence.frames is None:
        raise EvalkitError(
            "the frames of this sequence are not at hand", where=f"{replay.dataset.name}/{replay.sequence.name}",
            hint="Give --data a folder with images",
        )  # fmt: skip
    return replay.sequence.frames[number]


def _frame(replay: Replay, number: int, caption: str) -> Frame:
    image = image_of(replay, number)
    height, width = image.shape[:2]
    scale = min(1.0, _WIDTH / width)
    small = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return Frame(
        f"{_key(replay)}-{number + 1}", number + 1, jpeg.tobytes(), (width, height), tuple(replay.outlines(number)),
        caption,
    )  # fmt: skip


def _key(replay: Replay) -> str:
    place = [one.name for one in replay.dataset.sequences].index(replay.sequence.name)
    return f"frame-{replay.dataset.name}-{place}"


def _strip(view: View, replay: Replay, chosen: list[tuple[int, str]]) -> Figure:
    labels = {one.index: one.label for one in view.contenders}
    overlaps = {index: [_finite(value) for value in values] for index, values in replay.overlaps().items()}
    links = [(number + 1, f"#{_key(replay)}-{number + 1}") for number, _ in chosen]
    name = replay.sequence.name

    def draw() -> Drawing:
        from evalkit.reports._figures.strip import overlap_strip

        return overlap_strip(f"Overlap · {name}", overlaps, labels, links)

    series: list[dict[str, Any]] = [
        {"tracker": labels[index], "index": index, "x": list(range(1, len(values) + 1)), "y": values}
        for index, values in overlaps.items()
    ]
    means = {labels[index]: np.array(values, dtype=float) for index, values in overlaps.items()}
    told = "; ".join(f"{label}: mean {np.nanmean(row):.3f}" for label, row in means.items() if np.isfinite(row).any())
    return Figure(f"{_key(replay)}-strip", f"Overlap over time, {name}", f"Mean overlap: {told}.", draw,
                  {"kind": "curve", "series": series}, wide=True)  # fmt: skip


def _finite(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
