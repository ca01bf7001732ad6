"""Devices other than this machine, each described by a file of its own.

::

    name = "pixel-7"                     # what results are called by; never mixed with another device's
    kind = "android"
    serial = "28281FDH2000XX"            # of `adb devices`; not needed while only one is plugged in
    binary = "lighttrack_bench"          # program for the phone, beside this file or an absolute path
    command = "{binary} {network} {queries} {threads} {times}"
    folder = "/data/local/tmp/evalkit"   # where things are put on the phone
    runtime = "ncnn"                     # whose format the program reads
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError
from evalkit.io import toml

PLACES = {"binary", "network", "queries", "threads", "times"}
"""What a command may name: the program, the folder of the exported network, how many queries and threads, and the file
to write one time in milliseconds per query into."""


@dataclass(frozen=True)
class Device:
    """A phone, as its file describes it. See the module for the fields."""

    name: str
    binary: Path
    command: str
    runtime: str
    serial: str | None = None
    folder: str = "/data/local/tmp/evalkit"


_EXAMPLE = "`--device` takes cpu, cuda:0, or a file as docs/measure-a-phone.md describes"


def is_device_file(device: str) -> bool:
    """Whether ``--device`` names a file rather than a device of this machine."""
    return device.endswith(".toml")


def read(path: Path) -> Device:
    """The device that a file describes.

    Raises:
        EvalkitError: The file is missing or damaged, lacks a field or has one too many, or names a program that is
            not there.
    """
    content = toml.read(path, missing="no such device file", hint=_EXAMPLE)
    if content.pop("kind", None) != "android":
        raise EvalkitError(
            "the kind of this device is not known", where=path, expected='kind = "android"', hint=_EXAMPLE
        )
    _check_fields(content, path)
    device = Device(**{**content, "binary": path.parent / content["binary"]})
    if not device.binary.is_file():
        raise EvalkitError("the program for the phone is not there", where=device.binary, hint=f"{path} names it")
    return device


def _check_fields(content: dict[str, Any], path: Path) -> None:
    needed, known = {"name", "binary", "command", "runtime"}, set(Device.__dataclass_fields__)
    missing, unknown = sorted(needed - set(content)), sorted(set(content) - known)
    if missing or unknown:
        raise EvalkitError(
            "fields are missing" if missing else "fields are not known", where=path,
            found=", ".join(unknown) or None, expected=", ".join(missing or sorted(known)),
        )  # fmt: skip
    wrong = sorted(name for name, value in content.items() if not isinstance(value, str))
    if wrong:
        raise EvalkitError("these fields must be text", where=path, found=", ".join(wrong))
    named = {field for _, field, _, _ in string.Formatter().parse(content["command"]) if field is not None}
    if not named <= PLACES or not {"network", "times"} <= named:
        raise EvalkitError(
            "the command must say {network} and {times}, and nothing unknown", where=path, found=content["command"],
            expected=", ".join(f"{{{place}}}" for place in sorted(PLACES)),
        )  # fmt: skip
