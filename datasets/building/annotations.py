"""Read annotation files and check their numbers of rows."""

from __future__ import annotations

from collections.abc import Callable, Sized
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from evalkit.datasets.building.images import FolderImages
from evalkit.errors import EvalkitError
from evalkit.io.rows import read_rows, read_values
from evalkit.types import Annotation, Boxes

Rows = TypeVar("Rows", bound=Sized)


def boxes_reader(path: Path) -> Callable[[], Annotation]:
    """Return a function that reads a text file with one ``x,y,width,height`` row per frame.

    Separators are commas, semicolons, tabs or spaces; a row of ``nan`` is a frame without annotation. The coordinates
    stay as written; ``Dataset.origin`` says whether they count from 0 or 1.

    The returned function raises ``EvalkitError`` where the file is missing, empty or damaged.
    """
    return lambda: Annotation(read_boxes(path))


def read_boxes(path: Path) -> Boxes:
    """Read a text file with one ``x,y,width,height`` row per frame.

    Returns:
        Shape (N, 4), N >= 1, as written; NaN where nothing is annotated.

    Raises:
        EvalkitError: The file is missing, empty or damaged.
    """
    return require_rows(read_rows(path), path)


def read_flags(path: Path, rows: int) -> NDArray[np.float64]:
    """Read a text file with one number per frame, one per line or all in one line.

    Args:
        rows: Number of annotated rows of the sequence.

    Returns:
        Shape (rows,).

    Raises:
        EvalkitError: The file is missing or damaged, or has another number of values.
    """
    values = read_values(path)
    if len(values) != rows:
        raise EvalkitError(
            "the numbers of flags and annotated rows differ", where=path, found=len(values), expected=rows
        )
    return values


def require_rows(rows: Rows, where: object) -> Rows:
    """Return the given rows.

    Args:
        rows: An array or list with one row per frame.
        where: File, for the message.

    Raises:
        EvalkitError: There are none.
    """
    if len(rows) == 0:
        raise EvalkitError("the annotation is empty", where=where)
    return rows


def extend_first_row(boxes: Boxes, frames: int) -> Boxes:
    """Return the annotation of a sequence whose groundtruth is withheld after its first row, with a row per frame.

    Args:
        boxes: Shape (N, 4).
        frames: Number of frames of the sequence.

    Returns:
        Shape (frames, 4) with NaN after the first row if N is 1 and there are more frames, else ``boxes``.

    >>> extend_first_row(np.array([[1.0, 2, 3, 4]]), 2).tolist()
    [[1.0, 2.0, 3.0, 4.0], [nan, nan, nan, nan]]
    """
    if len(boxes) != 1 or frames <= 1:
        return boxes
    return np.vstack([boxes, np.full((frames - 1, 4), np.nan)])


def check_row_count(found: int, official: int, where: Path, images: Path | None) -> None:
    """Accept the official number of rows; in a sequence cut together with its images, also one row per image.

    Args:
        found: Number of rows in the annotation file.
        official: Number of rows that the benchmark states.
        where: The annotation file.
        images: Folder of the sequence's images; None where there are only annotations.

    Raises:
        EvalkitError: It is neither of the two.
    """
    if found != official and (images is None or len(FolderImages(images).names()) != found):
        raise EvalkitError(
            "the number of annotated rows is not the benchmark's", where=where, found=found, expected=official,
            hint="Fetch this file again",
        )  # fmt: skip
