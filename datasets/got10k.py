"""GOT-10k: short sequences of many classes, annotated with the visible part of the target in each frame.

Coordinates are 1-based. The test split is published with first boxes only and scored by a server. Huang, Zhao, Huang:
GOT-10k (PAMI 2019).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evalkit import registry
from evalkit.datasets.building import (
    AnnotationForm,
    FolderImages,
    Source,
    expected_names,
    extend_first_row,
    find_folders,
    join_forms,
    match_names,
    no_sequences_error,
    read_boxes,
    read_flags,
    text_file_form,
)
from evalkit.datasets.building.descriptions import frame_rate, frame_size
from evalkit.types import Annotation, Dataset

DIRECTORIES = ("GOT-10k", "GOT10k", "GOT-10K", "GOT_10k", "full_data")
"""Usual names of the benchmark's folder."""

_FLAG_OF_LABEL = {"cover": "cover", "absence": "absent", "cut_by_image": "cut_by_image"}


@registry.dataset("got10k-train", summary="GOT-10k training split, 9,335 sequences")
def got10k_train(root: Path | None) -> Dataset:
    """Open the training split, which is fully annotated."""
    return _open("train", "Train", 9335, root)


@registry.dataset("got10k-val", summary="GOT-10k validation split, 180 sequences")
def got10k_val(root: Path | None) -> Dataset:
    """Open the validation split, which is fully annotated."""
    return _open("val", "Val", 180, root)


@registry.dataset(
    "got10k-test", summary="GOT-10k test split, 180 sequences, scored by its server", aliases=("got10k", "got-10k"),
)  # fmt: skip
def got10k_test(root: Path | None) -> Dataset:
    """Open the test split, of which only first boxes are published."""
    return _open("test", "Test", 180, root)


def _open(subset: str, title: str, count: int, root: Path | None) -> Dataset:
    dataset = f"got10k-{subset}"
    folders = find_folders(root, DIRECTORIES, dataset=dataset)
    folders = [folder / subset for folder in folders if (folder / subset).is_dir()] or folders
    official = [f"GOT-10k_{title}_{number:06d}" for number in range(1, count + 1)]
    names = expected_names(folders, "list.txt", official)
    forms: list[AnnotationForm] = [_folder_form(folder, names) for folder in folders]
    forms += [text_file_form(folder, names) for folder in folders]
    sequences = join_forms(names, forms)
    if not sequences:
        expected = f"{subset}/<sequence>/groundtruth.txt or <sequence>.txt"
        raise no_sequences_error(dataset, root, folders, expected)
    return Dataset(
        name=dataset,
        directory="GOT-10k",
        version="1",
        origin=1,
        sequences=sequences,
        expected=tuple(names),
        protocols=("one_pass",),
        profiles=("got10k",),
        layout="got10k",
        family="got10k",
        root=root,
        repetitions=3,
    )


def _folder_form(folder: Path, names: Iterable[str]) -> AnnotationForm:
    """Return the sources in ``<sequence>/groundtruth.txt`` with the images in the same folder, the published form."""
    children = match_names(names, [path.name for path in folder.iterdir()], where=folder)
    return {name: _folder_source(folder / child) for name, child in children.items()}


def _folder_source(place: Path) -> Source:
    path = place / "groundtruth.txt"
    images = FolderImages(place)
    meta = _read_meta(place / "meta_info.ini")

    def read() -> Annotation:
        boxes = extend_first_row(read_boxes(path), len(images.names()))
        return Annotation(boxes, flags=_flags(place, len(boxes)))

    return Source(
        path,
        read,
        FolderImages(place, rows=lambda: len(read().boxes)) if images else None,
        fps=frame_rate(meta.get("anno_fps", "").lower().removesuffix("hz").strip()),
        size=_resolution(meta.get("resolution")),
        meta=meta,
    )


def _flags(place: Path, rows: int) -> dict[str, Any]:
    flags: dict[str, Any] = {}
    for label, name in _FLAG_OF_LABEL.items():
        path = place / f"{label}.label"
        if path.is_file():
            values = read_flags(path, rows)
            flags[name] = values.astype(np.int64) if name == "cover" else values != 0
    return flags


def _read_meta(path: Path) -> Mapping[str, str]:
    """Return the ``key: value`` lines of ``meta_info.ini``; nothing if there is no such file."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, colon, value in pairs if colon}


def _resolution(text: str | None) -> tuple[int, int] | None:
    """Return width and height from ``(1920, 1080)``; None if the text is something else."""
    numbers = [part.strip() for part in (text or "").strip("()").split(",")]
    return frame_size(*numbers) if len(numbers) == 2 else None
