"""Programs in any language as trackers, ``--tracker "program:./my_tracker --fast"`` or ``--tracker trackers.ini:NAME``.

Three protocols are understood: evalkit's own over the standard streams (docs/add-a-tracker.md), TraX (the VOT
toolkit's), and the VOT toolkit's folder protocol. The first two are told apart by the program's first line.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.trackers._program import json_tracker
from evalkit.trackers._program.folder_tracker import FolderTracker
from evalkit.trackers._program.ini import read_entry, user_files
from evalkit.trackers._program.json_tracker import JsonTracker
from evalkit.trackers._program.process import Command, Process, ProgramEnded, ProgramLate, parse_timeout
from evalkit.trackers._program.program_files import command_files
from evalkit.trackers._program.trax_messages import parse_message
from evalkit.trackers._program.trax_tracker import TraxTracker

ProgramTracker: TypeAlias = JsonTracker | TraxTracker | FolderTracker


def _files_of_command_line(variant: str) -> list[Path]:
    return command_files(Command(_split(variant)))


def _files_of_ini_entry(variant: str) -> list[Path]:
    return user_files(*_place_of_entry(variant))


def _place_of_entry(variant: str) -> tuple[Path, str]:
    file, separator, name = variant.rpartition(":")
    return Path(file if separator else "trackers.ini"), name


@registry.tracker(
    "program:", summary='any program as a tracker, by its own protocol or TraX: "program:./my_tracker"',
    program_files=_files_of_command_line,
)  # fmt: skip
def program(*, variant: str, settings: Mapping[str, str] | None = None) -> ProgramTracker:
    """Start a program from its command line, which is split as a shell does; no shell is started.

    ``--set protocol=folder`` selects the folder protocol of the VOT toolkit, ``--set timeout=SECONDS`` the time that an
    answer may take. Other settings are sent to the program.
    """
    given = dict(settings or {})
    command = Command(_split(variant), timeout=parse_timeout(given.get("timeout"), "--set timeout"))
    own = {key: value for key, value in given.items() if key not in ("protocol", "timeout")}
    protocol = given.get("protocol")
    if protocol == "folder":
        return FolderTracker(command, own)
    if protocol == "trax":
        return TraxTracker(command, own)
    if protocol is not None:
        raise EvalkitError("unknown protocol of a program", where="--set protocol", found=protocol,
                           expected="trax or folder; without it, the program's first line decides")  # fmt: skip
    return _recognised(command, given, own)


@registry.tracker(
    "trackers.ini:", summary="a tracker of a trackers.ini of the VOT toolkit: path/to/trackers.ini:NAME",
    file_suffix=".ini", label=lambda variant: variant.rpartition(":")[2], program_files=_files_of_ini_entry,
)  # fmt: skip
def ini(*, variant: str, settings: Mapping[str, str] | None = None) -> ProgramTracker:
    """Start a tracker of a ``trackers.ini``; settings are sent to it in addition to its arguments."""
    entry = read_entry(*_place_of_entry(variant))
    arguments = {**entry.arguments, **(settings or {})}
    start = FolderTracker if entry.protocol == "folder" else TraxTracker
    tracker = start(entry.command, arguments)
    if entry.variables:
        tracker.card = {**tracker.card, "environment": entry.variables}
    return tracker


def _split(variant: str) -> tuple[str, ...]:
    try:
        words = shlex.split(variant)
    except ValueError as error:
        raise EvalkitError(
            f"invalid command line: {error}", where=f"program:{variant}", hint="Close the quotation mark"
        ) from None
    if not words:
        raise EvalkitError("no program is named", where="program:", hint='Write "program:./my_tracker --option"')
    return tuple(words)


def _recognised(command: Command, settings: Mapping[str, str], own: Mapping[str, str]) -> ProgramTracker:
    """Start a program and return its tracker by the protocol of its first line.

    The first request of evalkit's own protocol is sent at once; TraX trackers skip lines that are not messages. A
    program may print text of its own first.
    """
    process = Process(command)
    limit = time.monotonic() + command.timeout
    try:
        process.write(json_tracker.greeting(settings))
        while True:
            line = process.read_line(max(0.0, limit - time.monotonic()))
            message = parse_message(line)
            if message is not None:
                return TraxTracker(command, own, process, message)
            if json_tracker.is_json(line):
                return JsonTracker(process, settings, line)
            process.own_output.append(line[:200].decode(errors="replace").strip())
    except ProgramEnded as end:
        found = f"{end}; its output: {process.quoted()}" if process.own_output else str(end)
        raise command.error("the program ended instead of answering hello", found, json_tracker.HINT) from None
    except ProgramLate:
        process.close()
        raise command.error(
            f"no answer to hello within {command.timeout:g} s, neither JSON nor @@TRAX:hello; the program was ended",
            process.quoted() or "no output", json_tracker.HINT,
        ) from None  # fmt: skip
