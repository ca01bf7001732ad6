"""``trackers.ini`` of the VOT toolkit: how its trackers are started."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from evalkit.errors import EvalkitError, UnknownName, suggestion
from evalkit.trackers._program.process import Command, parse_timeout
from evalkit.trackers._program.program_files import command_files

PROTOCOLS = ("trax", "folder")
LANGUAGES = ("", "python", "matlab", "octave")
_OPTIONS = {
    "matlab": ("-nodesktop", "-nosplash", "-r"),
    "octave": ("--no-gui", "--no-window-system", "--eval"),
}
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


@dataclass(frozen=True)
class IniTracker:
    """An entry of ``trackers.ini``.

    Attributes:
        command: How it is started.
        protocol: ``trax`` or ``folder``.
        arguments: Its arguments, ``arg_NAME``, sent with the first region.
        variables: Its environment variables, ``env_NAME``.
        paths: Folders in which it searches for modules.
    """

    command: Command
    protocol: str
    arguments: dict[str, str]
    variables: dict[str, str]
    paths: tuple[str, ...]


def read_entry(path: Path, name: str) -> IniTracker:
    """Return an entry of the file.

    Raises:
        UnknownName: The file has no entry of that name.
        EvalkitError: The file cannot be read, or the entry has no command or an unknown protocol.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise EvalkitError(f"this file cannot be read: {error}", where=path,
                           hint="It is a trackers.ini as the VOT toolkit reads it") from None  # fmt: skip
    if name not in parser:
        raise UnknownName(
            f"no tracker is named {name!r} in this file", where=path, found=", ".join(parser.sections()) or "nothing",
            hint=suggestion(name, parser.sections()) or f"Write {path}:NAME",
        )  # fmt: skip
    section = dict(parser[name])
    protocol, language = _protocol(section.get("protocol", "traxpython"), f"{path}:{name}")
    if not section.get("command"):
        raise EvalkitError("this tracker has no command", where=f"{path}:{name}", hint="Add: command = ...")
    command = Command(
        words=_words(section, language, path.parent),
        environment=_environment(section, language, path.parent),
        folder=path.resolve().parent,
        timeout=parse_timeout(section.get("timeout"), f"{path}:{name}"),
    )
    return IniTracker(
        command, protocol, _with_prefix(section, "arg_"), _variables(section),
        tuple(_paths(section, "paths", path.parent)),
    )  # fmt: skip


def user_files(path: Path, name: str) -> list[Path]:
    """Return the files of the user's own that an entry starts: its program, script or modules; see ``read_entry``."""
    entry = read_entry(path, name)
    return command_files(entry.command, entry.paths)


def _with_prefix(section: dict[str, str], prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): value for key, value in section.items() if key.startswith(prefix)}


def _variables(section: dict[str, str]) -> dict[str, str]:
    return {key.upper(): value for key, value in _with_prefix(section, "env_").items()}


def _protocol(text: str, where: str) -> tuple[str, str]:
    for protocol in PROTOCOLS:
        language = text.removeprefix(protocol)
        if text.startswith(protocol) and language in LANGUAGES:
            return protocol, language
    known = ", ".join(protocol + language for protocol in PROTOCOLS for language in LANGUAGES)
    raise EvalkitError("unknown protocol of a tracker", where=where, found=text, expected=known)


def _paths(section: dict[str, str], key: str, root: Path) -> list[str]:
    return [str((root / part).resolve()) for part in section.get(key, "").split(os.pathsep) if part]


def _words(section: dict[str, str], language: str, root: Path) -> tuple[str, ...]:
    """Return the words of the command line, as the toolkit's adapters for languages build it."""
    command, paths = section["command"], _paths(section, "paths", root)
    if language == "python":
        python = section.get("python", sys.executable)
        if _MODULE.fullmatch(command):
            return python, "-m", command
        imports = "".join(f"sys.path.insert(0, {path!r}); " for path in reversed(paths))
        return python, "-c", f"import sys; {imports}{command}"
    if language in ("matlab", "octave"):
        added = "".join(f"addpath('{path}');" for path in paths)
        script = f"try; {added}{command}; catch ex; disp(ex.message); end; quit;"
        return section.get(language, language), *_OPTIONS[language], script
    return tuple(shlex.split(command))


def _environment(section: dict[str, str], language: str, root: Path) -> dict[str, str]:
    environment = {**_variables(section), "TRAX": "1"}
    if language == "python":
        environment["PYTHONUNBUFFERED"] = "1"
        _prepend(environment, "PYTHONPATH", _paths(section, "paths", root))
    _prepend(environment, "PATH" if os.name == "nt" else "LD_LIBRARY_PATH", _paths(section, "linkpaths", root))
    return environment


def _prepend(environment: dict[str, str], name: str, paths: list[str]) -> None:
    before = environment.get(name, os.environ.get(name, ""))
    if paths:
        environment[name] = os.pathsep.join([*paths, *([before] if before else [])])
