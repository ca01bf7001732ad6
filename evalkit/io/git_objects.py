"""Object ids of git: they identify the content of a file, or of a folder with all of its files and their names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TypeAlias

Tree: TypeAlias = Mapping[str, "tuple[str, str] | Tree"]
"""By name, a file's mode and blob id, or a folder."""


def blob_id(content: bytes) -> str:
    """Return the id of a file's content, as ``git hash-object`` prints it.

    >>> blob_id(b"")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return _object_id("blob", content)


def tree_id(tree: Tree) -> str:
    """Return the id of a folder, as ``git rev-parse <commit>:<folder>`` prints it.

    >>> tree_id({"a.txt": ("100644", blob_id(b""))})
    '65a457425a679cbe9adf0d2741785d3ceabb44a7'
    """
    entries = []
    for name, entry in tree.items():
        mode, object_id = entry if isinstance(entry, tuple) else ("40000", tree_id(entry))
        # Git sorts a folder as if its name ended with a slash.
        key = name if isinstance(entry, tuple) else f"{name}/"
        entries.append((key.encode(), f"{mode} {name}".encode() + b"\0" + bytes.fromhex(object_id)))
    return _object_id("tree", b"".join(data for _, data in sorted(entries)))


def _object_id(kind: str, content: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()
