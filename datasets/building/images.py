"""Frames that are the numbered image files of a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from evalkit.errors import EvalkitError, listed
from evalkit.io.frames import IMAGE_SUFFIXES, read_image
from evalkit.io.image_size import image_size
from evalkit.io.orientation import SWAPPED, image_orientation
from evalkit.names import natural_key
from evalkit.types import Image

_FINAL_NUMBER = re.compile(r"(\d+)$")
_NUMBERED_FILE = re.compile(r"\d\.[^.]+$")


class FolderImages:
    """Frames (``evalkit.types.Frames``) that are the image files of a folder, in the order of their numbers.

    The folder is listed when the length or a frame is first asked for, and each frame is decoded when it is asked for.
    Several sequences may use parts of one folder: give each the number of its first image and its number of rows.

    Args:
        folder: Folder of the images; files that are not images are ignored.
        rows: Number of annotated rows, or a function that returns it, where frames and rows must match one to one.
            None takes all images.
        first: Number in the file name of the first frame of the sequence, where the sequence is a part of the folder.
            It is not used where the folder has exactly as many images as rows, as in copies that are already cut.
        surplus: Number of images that may follow the last annotated one and are left out.

    Raises:
        EvalkitError: By ``len`` and indexing: images and rows do not match (missing files are named), there are no
            images, or an image cannot be decoded.

    >>> FolderImages(Path("data_seq/bird1"), first=775, rows=703)  # images 775 to 1477
    FolderImages(data_seq/bird1, first=775)
    """

    def __init__(
        self, folder: Path, *, rows: int | Callable[[], int] | None = None, first: int | None = None, surplus: int = 0
    ) -> None:
        self.folder = folder
        self._rows = rows
        self._first = first
        self._surplus = surplus

    def __repr__(self) -> str:
        first = "" if self._first is None else f", first={self._first}"
        return f"FolderImages({self.folder}{first})"

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int, /) -> Image:
        return read_image(self.path(index))

    def __bool__(self) -> bool:
        """Return whether the folder has any image; the most frequent first name is tried before a listing."""
        return (self.folder / "00000001.jpg").is_file() or bool(self.names())

    def path(self, index: int) -> Path:
        """Return the file of a frame; index 0 is the first frame."""
        return self.folder / self._frames[index]

    def names(self) -> list[str]:
        """Return the names of the image files, in natural order; an empty list if there is no such folder.

        Where some image files are numbered, the others (previews, for example) are left out.
        """
        try:
            listing = os.listdir(self.folder)  # noqa: PTH208 - a Path for each of millions of files is slow
        except (FileNotFoundError, NotADirectoryError):
            return []
        images = [name for name in listing if name.lower().endswith(IMAGE_SUFFIXES) and name[0] != "."]
        names = [name for name in images if _NUMBERED_FILE.search(name)] or images
        # Zero-padded names, all of one length, need no natural order.
        return sorted(names, key=None if len(set(map(len, names))) == 1 else natural_key)

    def missing(self, names: Sequence[str]) -> list[str]:
        """Return the names of the frames that are not among the given image files.

        Args:
            names: Names that ``names()`` returned.
        """
        rows = self._row_count(default=0)
        if not names or len(names) == rows:
            return []
        numbers = {number for name in names if (number := number_in(name)) is not None}
        if not numbers:
            return []
        pattern = _name_pattern(names[0])
        return [pattern.format(number) for number in self._expected_numbers(numbers, rows) if number not in numbers]

    def select(self, names: list[str]) -> list[str]:
        """Return those of the given image files that are the frames, in order.

        Args:
            names: Names that ``names()`` returned.

        Raises:
            EvalkitError: They do not match the annotated rows one to one; missing files are named.
        """
        if not names:
            raise EvalkitError(
                "there are no images in this folder", where=self.folder, hint="Is the download complete?"
            )
        rows = self._row_count(default=len(names))
        if rows <= len(names) <= rows + self._surplus:
            return names[:rows]
        missing = self.missing(names)
        if self._first is not None and not missing:
            numbers = range(self._first, self._first + rows)
            return [name for name in names if number_in(name) in numbers]
        raise self._mismatch(len(names), rows, missing)

    def size(self, name: str) -> tuple[int, int] | None:
        """Return width and height of an image file, from its header if possible; None if the file is damaged.

        They are those of the decoded image, which is turned as its EXIF orientation asks for.
        """
        try:
            size = image_size(self.folder / name)
            if size is not None and image_orientation(self.folder / name) in SWAPPED:
                size = size[1], size[0]
            if size is None:
                height, width = read_image(self.folder / name).shape[:2]
                size = width, height
        except (OSError, EvalkitError):
            return None
        return size

    @cached_property
    def _frames(self) -> Sequence[str]:
        return _compressed(self.select(self.names()))

    def _row_count(self, default: int) -> int:
        if self._rows is None:
            return default
        return self._rows if isinstance(self._rows, int) else self._rows()

    def _expected_numbers(self, numbers: set[int], rows: int) -> range:
        """Return the numbers that the frames should have, given those of the images in the folder."""
        if self._first is not None:
            return range(self._first, self._first + rows)
        first = min(numbers)
        # Benchmarks count from 0 or 1; where the first images are missing, the last one shows from which.
        if first > 1 and max(numbers) - rows in (-1, 0):
            first = max(numbers) - rows + 1
        return range(first, max(first + rows, max(numbers) + 1))

    def _mismatch(self, found: int, rows: int, missing: list[str]) -> EvalkitError:
        what = "the numbers of images and annotated rows differ"
        if self._first is not None:
            what = f"some of the images {self._first} to {self._first + rows - 1}, which the sequence uses, are missing"
        if missing:
            what += f"; missing: {listed(missing, most=3)}"
        return EvalkitError(
            what, where=self.folder, found=f"{found} images", expected=f"{rows}, one per row",
            hint="Is the download complete?",
        )  # fmt: skip


class _NumberedNames(Sequence[str]):
    """Consecutive numbered names such as ``00000001.jpg``, without a string for each: LaSOT has 3.5 million images."""

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
    numbered = _NumberedNames(_name_pattern(names[0]), first, len(names))
    return numbered if list(numbered) == names else names


def _name_pattern(name: str) -> str:
    """Return the pattern of a numbered name for ``str.format``; ``img0001.jpg`` gives ``img{:04d}.jpg``."""
    path = Path(name)
    match = _FINAL_NUMBER.search(path.stem)
    if match is None:
        return name
    prefix = path.stem[: match.start()].replace("{", "{{").replace("}", "}}")
    width = len(match[1]) if match[1].startswith("0") and len(match[1]) > 1 else 1
    return f"{prefix}{{:0{width}d}}{path.suffix}"


def number_in(name: str) -> int | None:
    """Return the number at the end of a file name's stem; None if there is none.

    >>> number_in("img00012.jpg"), number_in("preview.jpg")
    (12, None)
    """
    match = _FINAL_NUMBER.search(name.rpartition(".")[0])
    return int(match[1]) if match else None
