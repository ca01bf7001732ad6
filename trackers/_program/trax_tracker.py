"""A tracker that speaks TraX, the protocol of the VOT toolkit, over its standard streams."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from evalkit.errors import EvalkitError
from evalkit.trackers import _inputs
from evalkit.trackers._program.image_files import ImageFiles
from evalkit.trackers._program.process import Command, Process, ProgramEnded, ProgramLate
from evalkit.trackers._program.trax_messages import (
    Greeting,
    Message,
    decode_region,
    encode_image,
    encode_path,
    encode_region,
    parse_message,
)
from evalkit.types import FrameContext, Image, Prediction, Region

HINT = "Start the program by hand: it must print a line that begins with @@TRAX:hello"
VERSIONS = range(1, 5)
IMAGES = ("path", "memory", "buffer", "data")
"""Image formats in the order of preference; ``data`` is the name of ``buffer`` in the protocol's description."""


def connect(process: Process, message: Message | None = None) -> Greeting:
    """Return what the tracker says of itself.

    Args:
        process: The started program.
        message: Its ``hello``, where it has been read already.

    Raises:
        EvalkitError: The program does not greet, or needs what evalkit does not have.
    """
    message = message or receive(process, "its greeting")
    try:
        greeting = Greeting.read(message)
    except ValueError:
        greeting = None
    error = process.command.error
    if message.type != "hello" or greeting is None:
        raise error("its first TraX message is not a valid hello", message.encoded().decode(), HINT)
    if greeting.version not in VERSIONS:
        raise error("the tracker speaks another version of TraX", greeting.version, "evalkit speaks 1 to 4")
    if greeting.channels != ("color",):
        raise error("the tracker needs other channels than color", ", ".join(greeting.channels),
                    "evalkit's benchmarks have colour images only")  # fmt: skip
    process.farewell.extend(Message("quit").encoded())
    if not set(greeting.images) & set(IMAGES):
        raise error("the tracker takes no image format that evalkit has", ", ".join(greeting.images),
                    f"It may take {', '.join(IMAGES)}")  # fmt: skip
    return greeting


def receive(process: Process, awaited: str) -> Message:
    """Return the next message of the tracker; its own output before it is kept for messages.

    Raises:
        EvalkitError: The program ended, or did not answer in time.
    """
    timeout = process.command.timeout
    limit = time.monotonic() + timeout
    try:
        while True:
            line = process.read_line(max(0.0, limit - time.monotonic()))
            message = parse_message(line)
            if message is not None:
                return message
            process.own_output.append(line[:200].decode(errors="replace").strip())
    except ProgramEnded as end:
        found = f"{end}; its last output: {process.quoted()}" if process.own_output else str(end)
        raise process.command.error(f"the program ended instead of sending {awaited}", found, HINT) from None
    except ProgramLate:
        process.close()
        raise process.command.error(
            f"the program did not send {awaited} within {timeout:g} s and was ended", process.quoted() or "no output",
            "Allow more time with --set timeout=SECONDS (in trackers.ini: timeout = SECONDS)",
        ) from None  # fmt: skip


