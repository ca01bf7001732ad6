"""The forms LaSOT comes in: the data set itself, the evaluation toolkit's annotations, and pysot's json index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.datasets._images import FolderImages
from evalkit.datasets._sources import Form, Source, facts, filled, index_boxes, read_index
from evalkit.errors import EvalkitError
from evalkit.io.rows import read_rows, read_values
from evalkit.names import canonical
from evalkit.types import Annotation

TOOLKIT_LISTS = "sequence_evaluation_config"


def folder_form(folder: Path, names: Iterable[str]) -> Form:
    """``<class>/<class-N>/groundtruth.txt``, or without the folder of the class, with ``img/`` beside it."""
    here = {path.name for path in folder.iterdir()}
    found = {}
    for name in names:
        group = name.rpartition("-")[0]
        parent = folder / group if group in here else folder
        if parent != folder or name in here:
            place = parent / name
            if place.is_dir():
                found[canonical(name)] = _folder_source(place)
    return found


def _folder_source(place: Path) -> Source:
    path = place / "groundtruth.txt"

    def read() -> Annotation:
        boxes = filled(read_rows(path), path)
        hidden = _flags(place / "full_occlusion.txt", len(boxes))
        outside = _flags(place / "out_of_view.txt", len(boxes))
        flags = {"full_occlusion": hidden, "out_of_view": outside} if hidden is not None and outside is not None else {}
        return Annotation(boxes, flags={**flags, "absent": hidden | outside} if flags else {})  # type: ignore[operator]

    images = place / "img"
    return Source(
        path,
        read,
        FolderImages(images) if images.is_dir() else None,
        language=_language(place / "nlp.txt"),
    )


def _language(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace").strip() or None
    except OSError:
        return None


def toolkit_form(folder: Path, names: Iterable[str]) -> Form:
    """``annos/<sequence>.txt``, with ``annos/absent/`` and ``annos/att/``, of the LaSOT evaluation toolkit."""
    annos = folder if folder.name == "annos" else folder / "annos"
    if not annos.is_dir():
        return {}
    here = {path.name for path in annos.iterdir()}
    return {canonical(name): _toolkit_source(annos, name) for name in names if f"{name}.txt" in here}


def _toolkit_source(annos: Path, name: str) -> Source:
    path = annos / f"{name}.txt"

    def read() -> Annotation:
        boxes = filled(read_rows(path), path)
        absent = _flags(annos / "absent" / f"{name}.txt", len(boxes))
        return Annotation(boxes, flags={} if absent is None else {"absent": absent})

    return Source(path, read, attributes=_attributes(annos / "att" / f"{name}.txt"))


def _attributes(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    flags, names = read_values(path), facts("lasot")["attributes"]
    if len(flags) != len(names):
        raise EvalkitError("wrong number of attribute flags", where=path, found=len(flags), expected=len(names))
    return frozenset(name for name, flag in zip(names, flags, strict=True) if flag > 0)


def _flags(path: Path, rows: int) -> NDArray[np.bool_] | None:
    if not path.is_file():
        return None
    values = read_values(path)
    if len(values) != rows:
        raise EvalkitError("flags and annotated rows do not match", where=path, found=len(values), expected=rows)
    return values > 0


def index_form(path: Path, names: Iterable[str]) -> Form:
    """pysot's ``LaSOT.json``; its key ``absent`` is 1 where the target is present."""
    entries = {canonical(name): (name, entry) for name, entry in read_index(path).items()}
    return {key: _index_source(path, *entries[key]) for name in names if (key := canonical(name)) in entries}


def _index_source(path: Path, name: str, entry: Mapping[str, Any]) -> Source:
    present = entry.get("absent")

    def read() -> Annotation:
        boxes = index_boxes(entry["gt_rect"], f"{path}, {name}")
        flags = {} if present is None or len(present) != len(boxes) else {"absent": np.array(present) != 1}
        return Annotation(boxes, flags=flags)

    return Source(path.with_suffix("") / name, read)
