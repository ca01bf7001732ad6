"""Your own video: a folder with ``groundtruth.txt`` and the frames, as images or as one video file.

Coordinates are 0-based; ``groundtruth.txt`` has one ``x,y,width,height`` row or polygon per frame, or NaN where nothing
is annotated. A single row starts a tracker whose results are stored but not scored. A folder of such folders is a
benchmark of several sequences.
"""

from __future__ import annotations

from pathlib import Path

from evalkit import registry
from evalkit.datasets.building import FolderImages, VideoFile, refuse_broken_links, require_rows
from evalkit.errors import EvalkitError, listed
from evalkit.io.regions import UNKNOWN, Record, boxes_of, parse_text, regions_of
from evalkit.io.rows import read_bytes
from evalkit.io.video import VIDEO_SUFFIXES
from evalkit.types import Annotation, Dataset, Sequence

GROUNDTRUTH = "groundtruth.txt"


@registry.dataset("folder", summary="your own images or videos with a groundtruth.txt each")
def folder(root: Path | None) -> Dataset:
    """Open a folder with ``groundtruth.txt``, a folder of such folders, or a video file next to a groundtruth.

    The folder's name becomes that of the results, and without subfolders that of the sequence too.
    """
    if root is None:
        raise EvalkitError("no folder is given", hint=f"Give a folder with {GROUNDTRUTH}, or of such, with --data")
    sequences = tuple(_sequence(place, name) for place, name in _places(root))
    if not sequences:
        similar = _similar_annotation(root)
        raise EvalkitError(
            f"no {GROUNDTRUTH} was found",
            where=root,
            found=listed(sorted(path.name for path in root.iterdir())) if root.is_dir() else "no folder",
            expected=f"{GROUNDTRUTH} in a folder of images or with one video file, or several such folders",
            hint=None if similar is None else f"Rename {similar} to {GROUNDTRUTH}",
        )
    return Dataset(
        name="folder",
        directory=_name(root),
        version="1",
        origin=0,
        sequences=sequences,
        expected=tuple(sequence.name for sequence in sequences),
        protocols=("one_pass",),
        profiles=("got10k", "pysot", "pytracking", "otb-matlab"),
        layout="plain",
        root=root,
    )


def _similar_annotation(root: Path) -> Path | None:
    """Return a text file that looks like an annotation of another name, such as ``groundtruth_rect.txt``."""
    files = sorted([*root.glob("*.txt"), *root.glob("*/*.txt")]) if root.is_dir() else []
    similar = [path for path in files if path.stem.casefold().startswith(("groundtruth", "gt"))]
    return similar[0].relative_to(root) if similar else None


def _places(root: Path) -> list[tuple[Path, str]]:
    """Return the path and name of each sequence: the given folder or video, else the subfolders with a groundtruth."""
    home = root.parent if root.suffix.lower() in VIDEO_SUFFIXES else root
    if (home / GROUNDTRUTH).is_file():
        return [(root, _name(root))]
    if not root.is_dir():
        return []
    children = sorted(path for path in root.iterdir() if not path.name.startswith("."))
    refuse_broken_links(part for path in children for part in (path, path / GROUNDTRUTH))
    return [(path, path.name) for path in children if (path / GROUNDTRUTH).is_file()]


def _name(place: Path) -> str:
    return place.resolve().stem if place.is_file() else place.resolve().name


def _sequence(place: Path, name: str) -> Sequence:
    home = place.parent if place.is_file() else place
    path = home / GROUNDTRUTH
    frames = VideoFile(place) if place.is_file() else _frames(home)

    def read() -> Annotation:
        records = require_rows(parse_text(read_bytes(path), path), path)
        _check_codes(records, path)
        if len(records) == 1 and frames is not None:
            count = len(frames.names()) if isinstance(frames, FolderImages) else len(frames)
            records += [UNKNOWN] * (count - 1)
        return Annotation(boxes_of(records), regions_of(records))

    if isinstance(frames, FolderImages):
        images = FolderImages(frames.folder, rows=lambda: len(read().boxes))
        return Sequence(name=name, read=read, frames=images)
    return Sequence(name=name, read=read, frames=frames, fps=None if frames is None else frames.fps)


def _check_codes(records: list[Record], path: Path) -> None:
    """Refuse rows of one number other than 0, which are codes of VOT's results, and files without any region."""
    for row, record in enumerate(records, 1):
        if isinstance(record, int) and record != UNKNOWN:
            raise EvalkitError(
                "not a region", where=f"{path}:{row}", found=record,
                expected="x,y,width,height, the corners of a polygon, or nan where nothing is annotated",
            )  # fmt: skip
    if all(isinstance(record, int) for record in records):
        raise EvalkitError(
            "no frame is annotated", where=path, expected="a region in the frame in which the tracker starts",
            hint="Annotate that frame: x,y,width,height in its row",
        )  # fmt: skip


def _frames(home: Path) -> FolderImages | VideoFile | None:
    """Return the frames in a sequence's folder; None if there are only annotations."""
    for images in (FolderImages(home / "img"), FolderImages(home / "color"), FolderImages(home)):
        if images:
            return images
    videos = [path for path in sorted(home.iterdir()) if path.suffix.lower() in VIDEO_SUFFIXES]
    if len(videos) > 1:
        raise EvalkitError(
            f"there are several videos next to one {GROUNDTRUTH}", where=home,
            found=listed([video.name for video in videos]), expected="one",
        )  # fmt: skip
    return VideoFile(videos[0]) if videos else None
