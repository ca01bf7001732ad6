"""evalkit's own protocol with programs: lines of JSON, see docs/add-a-tracker.md."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from evalkit.errors import EvalkitError
from evalkit.geometry import bounding_box
from evalkit.trackers import _inputs
from evalkit.trackers._program.process import Process, ProgramEnded, ProgramLate
from evalkit.types import Box, FrameContext, Image, Prediction, Region

PROTOCOL = 1
"""Version of the protocol, sent with the first request."""
HINT = "docs/add-a-tracker.md describes the requests and answers"


def greeting(settings: Mapping[str, str]) -> bytes:
    """Return the first request."""
    return json.dumps({"do": "hello", "protocol": PROTOCOL, "settings": dict(settings)}).encode() + b"\n"


class JsonTracker:
    """A tracker in a process of its own that answers requests in JSON.

    Args:
        process: The started program.
        settings: Values of ``--set``, sent with the first request.
        first_line: Its answer to the first request.

    Attributes:
        files: Files that the program names in its first answer: weights and settings that its answers depend on.

    Raises:
        EvalkitError: The program refuses the first request.
    """

    def __init__(self, process: Process, settings: Mapping[str, str], first_line: bytes) -> None:
        self.card: Mapping[str, Any] = {"program": str(process.command), "settings": dict(settings)}
        self._process = process
        self._settings = settings
        self.files = self._listed_files(self._parsed(first_line, "hello"))

    def before_frame(self, context: FrameContext) -> None:
        """Start the program again if it ended, and refuse answers that it was not asked for.

        Raises:
            EvalkitError: It has answered more often than it was asked, or cannot be started again.
        """
        if context.starts:
            self._start_again_if_ended()
        surplus = self._process.surplus_line()
        if surplus is not None:
            self._process.close()
            raise self._error(
                "it has answered more often than it was asked", surplus[:200].decode(errors="replace").strip()
            )

    def initialize(self, image: Image, region: Region) -> None:
        """Send the image and the bounding box of the region; start the program again if it ended.

        Raises:
            EvalkitError: The region has no area, or the program fails.
        """
        _inputs.start_box(region)  # rejects a region without area
        self._start_again_if_ended()
        box = bounding_box(region)
        self._ask({"do": "initialize", "box": [box.x, box.y, box.width, box.height]}, image)

    def update(self, image: Image) -> Prediction:
        """Send the image and return the program's box.

        Raises:
            EvalkitError: The program fails, or its answer is invalid.
        """
        answer = self._ask({"do": "update"}, image)
        if "box" not in answer:
            raise self._error(
                'its answer to update has no "box" (null means that the target is not visible)', json.dumps(answer)
            )
        try:
            box, confidence = answer["box"], answer.get("confidence")
            return Prediction(_box(box), math.nan if confidence is None else _number(confidence))
        except (ValueError, OverflowError):
            raise self._error(
                'its answer is not a box: "box" is a list of four numbers or null, "confidence" a number',
                json.dumps(answer)[:200],
            ) from None

    def _start_again_if_ended(self) -> None:
        if self._process.close.alive:
            return
        self._process = Process(self._process.command)
        self._process.write(greeting(self._settings))
        while not is_json(line := self._read_line("hello")):
            self._process.own_output.append(line[:200].decode(errors="replace").strip())
        self._parsed(line, "hello")

    def _listed_files(self, answer: dict[str, Any]) -> tuple[str, ...]:
        """Return the files that the program lists: a change of any makes it another tracker."""
        files = answer.get("files", [])
        if isinstance(files, list) and all(isinstance(name, str) for name in files):
            return tuple(files)
        raise self._error('"files" in its answer to hello is not a list of file names', json.dumps(files))

    def _ask(self, request: dict[str, Any], image: Image) -> dict[str, Any]:
        image = _inputs.as_rgb(image)
        request = {**request, "height": image.shape[0], "width": image.shape[1]}
        asked = str(request["do"])
        try:
            self._process.write(json.dumps(request).encode() + b"\n" + image.tobytes())
        except ProgramEnded as end:
            self._process.close()
            raise self._error(f"the program ended instead of answering {asked}", end) from None
        return self._parsed(self._read_line(asked), asked)

    def _read_line(self, asked: str) -> bytes:
        try:
            return self._process.read_line()
        except ProgramEnded as end:
            self._process.close()
            raise self._error(f"the program ended instead of answering {asked}", end) from None
        except ProgramLate:
            self._process.close()
            raise self._error(
                f"no answer to {asked} within {self._process.command.timeout:g} s; the program was ended", "nothing"
            ) from None

    def _parsed(self, line: bytes, asked: str) -> dict[str, Any]:
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            raise self._error(f"its answer to {asked} is not JSON", line[:200].decode(errors="replace")) from None
        if not isinstance(answer, dict):
            raise self._error(f"its answer to {asked} is not an object", line[:200].decode(errors="replace"))
        if "error" in answer:
            raise self._error(f"the program refuses {asked}", answer["error"])
        return answer

    def _error(self, what: str, found: object) -> EvalkitError:
        return self._process.command.error(what, found, HINT)


def is_json(line: bytes) -> bool:
    """Return whether a line of the program's output is an answer; a program may print text of its own first."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _box(value: object) -> Box | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError(value)
    return Box(*map(_number, value))


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(value)
    return float(value)
