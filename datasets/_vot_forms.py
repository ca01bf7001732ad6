"""The annotation forms of VOT: the challenge's own folders, and pysot's JSON indices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.datasets.building import (
    AnnotationForm,
    FolderImages,
    Source,
    check_row_count,
    match_names,
    read_json_index,
    refuse_broken_links,
)
from evalkit.datasets.building.descriptions import frame_rate, frame_size
from evalkit.errors import EvalkitError, listed
from evalkit.io.json import InvalidJsonError, number_array
from evalkit.io.regions import Record, boxes_of, parse_text, regions_of
from evalkit.io.rows import read_bytes, read_values
from evalkit.types import Annotation, Floats

TAGS = ("camera_motion", "illum_change", "occlusion", "size_change", "motion_change")
"""Per-frame attributes, each in a ``<tag>.tag`` file. Source: VOT challenge reports 2016 to 2019."""


def folder_form(
    folder: Path, names: Sequence[str], official: Mapping[str, Mapping[str, Any]], protocol: str
) -> AnnotationForm:
    """Return the sources in ``<sequence>/groundtruth.txt``, with images in ``color/`` or in the same folder.

    Args:
        names: Sequences to look for; if empty, all folders with a groundtruth are sequences.
        official: Published facts by sequence; ``rows`` and ``size`` are used where they are given.
        protocol: The benchmark's official protocol; with ``multistart``, anchors are required.
    """
    listed_here = (folder / "list.txt").is_file()
    found = {}
    for name, place in _places(folder, names):
        if protocol == "multistart" and not listed_here and not (place / "anchor.value").is_file():
            continue  # a sequence of another VOT benchmark
        if names or (place / "groundtruth.txt").is_file() or any(place.glob("groundtruth_*.txt")):
            found[name] = _folder_source(place / "groundtruth.txt", official.get(name, {}), protocol)
    return found


def _places(folder: Path, names: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Yield the names and folders of sequences; those of all subfolders if no names are given."""
    if not names:
        refuse_broken_links(part for path in folder.iterdir() for part in (path, path / "groundtruth.txt"))
    children = sorted(path.name for path in folder.iterdir() if path.is_dir())
    for name, child in match_names(names or children, children, where=folder).items():
        yield name, folder / child


def _folder_source(path: Path, official: Mapping[str, Any], protocol: str) -> Source:
    place = path.parent
    properties = read_properties(place / "sequence")
    folder = image_folder(place, properties)

    def read() -> Annotation:
        _check_single(place)
        records = parse_text(read_bytes(path), path)
        if "rows" in official:
            check_row_count(len(records), official["rows"], path, folder)
        return _annotation(records, _tags(place, len(records)), path, _anchors(place, len(records), protocol))

    images = FolderImages(folder, rows=lambda: len(read().boxes)) if folder else None
    return Source(
        path,
        read,
        images,
        fps=frame_rate(properties.get("fps")),
        size=_size(properties, official) or (_size_of_first(images) if images else None),
        official_rows=official.get("rows"),
    )


def sequence_size(properties: Mapping[str, str], images: FolderImages | None) -> tuple[int, int] | None:
    """Return width and height of the frames: as stated in the description file, or those of the first image."""
    return _size(properties, {}) or (_size_of_first(images) if images else None)


def _check_single(place: Path) -> None:
    """Refuse a sequence with several targets, each with its own ``groundtruth_<object>.txt``.

    Raises:
        EvalkitError: There are such files and no ``groundtruth.txt``.
    """
    several = sorted(path.name for path in place.glob("groundtruth_*.txt"))
    if several and not (place / "groundtruth.txt").is_file():
        raise EvalkitError(
            "this sequence has a groundtruth file for each of several objects, as in VOTS", where=place,
            found=listed(several, most=4), expected="groundtruth.txt",
            hint="Open it as --dataset vots2023; to track one of them here, copy its file to groundtruth.txt",
        )  # fmt: skip


