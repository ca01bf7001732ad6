"""Trackers that a test writes, edits and runs again, to see that the former results are refused."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from evalkit.api import run
from evalkit.errors import EvalkitError

TRACKER = """
    from evalkit.types import Box, Prediction
    {imports}

    class Mine:
        def __init__(self{arguments}):
            {build}

        def initialize(self, image, region):
            {start}
            self.box = region

        def update(self, image):
            self.box = Box(self.box.x + self.step, self.box.y, self.box.width, self.box.height)
            return Prediction(self.box)
"""

PROGRAM = """
    import json, sys
    {imports}
    STEP = {step}
    box = None
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if "height" in request:
            sys.stdin.buffer.read(request["height"] * request["width"] * 3)
        answer = {hello} if request["do"] == "hello" else {{}}
        if request["do"] == "initialize":
            box = request["box"]
        if request["do"] == "update":
            box[0] += STEP
            answer = {{"box": box}}
        print(json.dumps(answer), flush=True)
"""

Write = Callable[..., str]
"""Writes a tracker and returns its name."""


def write_tracker(
    folder: Path, *, imports: str = "", build: str = "self.step = 0", start: str = "pass", arguments: str = ""
) -> str:
    """Write a tracker into ``mine.py`` and return its name."""
    source = textwrap.dedent(TRACKER).format(imports=imports, build=build, start=start, arguments=arguments)
    (folder / "mine.py").write_text(source)
    return f"{folder / 'mine.py'}:Mine"


def write_program(folder: Path, *, imports: str = "", step: str = "0", hello: str = "{}") -> str:
    """Write a tracker as a program into ``mine.py`` and return its name."""
    (folder / "mine.py").write_text(textwrap.dedent(PROGRAM).format(imports=imports, step=step, hello=hello))
    return f"program:{sys.executable} {folder / 'mine.py'}"


def first_x(folder: Path, sequence: str = "a") -> float:
    """The x coordinate of the last stored box."""
    text = (folder / "results" / "tiny" / "mine" / f"{sequence}.txt").read_text(encoding="utf-8")
    return float(text.splitlines()[-1].replace("\t", ",").split(",")[0])


def check_refused_and_replaced(name: str, folder: Path, changed: str, **options: object) -> None:
    """Check that the edited tracker is refused, with nothing changed, and that --force gives its own results."""
    before = first_x(folder)
    for sequences in (["a"], ["a", "b"]):
        with pytest.raises(EvalkitError, match=rf"{changed} changed after these results were made.*--name.*--force"):
            run(name, "tiny", name="mine", sequences=sequences, **options)  # type: ignore[arg-type]
    assert first_x(folder) == before
    assert not (folder / "results" / "tiny" / "mine" / "b.txt").exists()
    run(name, "tiny", name="mine", sequences=["a"], force=True, **options)  # type: ignore[arg-type]
    assert first_x(folder) != before
