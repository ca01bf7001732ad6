"""Your own video: a folder of images, or a video file, with one ``groundtruth.txt``.

Coordinates are 0-based, one ``x,y,width,height`` or polygon a line and frame; NaN means no annotation. One line alone
starts a tracker that is then not scored. A folder of such folders is a small benchmark of your own.
"""

from __future__ import annotations

from pathlib import Path

from evalkit import registry
from evalkit.datasets._images import FolderImages
from evalkit.datasets._sources import filled
from evalkit.datasets._video import VideoFile
from evalkit.errors import EvalkitError
from evalkit.io.regions import UNKNOWN, boxes_of, parse_text, regions_of
from evalkit.io.rows import read_bytes
from evalkit.types import Annotation, Dataset, Sequence

TRUTH = "groundtruth.txt"
_VIDEOS = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"})


@registry.dataset("folder", summary="your own images or videos with a groundtruth.txt each")
def folder(root: Path | None) -> Dataset:
    if root is None:
        raise EvalkitError(
            "nobody said which folder", hint="Give a folder with groundtruth.txt, or of such, with --data"
        )
    sequences = tuple(_sequence(place, name) for place, name in _places(root))
    if not sequences:
        raise EvalkitError(
            f"no {TRUTH} is here",
            where=root,
            expected=f"images or one video file with {TRUTH} beside them, or such folders",
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


def _places(root: Path) -> list[tuple[Path, str]]:
    """Folders with a groundtruth file and the names of their sequences: the given one, else those right below it."""
    place = root.parent if root.suffix.lower() in _VIDEOS else root
    if (place / TRUTH).is_file():
        return [(root, _name(root))]
    if not root.is_dir():
        return []
    return [(path, path.name) for path in sorted(root.iterdir()) if (path / TRUTH).is_file()]


def _name(place: Path) -> str:
    return place.resolve().stem if place.is_file() else place.resolve().name


def _sequence(place: Path, name: str) -> Sequence:
    home = place.parent if place.is_file() else place
    path = home / TRUTH
    frames = _frames(place, home)

    def read() -> Annotation:
        records = parse_text(read_bytes(path), path)
        if len(records) == 1 and frames is not None:
            count = len(frames.names()) if isinstance(frames, FolderImages) else len(frames)
            records += [UNKNOWN] * (count - 1)
        return Annotation(filled(boxes_of(records), path), regions_of(records))

    if isinstance(frames, FolderImages):
        images = FolderImages(frames.folder, rows=lambda: len(read().boxes))
        return Sequence(name=name, read=read, frames=images)
    return Sequence(name=name, read=read, frames=frames, fps=None if frames is None else frames.fps)


def _frames(place: Path, home: Path) -> FolderImages | VideoFile | None:
    if place.is_file():
        return VideoFile(place)
    for images in (FolderImages(home / "img"), FolderImages(home / "color"), FolderImages(home)):
        if images:
            return images
    videos = [path for path in sorted(home.iterdir()) if path.suffix.lower() in _VIDEOS]
    if len(videos) > 1:
        raise EvalkitError(
            "several videos lie beside one groundtruth", where=home, found=", ".join(v.name for v in videos)
        )
    return VideoFile(videos[0]) if videos else None
