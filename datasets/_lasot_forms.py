"""The annotation forms of LaSOT: the dataset itself, the evaluation toolkit's annotations, and pysot's JSON index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.datasets._facts import read_facts
from evalkit.datasets.building import (
    AnnotationForm,
    FolderImages,
    Source,
    file_stems,
    index_boxes,
    match_names,
    read_boxes,
    read_flags,
    read_json_index,
)
from evalkit.errors import EvalkitError
from evalkit.io.rows import read_values
from evalkit.types import Annotation

TOOLKIT_LISTS = "sequence_evaluation_config"
"""Folder of the evaluation toolkit with the lists of sequences."""


def folder_form(folder: Path, names: Iterable[str]) -> AnnotationForm:
    """Return the sources in ``<class>/<class-N>/groundtruth.txt``, or without the class folder, the published form."""
    children = {path.name for path in folder.iterdir()}
    found = {}
    for name in names:
        group = name.rpartition("-")[0]
        parent = folder / group if group in children else folder
        if (parent != folder or name in children) and (parent / name).is_dir():
            found[name] = _folder_source(parent / name)
    return found


def _folder_source(place: Path) -> Source:
    path = place / "groundtruth.txt"

    def read() -> Annotation:
        boxes = read_boxes(path)
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


def toolkit_form(folder: Path, names: Iterable[str]) -> AnnotationForm:
    """Return the sources in ``annos/<sequence>.txt``, ``annos/absent/`` and ``annos/att/`` of the toolkit."""
    annos = folder if folder.name == "annos" else folder / "annos"
    files = match_names(names, file_stems(annos, ".txt"), where=annos)
    return {name: _toolkit_source(annos, stem) for name, stem in files.items()}


def _toolkit_source(annos: Path, name: str) -> Source:
    path = annos / f"{name}.txt"

    def read() -> Annotation:
        boxes = read_boxes(path)
        absent = _flags(annos / "absent" / f"{name}.txt", len(boxes))
        return Annotation(boxes, flags={} if absent is None else {"absent": absent})

    return Source(path, read, attributes=_attributes(annos / "att" / f"{name}.txt"))


def _attributes(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    flags, names = read_values(path), read_facts("lasot")["attributes"]
    if len(flags) != len(names):
        raise EvalkitError("wrong number of attribute flags", where=path, found=len(flags), expected=len(names))
    return frozenset(name for name, flag in zip(names, flags, strict=True) if flag > 0)


def _flags(path: Path, rows: int) -> NDArray[np.bool_] | None:
    return read_flags(path, rows) > 0 if path.is_file() else None


def index_form(path: Path, names: Iterable[str]) -> AnnotationForm:
    """Return the sources of pysot's ``LaSOT.json``; its key ``absent`` is 1 where the target is present."""
    entries = read_json_index(path)
    matched = match_names(names, entries, where=path)
    return {name: _index_source(path, key, entries[key]) for name, key in matched.items()}


def _index_source(path: Path, name: str, entry: Mapping[str, Any]) -> Source:
    present = entry.get("absent")

    def read() -> Annotation:
        boxes = index_boxes(entry["gt_rect"], f"{path}, {name}")
        flags = {} if present is None or len(present) != len(boxes) else {"absent": np.array(present) != 1}
        return Annotation(boxes, flags=flags)

    return Source(path.with_suffix("") / name, read)
