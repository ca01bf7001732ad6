"""Folders of results by the label of a tracker."""

from __future__ import annotations

import re
from pathlib import Path

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
