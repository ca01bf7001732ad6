"""Device files, which describe phones for ``--device FILE.toml``.

::

    name = "pixel-7"                     # name in the results
    kind = "android"
    serial = "28281FDH2000XX"            # from `adb devices`; not needed if only one phone is plugged in
    binary = "lighttrack_bench"          # program for the phone; relative to this file, or absolute
    command = "{binary} {network} {queries} {threads} {times}"
    folder = "/data/local/tmp/evalkit"   # folder on the phone that is used
    runtime = "ncnn"                     # runtime whose format the program reads
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from pathlib import Path

from evalkit.errors import EvalkitError
from evalkit.io import toml

PLACES = {"binary", "network", "queries", "threads", "times"}
"""Placeholders of a command: the program, the folder of the exported network, the number of queries and of threads, and
the file that the program writes one time in milliseconds per query to."""


@dataclass(frozen=True)
class Device:
    """A phone as its file describes it; the module documents the fields."""

    name: str
    binary: Path
    command: str
    runtime: str
    serial: str | None = None
    folder: str = "/data/local/tmp/evalkit"


_EXAMPLE = "`--device` takes cpu, cuda:0, or a file as docs/measure-a-phone.md describes"


def is_device_file(device: str) -> bool:
    """Return whether ``--device`` names a file rather than a device of this machine."""
    return device.endswith(".toml")


def read(path: Path) -> Device:
    """Read a device file.

    Raises:
        EvalkitError: The file is missing or is not TOML, a key is missing, unknown or invalid, or the program for the
            phone does not exist.
    """
    table = toml.load_table(path, missing="no such device file", hint=_EXAMPLE)
    kind = table.require("kind", str)
    if kind != "android":
        raise EvalkitError("unsupported kind of device", where=path, found=kind, expected="android", hint=_EXAMPLE)
    device = Device(
        name=table.require("name", str),
        binary=path.parent / table.require("binary", str),
        command=table.require("command", str),
        runtime=table.require("runtime", str),
        serial=table.get("serial", str),
        folder=table.get("folder", str, Device.folder),
    )
    table.reject_unknown_keys()
    _check_command(device.command, path)
    if not device.binary.is_file():
        raise EvalkitError(
            "the program for the phone does not exist", where=device.binary, hint=f"Fix binary in {path}"
        )
    return device


def _check_command(command: str, path: Path) -> None:
    named = {field for _, field, _, _ in string.Formatter().parse(command) if field is not None}
    if not named <= PLACES or not {"network", "times"} <= named:
        raise EvalkitError(
            "command must contain {network} and {times}, and no unknown placeholder", where=path, found=command,
            expected=", ".join(f"{{{place}}}" for place in sorted(PLACES)),
        )  # fmt: skip
