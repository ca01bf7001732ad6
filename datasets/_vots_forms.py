"""The annotation form of VOTS: a folder per video, with a file of regions for each of its objects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from evalkit.datasets._vot_forms import image_folder, pad_flags, read_properties, sequence_size
from evalkit.datasets.building import (
    AnnotationForm,
    FolderImages,
    Source,
    match_names,
    refuse_broken_links,
    require_rows,
)
from evalkit.datasets.building.descriptions import frame_rate
from evalkit.errors import EvalkitError
from evalkit.io.regions import UNKNOWN, Record, boxes_of, parse_text, regions_of
from evalkit.io.rows import read_bytes, read_values
from evalkit.io.whole_numbers import whole_number
from evalkit.types import Annotation, Region

IGNORED = "_ignore"
"""Object whose regions no overlap counts."""

_PREFIX = "groundtruth_"


def object_files(place: Path) -> dict[str, Path]:
    """Return the groundtruth files of a video by object, in order; that of its only object has the key ``""``.

    Objects whose names begin with an underscore are special and left out.
    """
    paths = sorted(place.glob(f"{_PREFIX}*.txt"))
    files = {path.stem.removeprefix(_PREFIX): path for path in paths}
    objects = {name: path for name, path in files.items() if not name.startswith("_")}
    if files:
        return objects
    path = place / "groundtruth.txt"
    return {"": path} if path.is_file() else {}


def object_form(folder: Path, videos: Iterable[str]) -> AnnotationForm:
    """Return the sources of all objects of all videos in a folder.

    An object is called ``<video>_<object>``, as vot-toolkit calls its results, or like the video if it is the only one.

    Args:
        videos: Names of the videos to look for; if empty, all folders with groundtruth are videos.
    """
    refuse_broken_links(folder.iterdir())
    children = sorted(path.name for path in folder.iterdir() if path.is_dir())
    places = match_names(tuple(videos) or children, children, where=folder)
    found: dict[str, Source] = {}
    for video, child in places.items():
        files = object_files(folder / child)
        for name, path in files.items():
            found[f"{video}_{name}" if len(files) > 1 else video] = _source(_Video(video, folder / child), path)
    return found


@dataclass(frozen=True)
class _Video:
    """A video's folder."""

    name: str
    place: Path

    def length(self, images: FolderImages | None) -> int:
        """Return the stated number of frames, or that of the images; 0 where neither is known."""
        stated = whole_number(read_properties(self.place / "sequence").get("length", ""))
        if stated is not None:
            return stated
        return len(images.names()) if images is not None else 0


def _source(video: _Video, path: Path) -> Source:
    properties = read_properties(video.place / "sequence")
    folder = image_folder(video.place, properties)
    images = FolderImages(folder) if folder else None

    def read() -> Annotation:
        return _annotation(video, path, video.length(images))

    return Source(
        path,
        read,
        FolderImages(folder, rows=lambda: len(read().boxes)) if folder else None,
        fps=frame_rate(properties.get("fps")),
        size=sequence_size(properties, images),
        video=video.name,
    )


def _annotation(video: _Video, path: Path, frames: int) -> Annotation:
    records = _records(path, frames)
    rows = len(records)
    flags = {
        tag.stem: pad_flags(read_values(tag), rows, tag)
        for suffix in ("*.tag", "*.label")
        for tag in sorted(video.place.glob(suffix))
    }
    special = video.place / f"{_PREFIX}{IGNORED}.txt"
    ignored: tuple[Region | None, ...] | None = None
    if special.is_file():
        ignored = tuple(None if isinstance(one, int) else one for one in _records(special, rows))
    return Annotation(boxes_of(records), regions=_all_regions(records), flags=flags, ignored=ignored)


def _all_regions(records: list[Record]) -> tuple[Region | None, ...]:
    regions = regions_of(records)
    return tuple(None if isinstance(one, int) else one for one in records) if regions is None else regions


def _records(path: Path, frames: int) -> list[Record]:
    """Return a region or code per frame; where a file ends early, as withheld groundtruth does, nothing is known.

    Raises:
        EvalkitError: The file is damaged, or has more rows than there are frames.
    """
    records = require_rows(parse_text(read_bytes(path), path), path)
    if frames and len(records) > frames:
        raise EvalkitError("there are more regions than frames", where=path, found=len(records), expected=frames)
    return records + [UNKNOWN] * (frames - len(records))
