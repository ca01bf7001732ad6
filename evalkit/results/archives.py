"""Archives from strangers, unpacked without trusting what they say about themselves."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from evalkit.errors import EvalkitError

LARGEST = 8 * 2**30
"""Bytes that an archive may unpack to; the largest benchmark's results are below one gigabyte."""

MOST_FILES = 500_000
_STEEPEST = 2000
_HARMLESS = 64 * 2**20
_CHUNK = 2**20
_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, NotImplementedError, RuntimeError, OSError),
)
"""What the standard library raises for archives that it cannot read."""
SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    problem: str | None
    source: Any


def is_archive(path: Path) -> bool:
    """Whether the name is that of an archive this module unpacks."""
    return path.is_file() and path.name.lower().endswith(SUFFIXES)


def unpack(path: Path, target: Path) -> None:
    """Write the files of a zip or tar archive below ``target``.

    Raises:
        EvalkitError: It is damaged, or a member is a link or device, has an absolute path or one with ``..``, is there
            twice, or unpacks to far more than an archive of results can. Nothing is written in that case, except that
            of a bomb that lies about its size up to ``LARGEST`` bytes may be.
    """
    try:
        if path.name.lower().endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                members = [_zip_member(info) for info in archive.infolist() if not info.is_dir()]
                _unpack(path, members, lambda member: archive.open(member.source), target)
        else:
            with tarfile.open(path) as tar:
                members = [_tar_member(info) for info in tar.getmembers() if not info.isdir()]
                _unpack(path, members, lambda member: tar.extractfile(member.source), target)
    except _DAMAGE as error:
        raise EvalkitError(f"this archive cannot be unpacked: {error}", where=path, hint="Fetch it again") from error


def _zip_member(info: zipfile.ZipInfo) -> _Member:
    kind = stat.S_IFMT(info.external_attr >> 16)
    problem = None if kind in (0, stat.S_IFREG) else "a link or device"
    return _Member(info.filename, info.file_size, problem, info)


def _tar_member(info: tarfile.TarInfo) -> _Member:
    return _Member(info.name, info.size, None if info.isreg() else "a link or device", info)


def _unpack(path: Path, members: list[_Member], open_: Callable[[_Member], IO[bytes] | None], target: Path) -> None:
    _check(path, members)
    left = LARGEST
    for member in members:
        place = target.joinpath(*PurePosixPath(member.name).parts)
        place.parent.mkdir(parents=True, exist_ok=True)
        source = open_(member)
        if source is None:
            raise EvalkitError("this archive cannot be unpacked", where=path, found=member.name)
        with source, place.open("wb") as stream:
            for chunk in _chunks(source):
                left -= len(chunk)
                if left < 0:
                    raise _bomb(path)
                stream.write(chunk)


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk


def _check(path: Path, members: list[_Member]) -> None:
    seen = set()
    for member in members:
        problem = member.problem or _problem_of(member.name)
        if problem is None and member.name.casefold() in seen:
            problem = "there twice"
        if problem is not None:
            raise EvalkitError(
                "this archive is not safe to unpack", where=path, found=f"{member.name!r}, {problem}",
                expected="plain files below one folder",
            )  # fmt: skip
        seen.add(member.name.casefold())
    size = sum(member.size for member in members)
    steep = size > _HARMLESS and size > _STEEPEST * path.stat().st_size
    if size > LARGEST or len(members) > MOST_FILES or steep:
        raise _bomb(path)


def _problem_of(name: str) -> str | None:
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if posix.is_absolute() or windows.drive or windows.root:
        return "an absolute path"
    if ".." in posix.parts or ".." in windows.parts:
        return "a path out of its folder"
    return "a name with control characters" if any(ord(letter) < 32 for letter in name) or not name else None


def _bomb(path: Path) -> EvalkitError:
    return EvalkitError(
        "this archive unpacks to more than results can be", where=path, expected=f"at most {LARGEST} bytes",
        hint="Unpack it yourself if you trust it, and import the folder",
    )  # fmt: skip
