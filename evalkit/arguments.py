"""Argument types that the Python API accepts: one name or several, text or a path."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

Names: TypeAlias = str | Iterable[str]
"""One name, or several."""

Place: TypeAlias = str | os.PathLike[str]
"""A file or folder."""


def names(asked: Names) -> tuple[str, ...]:
    """Return a tuple of names, also for a single one; a name that is repeated counts once.

    >>> names("mosse"), names(["mosse", "identity", "mosse"])
    (('mosse',), ('mosse', 'identity'))
    """
    return (asked,) if isinstance(asked, str) else tuple(dict.fromkeys(asked))


def some(asked: Names | None) -> tuple[str, ...] | None:
    """Return the names as a tuple; None, which stands for all that exist, stays None."""
    return None if asked is None else names(asked)


def path(asked: Place | None) -> Path | None:
    """Return the argument as a ``Path``; None stays None."""
    return None if asked is None else Path(asked)
