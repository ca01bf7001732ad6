"""Any program as a tracker, ``--tracker "program:./my_tracker --fast"``; docs/add-a-tracker.md has the protocol."""

from __future__ import annotations

import json
import math
import shlex
import subprocess
import weakref
from collections.abc import Mapping
from typing import IO, Any, cast

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.geometry import bounding_box
from evalkit.trackers import _inputs
from evalkit.types import Box, Image, Prediction, Region

PROTOCOL = 1
GRACE = 5.0
"""Seconds that a program has to end after its streams were closed, by either side."""


class ProgramTracker:
    """A tracker in a process of its own, in whatever language.

    Args:
        command: The program and its arguments.
        settings: Handed over with the first request.
    """

    def __init__(self, command: list[str], settings: Mapping[str, str]) -> None:
        self.card: Mapping[str, Any] = {"program": shlex.join(command), "settings": dict(settings)}
        self._command = command
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        except OSError as error:
            raise EvalkitError(
                f"the program cannot be started: {error.strerror}", where=shlex.join(command),
                hint="Name it as a shell would find it, or by its path",
            ) from None  # fmt: skip
        # Both are pipes, as was asked for.
        self._requests = cast(IO[bytes], self._process.stdin)
        self._answers = cast(IO[bytes], self._process.stdout)
        self._close = weakref.finalize(self, _end, self._process)
        self._ask({"do": "hello", "protocol": PROTOCOL, "settings": dict(settings)})

    def initialize(self, image: Image, region: Region) -> None:
        _inputs.start(region)  # refuses a region without extent
        box = bounding_box(region)
        self._ask({"do": "initialize", "box": [box.x, box.y, box.width, box.height]}, image)

    def update(self, image: Image) -> Prediction:
        answer = self._ask({"do": "update"}, image)
        if "box" not in answer:
            raise self._broken(
                'its answer to update has no "box", which is null where it sees no target', json.dumps(answer)
            )
        try:
            box = answer["box"]
            confidence = float(answer.get("confidence", math.nan))
            return Prediction(None if box is None else Box(*map(float, box)), confidence)
        except (TypeError, ValueError):
            raise self._broken("its answer is not a box", json.dumps(answer)) from None

    def _ask(self, request: dict[str, Any], image: Image | None = None) -> dict[str, Any]:
        if image is not None:
            image = _inputs.rgb(image)
            request = {**request, "height": image.shape[0], "width": image.shape[1]}
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            if image is not None:
                self._requests.write(image.tobytes())
            self._requests.flush()
        except OSError:
            raise self._broken("the program ended", self._end_of_process()) from None
        return self._parsed(self._answers.readline(), str(request["do"]))

    def _parsed(self, line: bytes, asked: str) -> dict[str, Any]:
        if not line:
            raise self._broken(f"the program ended instead of answering {asked}", self._end_of_process())
        try:
            answer = json.loads(line)
        except ValueError:
            raise self._broken(f"its answer to {asked} is not JSON", line[:200].decode(errors="replace")) from None
        if not isinstance(answer, dict):
            raise self._broken(f"its answer to {asked} is not an object", line[:200].decode(errors="replace"))
        if "error" in answer:
            raise self._broken(f"the program refuses {asked}", answer["error"])
        return answer

    def _end_of_process(self) -> str:
        try:
            return f"exit code {self._process.wait(GRACE)}"
        except subprocess.TimeoutExpired:
            return "closed streams of a program that goes on"

    def _broken(self, what: str, found: object) -> EvalkitError:
        return EvalkitError(
            what, where=shlex.join(self._command), found=str(found).strip(), exit_code=1,
            hint="docs/add-a-tracker.md says what is asked and how to answer",
        )  # fmt: skip


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except OSError:
                continue  # it broke off; there is nothing left to tell it
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@registry.tracker("program:", summary='any program as a tracker, over its standard streams: "program:./my_tracker"')
def program(*, variant: str, settings: Mapping[str, str] | None = None) -> ProgramTracker:
    """The program of a command line, split as a shell splits it; no shell is involved."""
    try:
        command = shlex.split(variant)
    except ValueError as error:
        raise EvalkitError(
            f"this is not a command line: {error}", where=f"program:{variant}", hint="Close the quotation"
        ) from None
    if not command:
        raise EvalkitError("no program is named", where="program:", hint='Write "program:./my_tracker --option"')
    return ProgramTracker(command, settings or {})
