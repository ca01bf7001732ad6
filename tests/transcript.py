"""Runs the commands of a page, and compares what they print with what the page shows.

Numbers with a point may differ by ``TOLERANCE``: processors round differently. Speeds and times belong to one machine
and are not compared. A line of three points in the page stands for any lines.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit import registry
from evalkit.cli import main

TOLERANCE = 0.002
_NUMBER = re.compile(r"(?:(?<![\w-])-)?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")
_PROGRESS = re.compile(r"^\d+/\d+ .*\n", re.MULTILINE)
_HEADS = re.compile(r"[↑↓]| ms( |$)|^runtime ")
_TIMES = {"p50 ms", "measured"}
"""Heads of tables in which every number belongs to one machine."""
_REDIRECTED = re.compile(r"^(?P<command>[^|<>;&$*]*?)(?: +> *(?P<file>[^|<>;&$*\s]+))?$")


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def shown(self) -> str:
        """What a page shows: what was printed, and where it came to an error, that; progress never."""
        return self.out if self.code == 0 else self.out + _PROGRESS.sub("", self.err)


class Shell:
    """A folder to work in. ``evalkit`` runs in this process, everything else in bash.

    Args:
        places: Folders that pages name and the real ones behind them, in commands, files and answers.
    """

    def __init__(self, folder: Path, places: Mapping[str, Path]) -> None:
        self.folder = folder
        self.places = places
        self.last = 0
        self._names: dict[str, Any] = {"__name__": "__main__"}

    def run(self, command: str) -> Answer:
        """What a command does; ``echo $?`` tells of the one before."""
        if command == "echo $?":
            return Answer(0, f"{self.last}\n", "")
        plain = _REDIRECTED.match(command)
        if plain and plain["command"].startswith("evalkit "):
            answer = self._evalkit(self.real(plain["command"]))
            if plain["file"]:
                (self.folder / plain["file"]).write_text(answer.out, encoding="utf-8")
                answer = Answer(answer.code, "", answer.err)
        else:
            answer = self._bash(self.real(command))
        self.last = answer.code
        return Answer(answer.code, self.paper(answer.out), self.paper(answer.err))

    def python(self, text: str) -> str:
        """What statements print; names live on from block to block."""
        out = io.StringIO()
        with redirect_stdout(out):
            exec(compile(self.real(text), "<page>", "exec"), self._names)
        return self.paper(out.getvalue())

    def real(self, text: str) -> str:
        for name, folder in self.places.items():
            text = re.sub(rf"(?<![\w./]){re.escape(name)}(?=[/\s\"']|$)", str(folder), text)
        return text

    def paper(self, text: str) -> str:
        for name, folder in self.places.items():
            text = text.replace(str(folder), name)
        return text.replace(f"{self.folder}/", "")

    @staticmethod
    def _evalkit(command: str) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        for module in [name for name in sys.modules if name.startswith("evalkit_user_")]:
            del sys.modules[module]  # a new process would import the user's file again, and register its entries
        with redirect_stdout(out), redirect_stderr(err), ExitStack() as stack:
            for kind in registry.ALL:
                stack.enter_context(kind.temporarily())
            try:
                main(shlex.split(command, comments=True)[1:])
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
        return Answer(code, out.getvalue(), err.getvalue())

    def _bash(self, command: str) -> Answer:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Answer(done.returncode, done.stdout, done.stderr)


def difference(shown: tuple[str, ...], printed: str) -> str | None:
    """The first thing in which an answer is not what the page shows, or None."""
    parts = _between_points([line.rstrip() for line in shown])
    rest = [line.rstrip() for line in printed.rstrip().split("\n")]
    for number, part in enumerate(parts):
        first, last = number == 0, number == len(parts) - 1
        starts = [0] if first else range(len(rest) - len(part) + 1)
        if last and not first:
            starts = [len(rest) - len(part)]
        matches = [_difference_here(part, rest[start:], whole=last) for start in starts if start >= 0]
        good = next((start for start, wrong in zip(starts, matches, strict=True) if wrong is None), None)
        if good is None:
            return matches[0] if matches else "the answer is shorter than what is shown"
        rest = rest[good + len(part) :]
    return None


def _between_points(lines: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for line in lines:
        if line == "...":
            parts.append([])
        else:
            parts[-1].append(line)
    while len(parts[-1]) > 0 and parts[-1][-1] == "":
        parts[-1].pop()
    return parts


def _difference_here(shown: list[str], printed: list[str], *, whole: bool) -> str | None:
    if len(printed) < len(shown) or (whole and [line for line in printed[len(shown) :] if line]):
        return f"{len(shown)} lines are shown, {len(printed)} printed"
    heads: list[str] = []
    for one, other in zip(shown, printed, strict=False):
        if _HEADS.search(one) or not one:
            heads = _cells(one)
        if not _same_line(one, other, heads):
            return f"shown    {one}\nprinted  {other}"
    return None


def _cells(line: str) -> list[str]:
    return re.split(r"\s{2,}", line.strip())


def _same_line(shown: str, printed: str, heads: list[str]) -> bool:
    if shown.startswith("fps: "):
        return printed.startswith("fps: ")
    one, other = _cells(shown), _cells(printed)
    if len(one) != len(other):
        return False
    if one != heads and _TIMES & set(heads):
        return [_NUMBER.sub("#", cell) for cell in one] == [_NUMBER.sub("#", cell) for cell in other]
    speeds = (
        [head.startswith("fps") for head in heads] if one != heads and len(heads) == len(one) else [False] * len(one)
    )
    return all(speed or _same(a, b) for a, b, speed in zip(one, other, speeds, strict=True))


def _same(shown: str, printed: str) -> bool:
    if _NUMBER.sub("#", shown) != _NUMBER.sub("#", printed):
        return False
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(printed), strict=True)
    return all(a == b or ("." in a and "." in b and abs(_number(a) - _number(b)) <= TOLERANCE) for a, b in pairs)


def _number(text: str) -> float:
    return float(text.replace(",", ""))
