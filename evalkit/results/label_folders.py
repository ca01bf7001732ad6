"""Folders of results by the label of a tracker."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from evalkit.errors import MissingResults, UnknownName, listed, suggestion
from evalkit.types import Dataset

_UNSAFE = re.compile(r"[/\\\x00-\x1f:*?\"<>|]")


def safe_label(name: str) -> str:
    """Return a tracker's name as a folder name: separators and characters that some system forbids become ``_``.

    >>> safe_label("lighttrack:back_04+cls_2")
    'lighttrack_back_04+cls_2'
    >>> safe_label("..")
    '_..'
    """
    label = _UNSAFE.sub("_", name).strip()
    return f"_{label}" if label.startswith(".") or not label else label


def label_folder(results: Path, label: str) -> Path:
    """Return the folder of a tracker's results: one of exactly that name if there is one, as archives may have."""
    exact = results / label
    named = exact.parent == results and not label.startswith(".") and "\x00" not in label
    return exact if named and _is_folder(exact) else results / safe_label(label)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # the name is too long
        return False


def labels(results: Path, dataset: Dataset) -> list[str]:
    """Return the labels of all trackers that have a folder of results for a benchmark, sorted.

    Raises:
        MissingResults: There is no folder of results for the benchmark.
    """
    folder = results / dataset.directory
    if not folder.is_dir():
        near = sorted(path.name for path in results.iterdir() if path.is_dir()) if results.is_dir() else []
        raise MissingResults(
            f"there are no results for {dataset.name}", where=folder, found=listed(near),
            hint=f"Run `evalkit run --dataset {dataset.name} --tracker NAME` first, or give --results",
        )  # fmt: skip
    # Archives made on a Mac have a folder __MACOSX next to those of the trackers.
    return sorted(
        path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__MACOSX"))
    )


def choose_labels(labels: Iterable[str], exclude: Iterable[str]) -> list[str]:
    """Return the labels that are not excluded.

    Raises:
        UnknownName: A label to exclude is not among the labels.
        MissingResults: None is left.
    """
    known, left_out = list(dict.fromkeys(labels)), tuple(exclude)
    for label in left_out:
        if label not in known:
            raise UnknownName(
                "there are no results with this label", where=f"--except {label}", found=listed(known),
                hint=suggestion(label, known),
            )  # fmt: skip
    chosen = [label for label in known if label not in left_out]
    if not chosen:
        raise MissingResults("no tracker is left", where="--except", found=listed(left_out), hint="Exclude fewer")
    return chosen
