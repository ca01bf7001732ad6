"""One wrong request to evalkit, and the files that make it wrong."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

USAGE = "Try 'evalkit"
"""What follows a wrong option: the page that explains it."""

TRACKER = """
from evalkit import Box, Prediction

class Right:
    def initialize(self, image, region):
        self.box = region

    def update(self, image):
        return {answer}
"""


@dataclass(frozen=True)
class Misuse:
    """One wrong request.

    Attributes:
        asked: The command line, split at blanks; ``{results}`` is a folder with finished runs of identity and other.
        found: Part of the answer that names what is wrong.
        next: Part of the answer that says what to do.
        prepare: Creates what is wrong, in the working folder.
        code: Exit code.
    """

    asked: str
    found: str
    next: str
    prepare: Callable[[Path], object] | None = None
    code: int = 2


def answer(text: str) -> Callable[[Path], object]:
    """Write a tracker with this answer to mine.py."""
    return lambda here: (here / "mine.py").write_text(TRACKER.format(answer=text))


def file(name: str, content: str | bytes) -> Callable[[Path], object]:
    def write(here: Path) -> None:
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def result(content: str | bytes) -> Callable[[Path], object]:
    """Write this to a result file of identity in place of its boxes."""
    return file("results/tiny/identity/a.txt", content)


def video(rows: str, frames: int = 3) -> Callable[[Path], object]:
    """Write a folder of frames with this groundtruth."""

    def write(here: Path) -> None:
        file("video/groundtruth.txt", rows)(here)
        for number in range(frames):
            cv2.imwrite(str(here / "video" / f"{number}.png"), np.zeros((32, 32, 3), np.uint8))

    return write


def damaged_frame(here: Path) -> None:
    video("1,2,9,9\n" * 3)(here)
    (here / "video" / "1.png").write_bytes(b"no picture")


class Executes:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch executed",)


def archive_of_paths_out(here: Path) -> None:
    with zipfile.ZipFile(here / "results.zip", "w") as archive:
        archive.writestr("../../out.txt", "1,2,3,4\n")


def foreign_network(here: Path) -> None:
    import torch

    torch.save({"stem.weight": torch.zeros(2)}, here / "other.pth")


def other_answer(here: Path) -> None:
    """Write a copy of the results in which one box differs."""
    changed = (here / "results/tiny/identity/a.txt").read_text().replace("20,24,16,12", "20,24,16,13")
    for name in ("run.json", "a.txt"):
        content = (here / "results/tiny/identity" / name).read_text()
        file(f"second/tiny/identity/{name}", changed if name == "a.txt" else content)(here)


def other_settings(here: Path) -> None:
    run = (here / "results/tiny/identity/run.json").read_text().replace('"seed": 0', '"seed": 7')
    file("second/tiny/identity/run.json", run)(here)


def without_executorch(here: Path) -> None:
    """Do nothing: the test hides the package from all requests."""