def image_folder(place: Path, properties: Mapping[str, str]) -> Path | None:
    """Return the folder of the images; VOT downloads before 2017 have them in the folder of the groundtruth."""
    channel = properties.get("channels.color", "color/").replace("\\", "/")
    named = place / channel if "." not in Path(channel).name else (place / channel).parent
    for folder in (named, place / "color"):
        if folder != place and folder.is_dir():
            return folder
    return place if FolderImages(place).names() else None


def read_properties(path: Path) -> dict[str, str]:
    """Return the ``key=value`` lines of a sequence's description file; nothing if there is no such file."""
    if not path.is_file():
        return {}
    pairs = (line.partition("=") for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines())
    return {key.strip(): value.strip() for key, equals, value in pairs if equals}


def _size(properties: Mapping[str, str], official: Mapping[str, Any]) -> tuple[int, int] | None:
    stated = frame_size(properties.get("width"), properties.get("height"))
    return stated or (tuple(official["size"]) if "size" in official else None)


def _size_of_first(images: FolderImages) -> tuple[int, int] | None:
    names = images.names()
    return images.size(names[0]) if names else None


def _tags(place: Path, rows: int) -> dict[str, NDArray[np.bool_]]:
    """Return the flags by tag; missing files, and frames beyond the end of a shorter file, are not tagged."""
    flags = {}
    for tag in TAGS:
        path = next((p for suffix in (".tag", ".label") if (p := place / f"{tag}{suffix}").is_file()), None)
        flags[tag] = pad_flags(read_values(path) if path else np.zeros(0), rows, path)
    return flags


def pad_flags(values: Any, rows: int, where: object) -> NDArray[np.bool_]:
    """Return the flags with False for each missing one at the end.

    Args:
        values: 1 where the tag is set; at most ``rows`` values.
        rows: Number of annotated rows.
        where: File, for the message.

    Returns:
        Shape (rows,).

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
        raise EvalkitError("the file of anchors, from which this benchmark starts trackers, is missing", where=path)
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


def index_form(path: Path, names: Iterable[str]) -> AnnotationForm:
    """Return the sources of pysot's index: ``gt_rect`` rows of 4 or 8 numbers, tags, and image sizes.

    Args:
        names: Sequences to look for; all if empty.
    """
    entries = read_json_index(path)
    matched = match_names(list(names) or entries, entries, where=path)
    return {name: _index_source(path, key, entries[key]) for name, key in matched.items()}


def _index_source(path: Path, name: str, entry: Mapping[str, Any]) -> Source:
    where = f"{path}, {name}"
    size = frame_size(entry.get("width"), entry.get("height"))
    tags = {tag: _index_flags(entry.get(tag, []), f"{where}, {tag}") for tag in TAGS}
    return Source(path.with_suffix("") / name, _index_reader(entry["gt_rect"], tags, where), size=size)


def _index_flags(values: Any, where: str) -> Floats:
    try:
        flags = number_array(values)
    except InvalidJsonError:
        flags = np.zeros((0, 0))
    if flags.ndim != 1:
        raise EvalkitError("a tag must be a list of numbers", where=where, hint="Fetch this index again")
    return flags


def _index_reader(rows: Any, tags: Mapping[str, Floats], where: str) -> Callable[[], Annotation]:
    def read() -> Annotation:
        if not isinstance(rows, list) or not all(map(_is_row, rows)):
            raise EvalkitError("gt_rect must contain rows of numbers", where=where, hint="Fetch this index again")
        lines = (",".join(map(str, row)) for row in rows)
        records = parse_text("\n".join(lines).encode(), where)
        return _annotation(
            records, {tag: pad_flags(flags, len(rows), where) for tag, flags in tags.items()}, where, None
        )

    return read


def _is_row(row: object) -> bool:
    return isinstance(row, list) and all(type(value) in (int, float) for value in row)