class TraxTracker:
    """A tracker that speaks TraX.

    The program is started again for another initialisation if it is a VOT wrapper, which tracks one target only, or if
    it ended; this is not timed. It reads image files itself where it can, so that decoding is a part of its time.

    Args:
        command: How to start the program.
        properties: Named arguments of each ``initialize``.
        process: The program, where it has been started already.
        message: Its ``hello``, where it has been read already.

    Raises:
        EvalkitError: See ``connect``.
    """

    def __init__(
        self,
        command: Command,
        properties: Mapping[str, str],
        process: Process | None = None,
        message: Message | None = None,
    ) -> None:
        self._command = command
        self._properties = properties
        self._process = process or Process(command)
        self._greeting = connect(self._process, message)
        self._used = False
        self._files = ImageFiles()
        self._encoded: tuple[int, str] | None = None
        self.card: Mapping[str, Any] = {
            "program": str(command), "settings": dict(properties), "protocol": f"TraX {self._greeting.version}",
            "name": self._greeting.name,
        }  # fmt: skip

    def before_frame(self, context: FrameContext) -> None:
        """Start the program again if it must be, and write the image to a file if the benchmark has none."""
        if context.starts:
            self._ready()
        else:
            self._refuse_surplus()
        kind = self._image_kind
        if kind == "path":
            file = self._files.file_for(_inputs.as_rgb(context.image), context.file)
            self._encoded = id(context.image), encode_path(file)

    def initialize(self, image: Image, region: Region) -> None:
        """Send the image and the region, in the format that the tracker takes.

        Raises:
            EvalkitError: The region has no area, or the program fails.
        """
        _inputs.start_box(region)  # rejects a region without area
        self._ready()
        picture, target = self._picture(image), encode_region(region, self._greeting.regions)
        if self._greeting.version < 4:
            self._send(Message("initialize", (picture, target), self._properties))
        else:
            if self._used:
                self._send(Message("initialize"))  # forget the previous target
            self._send(Message("initialize", (target,), self._properties))
            self._send(Message("frame", (picture,)))
        self._used = True
        self._answer("the state of the first frame")

    def update(self, image: Image) -> Prediction:
        """Send the image and return the tracker's region.

        Raises:
            EvalkitError: The program fails, or its answer is invalid.
        """
        self._send(Message("frame", (self._picture(image),)))
        return self._answer("a state")

    @property
    def _image_kind(self) -> str:
        return next(kind for kind in IMAGES if kind in self._greeting.images)

    def _ready(self) -> None:
        """Start the program again if it has been used and cannot be initialised a second time."""
        if self._used and (self._greeting.one_sequence or not self._process.close.alive):
            self._process.close()
            self._process = Process(self._command)
            self._greeting = connect(self._process)
            self._used = False

    def _refuse_surplus(self) -> None:
        """Raise an error for a message that the tracker has sent without being asked; its own output is kept."""
        while (line := self._process.surplus_line()) is not None:
            if parse_message(line) is not None:
                self._process.close()
                found = line[:200].decode(errors="replace")
                raise self._command.error("the tracker has answered more often than it was asked", found, HINT)
            self._process.own_output.append(line[:200].decode(errors="replace").strip())

    def _picture(self, image: Image) -> str:
        image = _inputs.as_rgb(image)
        kind = self._image_kind
        if kind != "path":
            return encode_image(image, kind)
        if self._encoded is not None and self._encoded[0] == id(image):
            return self._encoded[1]
        return encode_path(self._files.file_for(image, None))

    def _send(self, message: Message) -> None:
        try:
            self._process.write(message.encoded())
        except ProgramEnded as end:
            self._process.close()
            raise self._command.error(f"the program ended before it was sent {message.type}", end, HINT) from None

    def _answer(self, awaited: str) -> Prediction:
        try:
            message = receive(self._process, awaited)
            if message.type == "quit":
                reason = message.named.get("trax.reason") or self._process.quoted()
                raise self._command.error(f"the tracker quit instead of sending {awaited}", reason or "no reason", HINT)
            return self._prediction(message)
        except EvalkitError:
            self._process.close()
            raise

    def _prediction(self, message: Message) -> Prediction:
        if message.type != "state" or len(message.arguments) != 1:
            raise self._invalid(message)
        try:
            region = decode_region(message.arguments[0])
            return Prediction(region, float(message.named.get("confidence", math.nan)))
        except (ValueError, EvalkitError):
            raise self._invalid(message) from None

    def _invalid(self, message: Message) -> EvalkitError:
        return self._command.error(
            "its answer is not a state with one region", message.encoded().decode()[:200],
            'It must be @@TRAX:state "x,y,width,height"',
        )  # fmt: skip
