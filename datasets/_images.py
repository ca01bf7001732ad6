"""The images of a sequence in a folder of their own: listed when first asked for, decoded one by one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from evalkit.datasets._headers import image_size
from evalkit.errors import EvalkitError
from evalkit.io.frames import read_image
from evalkit.types import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
_NUMBER = re.compile(r"(\d+)$")
_NUMBERED = re.compile(r"\d\.[^.]+$")


class FolderImages:
    """Frames that are the numbered images of a folder, in the order of their numbers.

    Args:
        folder: Anything in it that is no image is passed over.
        rows: Number of annotated rows, where they and the images must match one to one.
        first: Number of the first image that is evaluated, where the benchmark uses a part of the folder; it counts
            only where there are more images than rows.
        surplus: How many images may follow the last annotated one.
    """

    def __init__(
        self, folder: Path, *, rows: Callable[[], int] | None = None, first: int | None = None, surplus: int = 0
    ) -> None:
        self.folder = folder
        self._rows = rows
        self._first = first
        self._surplus = surplus

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int, /) -> Image:
        return read_image(self.path(index))

    def path(self, index: int) -> Path:
        """File of a frame."""
        return self.folder / self._paths[index]

    def __bool__(self) -> bool:
        """Whether there is any image; the usual first one is tried before the folder is listed."""
        return (self.folder / "00000001.jpg").is_file() or bool(self.names())

    def names(self) -> list[str]:
        """File names of the images in the folder, in natural order; empty where there is no folder.

        Where some are numbered, the others are no frames: previews and the like.
        """
        try:
            listing = os.listdir(self.folder)  # noqa: PTH208 - millions of names need no objects
        except (FileNotFoundError, NotADirectoryError):
            return []
        images = [name for name in listing if name.lower().endswith(SUFFIXES) and name[0] != "."]
        names = [name for name in images if _NUMBERED.search(name)] or images
        # Names of one length, padded with zeros, are in natural order when sorted plainly.
        return sorted(names, key=None if len(set(map(len, names))) == 1 else natural_key)

    def missing(self, names: Sequence[str]) -> list[str]:
        """Files that belong to annotated rows and are not among the given ones.

        Args:
            names: What ``names`` returned.
        """
        rows = self._rows() if self._rows is not None else 0
        if not names or len(names) == rows:
            return []
        numbers = {number for name in names if (number := number_in(name)) is not None}
        if not numbers:
            return []
        start = self._first
        if start is None:
            # Benchmarks count from 1 or 0: where the first images are missing, the last one tells from which.
            start = min(numbers)
            if start > 1 and max(numbers) - rows in (-1, 0):
                start = max(numbers) - rows + 1
        stop = max(start + rows, max(numbers) + 1 if self._first is None else 0)
        pattern = _pattern(names[0])
        return [pattern.format(number) for number in range(start, stop) if number not in numbers]

    def matched(self, names: list[str]) -> list[str]:
        """Those of the given files that are the frames.

        Raises:
            EvalkitError: They do not match the annotated rows one to one; missing ones are named.
        """
        if not names:
            raise EvalkitError("there are no images here", where=self.folder, hint="Is the download complete?")
        rows = len(names) if self._rows is None else self._rows()
        if len(names) == rows:
            return names
        if rows < len(names) <= rows + self._surplus:
            return names[:rows]
        missing = self.missing(names)
        if self._first is not None and not missing:
            wanted = range(self._first, self._first + rows)
            return [name for name in names if number_in(name) in wanted]
        what = "images and annotated rows do not match"
        if self._first is not None:
            what = f"images {self._first} to {self._first + rows - 1} are evaluated, and not all are here"
        raise EvalkitError(
            what + _said(missing), where=self.folder,
            found=f"{len(names)} images", expected=f"{rows}, one per row", hint="Is the download complete?",
        )  # fmt: skip

    def size(self, name: str) -> tuple[int, int] | None:
        """Width and height of one of the files, from its header where that tells; None where it is damaged."""
        try:
            size = image_size(self.folder / name)
            if size is None:
                height, width = read_image(self.folder / name).shape[:2]
                size = width, height
        except (OSError, EvalkitError):
            return None
        return size

    @cached_property
    def _paths(self) -> Sequence[str]:
        return _compressed(self.matched(self.names()))


class _Numbered(Sequence[str]):
    """Names that count up, such as ``00000001.jpg``, without a string for each: LaSOT alone has 3.5 million."""

    def __init__(self, pattern: str, first: int, count: int) -> None:
        self._pattern = pattern
        self._numbers = range(first, first + count)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        if isinstance(index, slice):
            return [self._pattern.format(number) for number in self._numbers[index]]
        return self._pattern.format(self._numbers[index])


def _compressed(names: list[str]) -> Sequence[str]:
    first = number_in(names[0])
    if first is None:
        return names
    numbered = _Numbered(_pattern(names[0]), first, len(names))
    return numbered if list(numbered) == names else names


def _pattern(name: str) -> str:
    """The form of a numbered name, for ``str.format``."""
    path = Path(name)
    match = _NUMBER.search(path.stem)
    if match is None:
        return name
    prefix = path.stem[: match.start()].replace("{", "{{").replace("}", "}}")
    width = len(match[1]) if match[1].startswith("0") and len(match[1]) > 1 else 1
    return f"{prefix}{{:0{width}d}}{path.suffix}"


def number_in(name: str) -> int | None:
    """The number at the end of a file name's stem."""
    match = _NUMBER.search(name.rpartition(".")[0])
    return int(match[1]) if match else None


def natural_key(name: str) -> tuple[object, ...]:
    """Sorts ``2.jpg`` before ``10.jpg``."""
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", name) if part)


def _said(missing: list[str]) -> str:
    if not missing:
        return ""
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"; missing: {', '.join(missing[:3])}{more}"
