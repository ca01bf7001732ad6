"""Mutations of files: of their bytes, of their lines, and of the tree of a JSON document."""

from __future__ import annotations

import json
import random
import re
from typing import Any

NUMBERS = (
    "1e309", "-1e309", "nan", "inf", "-Infinity", "1e-320", "-0", "9" * 400, "1" + "0" * 30, "0x10", "\u0661\u0662",
    "\uff11", "\u00b2", "1_000", "1e5", "-7", "2147483648", "18446744073709551616", "1.5", "",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 3, 0.5, 1e308, float("nan"), float("inf"), 10**400, 2**63),
    *("", "1,2,3,4", "\ud800", "\u202e", "\u0663", "x" * 5000, "a\nb", "../..", [], {}, [[]], [1, 2], {"a": 1}),
)
_NUMBER = re.compile(rb"[0-9]+(?:\.[0-9]*)?")
_SPECIAL = (b"\x00", b"\r", b"\n\n", b"\t", b",,", b";", b"\xff", b"\xef\xbb\xbf", b"\x1b[31m", b'"', b"\x85", b" ")


def flip_bits(data: bytes, source: random.Random) -> bytes:
    """Change a few bits."""
    changed = bytearray(data)
    for _ in range(source.randint(1, 4)):
        if changed:
            changed[source.randrange(len(changed))] ^= 1 << source.randrange(8)
    return bytes(changed)


def cut(data: bytes, source: random.Random) -> bytes:
    """Leave out the end, the beginning or a part in between."""
    begin, end = sorted(source.randrange(len(data) + 1) for _ in range(2))
    return source.choice((data[:begin], data[:end], data[begin:], data[:begin] + data[end:]))


def repeat_or_lose_lines(data: bytes, source: random.Random) -> bytes:
    """Leave out a line, write it twice, or exchange it with another one."""
    lines = data.splitlines(keepends=True)
    if lines:
        place, other = source.randrange(len(lines)), source.randrange(len(lines))
        choice = source.randrange(3)
        if choice == 2:
            lines[place], lines[other] = lines[other], lines[place]
        else:
            lines[place : place + 1] = [lines[place]] * (2 * choice)
    return b"".join(lines)


def extreme_number(data: bytes, source: random.Random) -> bytes:
    """Replace a number by one that few programs expect."""
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    place = source.choice(found)
    return data[: place.start()] + source.choice(NUMBERS).encode() + data[place.end() :]


def extreme_bytes(data: bytes, source: random.Random) -> bytes:
    """Overwrite two, four or eight bytes by a size that no file has."""
    width = source.choice((2, 4, 8))
    place = source.randrange(max(1, len(data) - width))
    value = source.choice((b"\xff" * 8, b"\x00" * 8, b"\xff\xff\xff\x7f\x00\x00\x00\x00", b"\x00\x00\x00\x80" * 2))
    return data[:place] + value[:width] + data[place + width :]


def insert(data: bytes, source: random.Random) -> bytes:
    """Insert bytes with a meaning in many formats, or a part of the file itself."""
    place = source.randrange(len(data) + 1)
    begin = source.randrange(len(data) + 1)
    return data[:place] + source.choice((*_SPECIAL, data[begin : begin + 40])) + data[place:]


def nest(data: bytes, source: random.Random) -> bytes:
    """Insert up to thousands of brackets."""
    place = source.randrange(len(data) + 1)
    bracket = source.choice((b"[", b"{", b'{"a":', b"(", b"\x80\x02]", b"a.", b"[[", b"a = "))
    return data[:place] + bracket * source.choice((1, 50, 5000)) + data[place:]


def change_tree(data: bytes, source: random.Random) -> bytes:
    """Replace, remove, rename or copy a value of a JSON document; other data gets extreme numbers."""
    try:
        content = json.loads(data)
        places = _places(content)
    except (ValueError, RecursionError):
        return extreme_number(data, source)
    holder, key = source.choice(places or [([content], 0)])
    chance = source.random()
    if chance < 0.2:
        del holder[key]
    elif chance < 0.3:
        other, place = source.choice(places or [([content], 0)])
        holder[key] = json.loads(json.dumps(other[place]))
    elif chance < 0.4 and isinstance(holder, dict):
        holder[source.choice(("", "x", "\ud800", "a\nb"))] = holder.pop(key)
    else:
        holder[key] = source.choice(VALUES)
    return json.dumps(content).encode()


def _places(value: Any) -> list[tuple[Any, Any]]:
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    found: list[tuple[Any, Any]] = []
    for key in keys:
        found += [(value, key), *_places(value[key])]
    return found


MUTATORS = (
    *(flip_bits, cut, repeat_or_lose_lines, extreme_number, extreme_number, extreme_bytes, insert, nest),
    *(change_tree, change_tree),
)


def mutate(data: bytes, source: random.Random) -> bytes:
    """Apply one to three mutations."""
    for _ in range(source.choice((1, 1, 2, 3))):
        data = source.choice(MUTATORS)(data, source)
    return data
