"""Videos of several objects and answers to them, made by rule, as files in VOT's form.

They contain what the measures of VOTS treat apart: masks and boxes, objects that appear late, absences, answers that
are missing, empty, thin, elsewhere or outside the image, regions to ignore, and groundtruth that is not known.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.io.regions import Record, format_binary, format_record
from evalkit.types import Box, Mask

SIZE = (64, 48)
TRACKERS = ("steady", "drifting", "silent", "binary")

Generator = np.random.Generator


def ellipse(rng: Generator, center: NDArray[np.float64]) -> Mask:
    """Return the mask of an ellipse about a point, cropped to its pixels within the image."""
    width, height = SIZE
    radius = rng.uniform(2.5, 9, 2)
    y, x = np.mgrid[:height, :width]
    bitmap = ((x - center[0]) / radius[0]) ** 2 + ((y - center[1]) / radius[1]) ** 2 <= 1
    return crop(bitmap)


def crop(bitmap: NDArray[np.bool_]) -> Mask:
    """Return the mask with its own bounding rectangle; without pixels, one without extent."""
    rows, columns = np.flatnonzero(bitmap.any(axis=1)), np.flatnonzero(bitmap.any(axis=0))
    if not rows.size:
        return Mask(np.zeros((0, 0), bool))
    part = bitmap[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Mask(part, int(columns[0]), int(rows[0]))


def path_of(rng: Generator, frames: int) -> NDArray[np.float64]:
    """Return the centres of a target that moves about, shape (frames, 2)."""
    start = rng.uniform((12, 10), (52, 38))
    return np.clip(start + rng.normal(0, 2.5, (frames, 2)).cumsum(axis=0), (5, 5), (58, 42))


def truth_of(rng: Generator, centers: NDArray[np.float64]) -> list[Record]:
    """Return the groundtruth of one object: masks, absences as empty masks, and codes where nothing is known."""
    records: list[Record] = [ellipse(rng, center) for center in centers]
    frames = len(records)
    if rng.random() < 0.5:
        begin, length = int(rng.integers(2, frames)), int(rng.integers(1, 18))
        for index in range(begin, min(begin + length, frames)):
            records[index] = Mask(np.zeros((0, 0), bool))
    for index in range(int(rng.integers(0, 4)) if rng.random() < 0.3 else 0):
        records[index] = 0
    if rng.random() < 0.2:
        records[-1] = 0
    return records


def answer_of(rng: Generator, tracker: str, truth: list[Record], centers: NDArray[np.float64]) -> list[Record]:
    """Return a tracker's answers to one object, with the mark of the start in the first known frame."""
    start = next(index for index, record in enumerate(truth) if not isinstance(record, int))
    spread = {"steady": 1.0, "drifting": 6.0, "silent": 2.0, "binary": 2.0}[tracker]
    quiet = {"steady": 0.02, "drifting": 0.1, "silent": 0.5, "binary": 0.2}[tracker]
    answers: list[Record] = []
    for index, center in enumerate(centers):
        if index <= start:
            answers.append(1 if index == start else 0)
            continue
        chance = rng.random()
        if chance < quiet:
            answers.append(0 if rng.random() < 0.5 else Mask(np.zeros((0, 0), bool)))
        elif chance < quiet + 0.1:
            answers.append(Box(*rng.uniform((-10, -10, 0, 0), (70, 60, 20, 20)).round(2).tolist()))
        elif chance < quiet + 0.25:
            answers.append(odd_mask(rng, center))
        else:
            answers.append(ellipse(rng, center + rng.normal(0, spread, 2)))
    return answers


def odd_mask(rng: Generator, center: NDArray[np.float64]) -> Mask:
    """Return a mask of one column or row, one without pixels, or one with the size of the image."""
    x, y = center.astype(int).tolist()
    kind, length = int(rng.integers(4)), int(rng.integers(1, 12))
    if kind == 3:
        mask, (width, height) = ellipse(rng, center), SIZE
        whole = np.zeros((height, width), bool)
        rows, columns = mask.bitmap.shape
        whole[mask.y : mask.y + rows, mask.x : mask.x + columns] = mask.bitmap
        return Mask(whole)
    shape = {0: (length, 1), 1: (1, length), 2: (4, length)}[kind]
    return Mask(np.full(shape, kind != 2), x, y)


def write_case(root: Path, videos: int, seed: int = 0) -> None:
    """Write ``root/sequences/<video>/`` and ``root/results/<tracker>/baseline/<video>/``."""
    rng = np.random.default_rng(seed)
    names = [f"video{number:03d}" for number in range(videos)]
    for name in names:
        _write_video(rng, root, name)
    (root / "sequences" / "list.txt").write_text("\n".join(names) + "\n")


def _write_video(rng: Generator, root: Path, name: str) -> None:
    place = root / "sequences" / name
    place.mkdir(parents=True)
    frames, objects = int(rng.integers(6, 40)), int(rng.integers(1, 4))
    facts = {"name": name, "length": frames, "width": SIZE[0], "height": SIZE[1], "fps": 30, "format": "default",
             "channels.color": "color/%08d.jpg"}  # fmt: skip
    (place / "sequence").write_text("".join(f"{key}={value}\n" for key, value in facts.items()))
    if rng.random() < 0.5:
        ignored: list[Record] = [ellipse(rng, center) for center in path_of(rng, frames)]
        if rng.random() < 0.5:
            ignored = ignored[: frames // 2]
        _write_text(place / "groundtruth__ignore.txt", ignored)
    for number in range(1, objects + 1):
        centers = path_of(rng, frames)
        truth = truth_of(rng, centers)
        _write_text(place / f"groundtruth_{number}.txt", truth)
        stem = f"{name}_{number}_001" if objects > 1 else f"{name}_001"
        for tracker in TRACKERS:
            folder = root / "results" / tracker / "baseline" / name
            folder.mkdir(parents=True, exist_ok=True)
            answers = answer_of(rng, tracker, truth, centers)
            if tracker == "binary":
                (folder / f"{stem}.bin").write_bytes(format_binary(answers))
            else:
                _write_text(folder / f"{stem}.txt", answers)


def _write_text(path: Path, records: list[Record]) -> None:
    path.write_text("".join(f"{format_record(record)}\n" for record in records))
