"""What Python users may write where the command line takes words: one name or several, text or a path."""

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
    """Several names of one or several.

    >>> names("mosse"), names(["mosse", "identity"])
    (('mosse',), ('mosse', 'identity'))
    """
    return (asked,) if isinstance(asked, str) else tuple(asked)


def some(asked: Names | None) -> tuple[str, ...] | None:
    """The names that were given, if any were; None stands for all there are."""
    return None if asked is None else names(asked)


def path(asked: Place | None) -> Path | None:
    """The path that was given, if one was."""
    return None if asked is None else Path(asked)
