"""GOT-10k: short sequences of many classes, with how much of the target is visible in each frame.

Coordinates are 1-based. Test annotations are the first box only: a server scores the rest. Huang, Zhao, Huang: GOT-10k
(PAMI 2019).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evalkit import registry
from evalkit.datasets._images import FolderImages
from evalkit.datasets._sources import Form, Source, assemble, filled, nothing_found, own_list, places, rows_form
from evalkit.errors import EvalkitError
from evalkit.io.rows import read_rows, read_values
from evalkit.names import canonical
from evalkit.types import Annotation, Dataset

DIRECTORIES = ("GOT-10k", "GOT10k", "GOT-10K", "GOT_10k", "full_data")
_LABELS = {"cover": "cover", "absence": "absent", "cut_by_image": "cut_by_image"}


@registry.dataset("got10k-train", summary="GOT-10k training split, 9,335 sequences")
def got10k_train(root: Path | None) -> Dataset:
    return _open("train", "Train", 9335, root)


@registry.dataset("got10k-val", summary="GOT-10k validation split, 180 sequences")
def got10k_val(root: Path | None) -> Dataset:
    return _open("val", "Val", 180, root)


@registry.dataset(
    "got10k-test", summary="GOT-10k test split, 180 sequences, scored by its server", aliases=("got10k", "got-10k"),
)  # fmt: skip
def got10k_test(root: Path | None) -> Dataset:
    return _open("test", "Test", 180, root)


def _open(subset: str, title: str, count: int, root: Path | None) -> Dataset:
    folders = places(root, DIRECTORIES, benchmark=f"got10k-{subset}")
    folders = [folder / subset for folder in folders if (folder / subset).is_dir()] or folders
    names = own_list(folders, "list.txt", [f"GOT-10k_{title}_{number:06d}" for number in range(1, count + 1)])
    forms: list[Form] = [form for folder in folders if (form := _folder_form(folder, names))]
    forms += [form for folder in folders if (form := rows_form(folder, names))]
    sequences = assemble(names, forms)
    if not sequences:
        raise nothing_found(f"got10k-{subset}", root, folders, f"{subset}/<sequence>/groundtruth.txt or <sequence>.txt")
    return Dataset(
        name=f"got10k-{subset}",
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


def _folder_form(folder: Path, names: Iterable[str]) -> Form:
    here = {path.name for path in folder.iterdir()}
    return {canonical(name): _folder_source(folder / name) for name in names if name in here}


def _folder_source(place: Path) -> Source:
    path = place / "groundtruth.txt"
    images = FolderImages(place)
    meta = _meta(place / "meta_info.ini")

    def read() -> Annotation:
        boxes = filled(read_rows(path), path)
        frames = images.names()
        if len(boxes) == 1 and len(frames) > 1:
            boxes = np.vstack([boxes, np.full((len(frames) - 1, 4), np.nan)])
        return Annotation(boxes, flags=_flags(place, len(boxes)))

    return Source(
        path,
        read,
        FolderImages(place, rows=lambda: len(read().boxes)) if images else None,
        fps=_leading_number(meta.get("anno_fps")),
        size=_resolution(meta.get("resolution")),
        meta=meta,
    )


def _flags(place: Path, rows: int) -> dict[str, Any]:
    flags = {}
    for label, name in _LABELS.items():
        path = place / f"{label}.label"
        if not path.is_file():
            continue
        values = read_values(path)
        if len(values) != rows:
            raise EvalkitError("labels and annotated rows do not match", where=path, found=len(values), expected=rows)
        flags[name] = values.astype(np.int64) if name == "cover" else values != 0
    return flags


def _meta(path: Path) -> Mapping[str, str]:
    """The ``key: value`` lines of ``meta_info.ini``; none where there is no such file."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, colon, value in pairs if colon}


def _resolution(text: str | None) -> tuple[int, int] | None:
    numbers = [part.strip() for part in (text or "").strip("()").split(",")]
    return (int(numbers[0]), int(numbers[1])) if len(numbers) == 2 and all(n.isdigit() for n in numbers) else None


def _leading_number(text: str | None) -> float | None:
    digits = (text or "").lower().removesuffix("hz").strip()
    try:
        return float(digits)
    except ValueError:
        return None
