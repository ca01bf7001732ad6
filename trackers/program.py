"""Programs in any language as trackers, ``--tracker "program:./my_tracker --fast"``.

The protocol over standard input and output is described in docs/add-a-tracker.md.
"""

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
"""Version of the protocol, sent with the first request."""
GRACE = 5.0
"""Seconds that a program has to exit after its streams were closed, by either side."""


class ProgramTracker:
    """A tracker in a process of its own, written in any language.

    Args:
        command: The program and its arguments.
        settings: Values of ``--set``, sent with the first request.

    Attributes:
        files: Files that the program names in its first answer: weights and settings that its answers depend on.

    Raises:
        EvalkitError: The program cannot be started, or does not answer the first request.
    """

    def __init__(self, command: list[str], settings: Mapping[str, str]) -> None:
        self.card: Mapping[str, Any] = {"program": shlex.join(command), "settings": dict(settings)}
        self._command = command
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        except OSError as error:
            raise EvalkitError(
                f"the program cannot be started: {error.strerror}", where=shlex.join(command),
                hint="Give its path, or a name that a shell would find",
            ) from None  # fmt: skip
        # Both are pipes because Popen was called with PIPE.
        self._requests = cast(IO[bytes], self._process.stdin)
        self._answers = cast(IO[bytes], self._process.stdout)
        self._close = weakref.finalize(self, _terminate, self._process)
        answer = self._ask({"do": "hello", "protocol": PROTOCOL, "settings": dict(settings)})
        self.files = self._listed_files(answer)

    def initialize(self, image: Image, region: Region) -> None:
        """Send the image and the bounding box of the region.

        Raises:
            EvalkitError: The region has no area, or the program fails.
        """
        _inputs.start_box(region)  # rejects a region without area
        box = bounding_box(region)
        self._ask({"do": "initialize", "box": [box.x, box.y, box.width, box.height]}, image)

    def update(self, image: Image) -> Prediction:
        """Send the image and return the program's box.

        Raises:
            EvalkitError: The program fails, or its answer is invalid.
        """
        answer = self._ask({"do": "update"}, image)
        if "box" not in answer:
            raise self._broken(
                'its answer to update has no "box" (null means that the target is not visible)', json.dumps(answer)
            )
        try:
            box = answer["box"]
            confidence = float(answer.get("confidence", math.nan))
            return Prediction(None if box is None else Box(*map(float, box)), confidence)
        except (TypeError, ValueError):
            raise self._broken("its answer is not a box", json.dumps(answer)) from None

    def _listed_files(self, answer: dict[str, Any]) -> tuple[str, ...]:
        """Return the files that the program lists: a change of any makes it another tracker."""
        files = answer.get("files", [])
        if isinstance(files, list) and all(isinstance(name, str) for name in files):
            return tuple(files)
        raise self._broken('"files" in its answer to hello is not a list of file names', json.dumps(files))

    def _ask(self, request: dict[str, Any], image: Image | None = None) -> dict[str, Any]:
        if image is not None:
            image = _inputs.as_rgb(image)
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
            return "closed streams, but the program still runs"

    def _broken(self, what: str, found: object) -> EvalkitError:
        return EvalkitError(
            what, where=shlex.join(self._command), found=str(found).strip(), exit_code=1,
            hint="docs/add-a-tracker.md describes the requests and answers",
        )  # fmt: skip


def _terminate(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except OSError:
                continue  # the process has already closed its end
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@registry.tracker("program:", summary='any program as a tracker, over its standard streams: "program:./my_tracker"')
def program(*, variant: str, settings: Mapping[str, str] | None = None) -> ProgramTracker:
    """Start a program from its command line, which is split as a shell does; no shell is started."""
    try:
        command = shlex.split(variant)
    except ValueError as error:
        raise EvalkitError(
            f"invalid command line: {error}", where=f"program:{variant}", hint="Close the quotation mark"
        ) from None
    if not command:
        raise EvalkitError("no program is named", where="program:", hint='Write "program:./my_tracker --option"')
    return ProgramTracker(command, settings or {})
