"""Print notes: those that differ only in their subject and their numbers are counted, unless all are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable

import click

MOST = 3
"""Notes of one kind that are printed one by one."""

verbose = click.option(
    "--verbose", is_flag=True, help="Print every note; otherwise many of one kind are one line with their number."
)


def folded_notes(notes: Iterable[str]) -> list[str]:
    """Return the notes, with one line in place of more than ``MOST`` of one kind.

    The subject of a note is what precedes its first colon.

    >>> folded_notes(["a: 3 rows", "b: 4 rows", "c: no times", "d: 5 rows", "e: 6 rows"])
    ['4 notes like "a: 3 rows" (--verbose prints all)', 'c: no times']
    """
    kinds: dict[str, list[str]] = {}
    for note in notes:
        subject, separator, rest = note.partition(": ")
        kinds.setdefault(re.sub(r"[\d.,]+", "#", rest if separator else subject), []).append(note)
    lines = []
    for alike in kinds.values():
        many = len(alike) > MOST
        lines += [f'{len(alike)} notes like "{alike[0]}" (--verbose prints all)'] if many else alike
    return lines


def print_notes(notes: Iterable[str], *, every: bool, prefix: str = "note: ", err: bool = False) -> None:
    """Print notes, each on a line.

    Args:
        every: Print all of them; otherwise see ``folded_notes``.
        err: Print to standard error.
    """
    for line in notes if every else folded_notes(notes):
        click.echo(f"{prefix}{line}", err=err)
