"""Griffe extension: preserve the line breaks of examples, drawings and tables in docstrings on the site."""

from __future__ import annotations

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"(?:^[ \t]*>>> .*\n(?:^[ \t]*\S.*(?:\n|\Z))*)+", re.MULTILINE)
_TABLE = re.compile(r"^(?:.*\n)?=+ .*=\n(?:.*\n)+?=+ .*=$", re.MULTILINE)
_LITERAL = re.compile(r"::\n\n(?=    )")


class Fences(griffe.Extension):
    """Put code fences around examples and tables that docstrings contain as plain text."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """Return a docstring with code fences around its examples and tables."""
    if "Examples:\n" not in text:
        text = _EXAMPLE.sub(lambda found: f"```pycon\n{found[0].rstrip()}\n```\n", text)
    text = _TABLE.sub(lambda found: f"```text\n{found[0]}\n```", text)
    return _LITERAL.sub(":\n\n", text)
