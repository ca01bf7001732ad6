"""TrackingNet: half a minute of video each, from the wild; a server scores the test split.

Coordinates are 0-based. Image numbers start at 0 and are not padded, so that frames are in natural order. Test
annotations are the first box only. Müller et al.: TrackingNet (ECCV 2018). List: ``_facts/trackingnet.json``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from evalkit import registry
from evalkit.datasets._images import FolderImages
from evalkit.datasets._sources import Form, Source, assemble, facts, filled, nothing_found, places, rows_form
from evalkit.io.rows import read_rows
from evalkit.types import Annotation, Dataset

DIRECTORIES = ("TrackingNet", "trackingnet", "TrackingNet-devkit")
_TRAINING_PARTS = tuple(f"TRAIN_{number}" for number in range(12))


@registry.dataset(
    "trackingnet-test", summary="TrackingNet test split, one-pass, 511 sequences", aliases=("trackingnet",),
)  # fmt: skip
def trackingnet_test(root: Path | None) -> Dataset:
    return _open("trackingnet-test", "TrackingNet", ("TEST",), facts("trackingnet")["test"], root)


@registry.dataset("trackingnet-train", summary="TrackingNet training split, 12 parts")
def trackingnet_train(root: Path | None) -> Dataset:
    return _open("trackingnet-train", "TrackingNet-train", _TRAINING_PARTS, [], root)


def _open(name: str, directory: str, parts: tuple[str, ...], official: list[str], root: Path | None) -> Dataset:
    folders = places(root, DIRECTORIES, benchmark=name)
    found = [folder / part for folder in folders for part in parts if (folder / part).is_dir()]
    folders = found or folders
    names = official or _annotated(folders)
    forms: list[Form] = [_folder_form(folder, names) for folder in folders]
    forms += [rows_form(folder, names, key=str) for folder in folders]
    sequences = assemble(names, [form for form in forms if form], key=str)
    if not sequences:
        raise nothing_found(name, root, folders, f"{parts[0]}/anno/<id>.txt, {parts[0]}/frames/<id>/ or <id>.txt")
    return Dataset(
        name=name,
        directory=directory,
        version="1",
        origin=0,
        sequences=sequences,
        expected=tuple(names),
        protocols=("one_pass",),
        profiles=("trackingnet",),
        layout="trackingnet",
        family="trackingnet",
        root=root,
    )


def _annotated(folders: Iterable[Path]) -> list[str]:
    return sorted({path.stem for folder in folders for path in (folder / "anno").glob("*.txt")})


def _folder_form(folder: Path, names: Iterable[str]) -> Form:
    annotated = {path.stem for path in (folder / "anno").glob("*.txt")}
    filmed = {path.name for path in (folder / "frames").iterdir()} if (folder / "frames").is_dir() else set()
    found = {}
    for name in names:
        if name in annotated or name in filmed:
            images = folder / "frames" / name if name in filmed else None
            found[name] = _source(folder / "anno" / f"{name}.txt", images)
    return found


def _source(path: Path, images: Path | None) -> Source:
    def read() -> Annotation:
        boxes = filled(read_rows(path), path)
        if images and len(boxes) == 1:
            count = len(FolderImages(images).names())
            boxes = np.vstack([boxes, np.full((max(count - 1, 0), 4), np.nan)])
        return Annotation(boxes)

    return Source(path, read, FolderImages(images, rows=lambda: len(read().boxes)) if images else None)
