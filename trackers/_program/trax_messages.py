"""Messages, regions and images of the TraX protocol, versions 1 to 4.

A message is a line: ``@@TRAX:``, its type, mandatory arguments, and named arguments, each in double quotes. Other lines
are the tracker's own output. Source: ``docs/protocol.rst``, ``src/message.c``, ``src/region.c`` and ``src/trax.c`` of
votchallenge/trax a7f2a2c.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from evalkit.errors import EvalkitError
from evalkit.geometry import bounding_box, box_corners
from evalkit.io.regions import format_record, parse_line
from evalkit.types import Box, Image, Mask, Polygon, Region

PREFIX = b"@@TRAX:"
_ARGUMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_NAMED = re.compile(r"([A-Za-z0-9_.]{1,64})=(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PREFIXES = re.compile(r"^(rect|rectangle|poly|polygon|mask|special):")


@dataclass(frozen=True)
class Message:
    """A message of the protocol.

    Attributes:
        type: ``hello``, ``state``, ``quit``, ...
        arguments: Mandatory arguments.
        named: Named arguments.
    """

    type: str
    arguments: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """Return the line that is sent."""
        words = [*self.arguments, *(f"{key}={value}" for key, value in self.named.items())]
        return PREFIX + " ".join([self.type, *map(_quoted, words)]).encode() + b"\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def parse_message(line: bytes) -> Message | None:
    """Return the message in a line of output; None where the line is the tracker's own output.

    >>> parse_message(b'@@TRAX:state "1,2,3,4" "confidence=0.5"')
    Message(type='state', arguments=('1,2,3,4',), named={'confidence': '0.5'})
    """
    _, found, text = line.partition(PREFIX)  # a tracker may have printed something without a line break before
    if not found:
        return None
    kind, _, rest = text.decode(errors="replace").strip().partition(" ")
    words = [_unescaped(match[1] if match[2] is None else match[2]) for match in _ARGUMENT.finditer(rest)]
    matches = [_NAMED.fullmatch(word) for word in words]
    arguments = [word for word, match in zip(words, matches, strict=True) if match is None]
    return Message(kind, tuple(arguments), {match[1]: match[2] for match in matches if match})


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], text)


@dataclass(frozen=True)
class Greeting:
    """What a tracker says of itself in ``hello``.

    Attributes:
        version: Version of the protocol.
        name: The tracker's name; empty where it has none.
        regions: Names of the region formats that it takes.
        images: Names of the image formats that it takes.
        channels: Names of the image channels that it needs.
        one_sequence: True for the VOT wrappers, whose program ends after one initialisation.
    """

    version: int
    name: str
    regions: tuple[str, ...]
    images: tuple[str, ...]
    channels: tuple[str, ...]
    one_sequence: bool

    @classmethod
    def read(cls, message: Message) -> Greeting:
        """Read a ``hello`` message; what it does not name has the protocol's default.

        Raises:
            ValueError: The version is not a number.
        """
        named = message.named
        return cls(
            version=int(named.get("trax.version", "1")),
            name=named.get("trax.name", ""),
            regions=_names(named.get("trax.region", "rectangle")),
            images=_names(named.get("trax.image", "path")),
            channels=_names(named.get("trax.channels", "color")),
            one_sequence="vot" in named,
        )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in re.split(r"[;,\s]+", text) if name)


def encode_region(region: Region, formats: Sequence[str]) -> str:
    """Return a region as text, in its own kind where the tracker takes that, else converted.

    Raises:
        EvalkitError: The tracker takes none of rectangle, polygon and mask.
    """
    own = {Box: "rectangle", Polygon: "polygon", Mask: "mask"}[type(region)]
    for kind in (own, "rectangle", "polygon", "mask"):
        if kind in formats:
            return _as_kind(region, kind)
    raise EvalkitError("the tracker takes no region that evalkit has", found=", ".join(formats) or "nothing",
                       expected="rectangle, polygon or mask")  # fmt: skip


def _as_kind(region: Region, kind: str) -> str:
    box = bounding_box(region)
    if kind == "rectangle":
        return format_record(box)
    if kind == "polygon":
        return format_record(region if isinstance(region, Polygon) else Polygon(box_corners(box)))
    return "mask:" + format_record(region if isinstance(region, Mask) else _filled(region)).removeprefix("m")


def _filled(region: Box | Polygon) -> Mask:
    """Return the pixels of a box or polygon as a mask."""
    box = bounding_box(region)
    left, top = math.floor(box.x), math.floor(box.y)
    width, height = max(1, round(box.x + box.width) - left), max(1, round(box.y + box.height) - top)
    if isinstance(region, Box):
        return Mask(np.ones((height, width), dtype=bool), left, top)
    bitmap = np.zeros((height, width), dtype=np.uint8)
    cv2.fillPoly(bitmap, [np.round(region.points - [left, top]).astype(np.int32)], 1)
    return Mask(bitmap.astype(bool), left, top)


def decode_region(text: str, where: object = None) -> Region | None:
    """Return the region in an answer; None for a code, an empty text, NaN, and the box 0,0,0,0 (the target is absent).

    Raises:
        EvalkitError: It is not a region.
    """
    text = text.strip()
    prefix = _PREFIXES.match(text)
    body = text[prefix.end() :] if prefix else text
    if not body or (prefix and prefix[1] == "special"):
        return None
    record = parse_line(("m" if prefix and prefix[1] == "mask" else "") + body, where)
    if isinstance(record, int):
        return None
    return None if isinstance(record, Box) and record == Box(0, 0, 0, 0) else record


def encode_image(image: Image, kind: str) -> str:
    """Return an image as text: ``memory`` (its pixels) or ``buffer``, also called ``data`` (a PNG file)."""
    if kind == "memory":
        height, width = image.shape[:2]
        return f"image:{width};{height};rgb;" + base64.b64encode(image.tobytes()).decode()
    _, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return "data:image/png;" + base64.b64encode(data.tobytes()).decode()


def encode_path(path: Path) -> str:
    """Return an image file as text."""
    return f"file://{path}"
