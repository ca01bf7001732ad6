"""The forms VOT sequences come in: the challenge's own folders, and the json indices of pysot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.datasets._headers import image_size
from evalkit.datasets._images import FolderImages
from evalkit.datasets._sources import Form, Source, check_rows, read_index
from evalkit.errors import EvalkitError
from evalkit.io.regions import Record, boxes_of, parse_text, regions_of
from evalkit.io.rows import read_bytes, read_values
from evalkit.names import canonical
from evalkit.types import Annotation

TAGS = ("camera_motion", "illum_change", "occlusion", "size_change", "motion_change")


def folder_form(folder: Path, names: Iterable[str], official: Mapping[str, Mapping[str, Any]], protocol: str) -> Form:
    """``<sequence>/groundtruth.txt`` with images in ``color/`` or beside it, tags and values.

    Args:
        names: Sequences to look for; all that are there if empty.
        official: Facts by sequence; ``rows`` and ``size`` are used where they are stated.
    """
    found = {}
    listed = (folder / "list.txt").is_file()
    for place in (folder / name for name in names) if names else sorted(folder.iterdir()):
        path = place / "groundtruth.txt"
        if protocol == "multistart" and not listed and not (place / "anchor.value").is_file():
            continue  # another VOT benchmark
        if path.is_file() or (names and place.is_dir()) or any(place.glob("groundtruth_*.txt")):
            found[canonical(place.name)] = _folder_source(path, official.get(place.name, {}), protocol)
    return found


def _folder_source(path: Path, official: Mapping[str, Any], protocol: str) -> Source:
    place = path.parent
    properties = _properties(place / "sequence")
    folder = _image_folder(place, properties)

    def read() -> Annotation:
        _check_single(place)
        records = parse_text(read_bytes(path), path)
        if "rows" in official:
            check_rows(len(records), official["rows"], path, folder)
        return _annotation(records, _tags(place, len(records)), path, _anchors(place, len(records), protocol))

    images = FolderImages(folder, rows=lambda: len(read().boxes)) if folder else None
    return Source(
        path,
        read,
        images,
        fps=_float(properties.get("fps")),
        size=_size(properties, official) or (_size_of_first(images) if images else None),
        official_rows=official.get("rows"),
    )


def _check_single(place: Path) -> None:
    """Refuse a sequence of several targets, ``groundtruth_<object>.txt`` each: a run here follows one.

    Raises:
        EvalkitError: There are such files and no ``groundtruth.txt``.
    """
    several = sorted(path.name for path in place.glob("groundtruth_*.txt"))
    if several and not (place / "groundtruth.txt").is_file():
        raise EvalkitError(
            "this sequence has a groundtruth for each of several objects, and evalkit tracks one", where=place,
            found=", ".join(several[:4]) + (f" and {len(several) - 4} more" if len(several) > 4 else ""),
            expected="groundtruth.txt", hint="To track one of them, copy its file to groundtruth.txt",
        )  # fmt: skip


def _image_folder(place: Path, properties: Mapping[str, str]) -> Path | None:
    """Folder of the images; VOT packs before 2017 have them beside the groundtruth."""
    channel = properties.get("channels.color", "color/").replace("\\", "/")
    named = place / channel if "." not in Path(channel).name else (place / channel).parent
    for folder in (named, place / "color"):
        if folder != place and folder.is_dir():
            return folder
    return place if FolderImages(place).names() else None


def _properties(path: Path) -> dict[str, str]:
    """The ``key=value`` lines of a sequence's description; none where there is no such file."""
    if not path.is_file():
        return {}
    pairs = (line.partition("=") for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines())
    return {key.strip(): value.strip() for key, equals, value in pairs if equals}


def _float(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _size(properties: Mapping[str, str], official: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = properties.get("width", ""), properties.get("height", "")
    if width.isdigit() and height.isdigit():
        return int(width), int(height)
    return tuple(official["size"]) if "size" in official else None


def _size_of_first(images: FolderImages) -> tuple[int, int] | None:
    names = images.names()
    return image_size(images.folder / names[0]) if names else None


def _tags(place: Path, rows: int) -> dict[str, NDArray[np.bool_]]:
    """Flags by tag; a file may be missing, or shorter than the sequence, and counts as 0 then."""
    flags = {}
    for tag in TAGS:
        path = next((p for suffix in (".tag", ".label") if (p := place / f"{tag}{suffix}").is_file()), None)
        flags[tag] = padded(read_values(path) if path else np.zeros(0), rows, path)
    return flags


def padded(values: Any, rows: int, where: object) -> NDArray[np.bool_]:
    """Shape (rows,): the flags, followed by as many False as are missing.

    Raises:
        EvalkitError: There are more flags than rows.
    """
    if len(values) > rows:
        raise EvalkitError("there are more flags than frames", where=where, found=len(values), expected=rows)
    flags = np.zeros(rows, dtype=bool)
    flags[: len(values)] = np.asarray(values) == 1
    return flags


def _anchors(place: Path, rows: int, protocol: str) -> NDArray[np.int64] | None:
    if protocol != "multistart":
        return None
    path = place / "anchor.value"
    if not path.is_file():
        raise EvalkitError("this benchmark starts trackers from anchors, and their file is missing", where=path)
    values = read_values(path)
    if len(values) > rows:
        raise EvalkitError("there are more anchors than frames", where=path, found=len(values), expected=rows)
    anchors = np.zeros(rows, dtype=np.int64)
    anchors[: len(values)] = np.sign(np.nan_to_num(values)).astype(np.int64)
    return anchors


def _annotation(
    records: list[Record], flags: Mapping[str, NDArray[np.bool_]], where: object, anchors: NDArray[np.int64] | None
) -> Annotation:
    if not records:
        raise EvalkitError("the annotation is empty", where=where)
    return Annotation(boxes_of(records), regions_of(records), flags, anchors)


def index_form(path: Path, names: Iterable[str]) -> Form:
    """pysot's index: ``gt_rect`` rows of 4 or 8 numbers, tags, and image sizes by sequence."""
    wanted = {canonical(name) for name in names}
    return {
        canonical(name): _index_source(path, name, entry)
        for name, entry in read_index(path).items()
        if not wanted or canonical(name) in wanted
    }


def _index_source(path: Path, name: str, entry: Mapping[str, Any]) -> Source:
    rows, tags = entry["gt_rect"], {tag: entry.get(tag, []) for tag in TAGS}
    size = (entry["width"], entry["height"]) if "width" in entry and "height" in entry else None
    return Source(path.with_suffix("") / name, _index_reader(rows, tags, f"{path}, {name}"), size=size)


def _index_reader(rows: list[Any], tags: Mapping[str, list[Any]], where: str) -> Callable[[], Annotation]:
    def read() -> Annotation:
        lines = (",".join(map(str, row)) if isinstance(row, list) else repr(row) for row in rows)
        records = parse_text("\n".join(lines).encode(), where)
        return _annotation(records, {tag: padded(flags, len(rows), where) for tag, flags in tags.items()}, where, None)

    return read
