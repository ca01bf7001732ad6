"""The images of a sequence in a folder of their own: listed when first asked for, decoded one by one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from evalkit.errors import EvalkitError
from evalkit.frames import read_image
from evalkit.types import Image

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
_NUMBER = re.compile(r"(\d+)$")


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
        """Whether there is any image; quicker than counting them."""
        return self.folder.is_dir() and any(path.suffix.lower() in SUFFIXES for path in self.folder.iterdir())

    def names(self) -> list[str]:
        """File names of all images in the folder, in natural order; empty where there is no folder."""
        try:
            listing = [path.name for path in self.folder.iterdir() if path.suffix.lower() in SUFFIXES]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted((name for name in listing if not name.startswith(".")), key=natural_key)

    @cached_property
    def _paths(self) -> Sequence[str]:
        names = self.names()
        if not names:
            raise EvalkitError("there are no images here", where=self.folder, hint="Is the download complete?")
        if self._rows is not None:
            names = self._matched(names, self._rows())
        return _compressed(names)

    def _matched(self, names: list[str], rows: int) -> list[str]:
        if len(names) == rows:
            return names
        if self._first is not None:
            return self._range(names, self._first, rows)
        if rows < len(names) <= rows + self._surplus:
            return names[:rows]
        raise EvalkitError(
            "images and annotated rows do not match" + _said(gaps(names)), where=self.folder,
            found=f"{len(names)} images", expected=f"{rows}, one per row", hint="Is the download complete?",
        )  # fmt: skip

    def _range(self, names: list[str], first: int, rows: int) -> list[str]:
        by_number = {number_in(name): name for name in names}
        wanted = range(first, first + rows)
        missing = [number for number in wanted if number not in by_number]
        if missing:
            raise EvalkitError(
                f"images {first} to {first + rows - 1} are evaluated, and not all are here"
                + _said([str(number) for number in missing]),
                where=self.folder, found=f"{len(names)} images", expected=f"{rows} in that range",
                hint="Is the download complete?",
            )  # fmt: skip
        return [by_number[number] for number in wanted]


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
    stem, suffix = Path(names[0]).stem, Path(names[0]).suffix
    match = _NUMBER.search(stem)
    if match is None:
        return names
    prefix = stem[: match.start()].replace("{", "{{").replace("}", "}}")
    width = len(match[1]) if match[1].startswith("0") else 1
    numbered = _Numbered(f"{prefix}{{:0{width}d}}{suffix}", int(match[1]), len(names))
    return numbered if list(numbered) == names else names


def number_in(name: str) -> int | None:
    """The number at the end of a file name's stem."""
    match = _NUMBER.search(Path(name).stem)
    return int(match[1]) if match else None


def natural_key(name: str) -> tuple[object, ...]:
    """Sorts ``2.jpg`` before ``10.jpg``."""
    return tuple((0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name) if part)


def gaps(names: Sequence[str]) -> list[str]:
    """Numbers that are missing between the first and the last image."""
    numbers = {number for name in names if (number := number_in(name)) is not None}
    return [str(number) for number in range(min(numbers), max(numbers)) if number not in numbers] if numbers else []


def _said(missing: list[str]) -> str:
    if not missing:
        return ""
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return f"; missing: {', '.join(missing[:3])}{more}"
