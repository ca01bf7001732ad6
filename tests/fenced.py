"""Markdown pages as tests see them: their fenced blocks, and the commands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[1]

RUN_BY_CI = ("main-job", "tests")
"""Marks of README blocks that ``.ci/run`` extracts and runs as they stand."""

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[a-z]*)(?: .*)?$")
_COMMENT = re.compile(r"^ *<!-- (?P<text>.*) -->$")


@dataclass(frozen=True)
class Block:
    """What stands between two fences.

    Attributes:
        page: Path from the root of the repository.
        line: Of the opening fence, from 1.
        comment: The HTML comment directly above, or an empty string.
        follows: Whether only blank lines part it from the block before.
    """

    page: str
    line: int
    language: str
    lines: tuple[str, ...]
    comment: str
    follows: bool

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    @property
    def not_run(self) -> str | None:
        """Why no test runs this block, or None."""
        if self.comment in RUN_BY_CI:
            return "a step of .ci/run of its own"
        mark, _, reason = self.comment.partition(": ")
        return reason if mark == "not run" else None


@dataclass(frozen=True)
class Command:
    """One command of a block.

    Attributes:
        line: In the page, from 1.
        output: The lines shown below it; None where the page shows none and does not say that there are none.
    """

    line: int
    text: str
    output: tuple[str, ...] | None


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order; what is indented as a whole loses the indentation."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    found: list[Block] = []
    opened = closed = None
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if fence is None:
            continue
        if opened is None:
            opened, language = number, fence["language"]
            continue
        inside = tuple(dedent("\n".join(lines[opened + 1 : number])).split("\n")) if number > opened + 1 else ()
        above = _COMMENT.match(lines[opened - 1]) if opened else None
        follows = closed is not None and not any(part.strip() for part in lines[closed + 1 : opened])
        found.append(Block(page, opened + 1, language, inside, above["text"] if above else "", follows))
        opened, closed = None, number
    assert opened is None, f"{page}:{opened}: this block is never closed"
    return found


def commands(block: Block) -> Iterator[Command]:
    """The commands of a ``bash`` or ``console`` block; a script with loops is one command."""
    if block.language == "bash" and re.search(r"^(for|while|if) ", block.text, re.MULTILINE):
        yield Command(block.line + 1, block.text, None)
        return
    number = 0
    while number < len(block.lines):
        start, line = number, block.lines[number]
        while line.endswith("\\"):
            number += 1
            line = f"{line[:-1].rstrip()} {block.lines[number].strip()}"
        number += 1
        if block.language == "bash":
            if line.strip() and not line.startswith("#"):
                yield Command(block.line + 1 + start, line, None)
        else:
            assert line.startswith("$ "), f"{block.page}:{block.line + 1 + start}: a console block starts with `$ `"
            output = tuple(takewhile(lambda shown: not shown.startswith("$ "), block.lines[number:]))
            number += len(output)
            yield Command(block.line + 1 + start, line[2:], output)


def named_file(block: Block) -> str | None:
    """The file that a block shows, from its first line: a docstring ``name.py: ...``, or ``# name.toml``."""
    pattern = {"python": r'"""([\w/.-]+\.py): '}.get(block.language, r"# ([\w/.-]+\.(?:toml|yml|yaml|ini))\n")
    found = re.match(pattern, block.text)
    return found[1] if found else None
