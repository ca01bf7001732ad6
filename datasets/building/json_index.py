"""JSON indices such as ``OTB2015.json``: one file with the groundtruth of a whole benchmark, as published by pysot."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.datasets.building.annotations import require_rows
from evalkit.datasets.building.folders import match_names
from evalkit.datasets.building.forms import AnnotationForm, Source
from evalkit.errors import EvalkitError
from evalkit.io.json import InvalidJsonError, load_json, number_array
from evalkit.types import Annotation, Boxes


def find_json_indices(root: Path | None, folders: Iterable[Path], usual_names: Iterable[str]) -> list[Path]:
    """Return the JSON file that the user gave, or those files in the folders that are named like the benchmark.

    Args:
        root: The path from ``--data``.
        folders: As returned by ``find_folders``.
        usual_names: Usual names of the benchmark's folder; ``OTB2015`` finds ``OTB2015.json``, ignoring case.
    """
    if root is not None and root.is_file():
        return [root]
    usual = {name.casefold() for name in usual_names}
    return [path for folder in folders for path in sorted(folder.glob("*.json")) if path.stem.casefold() in usual]


def json_index_form(path: Path, names: Iterable[str]) -> AnnotationForm:
    """Return the sources of a JSON index; only the ``gt_rect`` rows of four numbers are used.

    Args:
        names: Names of all sequences of the benchmark.

    Raises:
        EvalkitError: The file is not such an index.
    """
    index = read_json_index(path)
    matched = match_names(names, index, where=path)
    return {name: Source(path, _reader(index[key]["gt_rect"], f"{path}, {name}")) for name, key in matched.items()}


def _reader(rows: Any, where: str) -> Callable[[], Annotation]:
    return lambda: Annotation(index_boxes(rows, where))


def index_boxes(rows: Any, where: object) -> Boxes:
    """Return the ``gt_rect`` rows of an index as boxes, shape (N, 4), N >= 1.

    Raises:
        EvalkitError: They are not rows of four numbers, or there are none.
    """
    try:
        boxes = number_array(require_rows(rows, where))
    except (TypeError, InvalidJsonError):  # not a list, rows of different lengths, or not numbers
        boxes = np.zeros(0)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise EvalkitError(
            "gt_rect must contain rows of x, y, width, height", where=where, hint="Fetch this index again"
        )
    return boxes


def read_json_index(path: Path) -> dict[str, dict[str, Any]]:
    """Read a JSON index: by sequence, its entry with at least ``gt_rect``.

    Raises:
        EvalkitError: The file is damaged or not such an index.
    """
    try:
        content = load_json(path)
    except (ValueError, OSError, RecursionError) as error:
        raise EvalkitError(f"this index cannot be read: {error}", where=path, hint="Fetch it again") from error
    if not isinstance(content, dict) or not all(isinstance(e, dict) and "gt_rect" in e for e in content.values()):
        raise EvalkitError(
            "not an index of sequences with gt_rect", where=path,
            hint="Give the benchmark's own JSON file as published with pysot, or a folder, with --data",
        )  # fmt: skip
    return content
