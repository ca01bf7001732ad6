"""Mutations of files: of their bytes, of their lines, and of the tree of a JSON document."""

from __future__ import annotations

import json
import random
from typing import Any

NUMBERS = ("1e309", "-1e309", "nan", "1e-320", "-0", "9" * 400, "0x10", "\u0663", "1_000", "")
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1e308,
    10**400,
    "",
    "\ud800",
    "\u202e",
    "x" * 5000,
    [],
    {},
    [[]],
    {"a": 1},
)


def flip_bits(data: bytes, source: random.Random) -> bytes:
    """Change a few bits."""
    changed = bytearray(data)
    for _ in range(source.randint(1, 4)):
        if changed:
            changed[source.randrange(len(changed))] ^= 1 << source.randrange(8)
    return bytes(changed)


def cut(data: bytes, source: random.Random) -> bytes:
    """Keep only the beginning."""
    return data[: source.randrange(len(data) + 1)]


def repeat_or_lose_lines(data: bytes, source: random.Random) -> bytes:
    """Leave out a line, or write it twice."""
    lines = data.splitlines(keepends=True)
    if lines:
        place = source.randrange(len(lines))
        lines[place : place + 1] = [lines[place]] * source.choice((0, 2))
    return b"".join(lines)


def extreme_number(data: bytes, source: random.Random) -> bytes:
    """Replace a number by one that few programs expect."""
    text = data.decode("latin-1")
    digits = [index for index, sign in enumerate(text) if sign.isdigit()]
    if not digits:
        return data
    begin = end = source.choice(digits)
    while end < len(text) and text[end] in "0123456789.":
        end += 1
    return text[:begin].encode("latin-1") + source.choice(NUMBERS).encode() + text[end:].encode("latin-1")


def nest(data: bytes, source: random.Random) -> bytes:
    """Insert thousands of brackets."""
    place = source.randrange(len(data) + 1)
    bracket = source.choice((b"[", b"{", b'{"a":', b"(", b"\x80\x02]"))
    return data[:place] + bracket * source.choice((50, 5000, 100_000)) + data[place:]


def change_tree(data: bytes, source: random.Random) -> bytes:
    """Replace, remove or move a value of a JSON document; other data gets extreme numbers."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return extreme_number(data, source)
    holder, key = source.choice(_places(content) or [([content], 0)])
    if source.random() < 0.2 and isinstance(holder, dict):
        del holder[key]
    else:
        holder[key] = source.choice(VALUES)
    return json.dumps(content).encode()


def _places(value: Any) -> list[tuple[Any, Any]]:
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    found: list[tuple[Any, Any]] = []
    for key in keys:
        found += [(value, key), *_places(value[key])]
    return found


MUTATORS = (flip_bits, cut, repeat_or_lose_lines, extreme_number, nest, change_tree, change_tree)


def mutate(data: bytes, source: random.Random) -> bytes:
    """Apply one to three mutations."""
    for _ in range(source.randint(1, 3)):
        data = source.choice(MUTATORS)(data, source)
    return data
