"""Unpack zip and tar archives safely: no links, no paths outside of the folder, no decompression bombs."""

from __future__ import annotations

import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from evalkit.errors import EvalkitError
from evalkit.io.limits import limit

MAX_BYTES = 8 * 2**30
"""Largest number of bytes that an archive may unpack to; results of the largest benchmark have less than 2**30."""

MAX_FILES = 500_000
_LIMIT_VARIABLE = "EVALKIT_MAX_ARCHIVE_BYTES"
_MAX_RATIO = 200
"""Unpacked bytes per byte of the archive: text of results has 3 to 30, deflate reaches 1032."""
_SMALL_BYTES = 2**29
"""Archives that unpack to no more may have any ratio: rows that are all equal have 300 in zip, thousands in tar.xz."""
_HEADER_BYTES = 2**20  # names and further fields of one member of a tar archive
_CHUNK = 2**20
READING_ERRORS = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, NotImplementedError, RuntimeError, OSError, ValueError, IndexError, OverflowError, struct.error),
)
"""Exceptions of the standard library for archives that it cannot read."""

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    problem: str | None
    source: Any


def is_archive(path: Path) -> bool:
    """Return whether a path is a file with the suffix of an archive."""
    return path.is_file() and path.name.lower().endswith(SUFFIXES)


def unpack(path: Path, target: Path) -> None:
    """Write the files of a zip or tar archive below ``target``.

    Raises:
        EvalkitError: The archive is damaged, a member is a link or device, has an absolute path or one with ``..``, or
            occurs twice, or the archive unpacks to far more bytes than results can have. Nothing is written then; only
            if the sizes stated in the archive are wrong, up to ``MAX_BYTES`` bytes may have been.
    """
    try:
        if path.name.lower().endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                members = [_zip_member(info) for info in archive.infolist() if not info.is_dir()]
                _unpack(path, members, lambda member: archive.open(member.source), target)
        else:
            with _open_tar(path) as tar:
                members = [_tar_member(info) for info in _limited(path, tar) if not info.isdir()]
                _unpack(path, members, lambda member: tar.extractfile(member.source), target)
    except READING_ERRORS as error:
        raise EvalkitError(f"this archive cannot be unpacked: {error}", where=path, hint="Download it again") from error


def check_size(path: Path, sizes: Iterable[int]) -> None:
    """Check that the members of an archive are not so many or so large that it is a decompression bomb.

    Args:
        path: The archive.
        sizes: Stated bytes of each member when it is unpacked; ``zipfile`` unpacks no more of it.

    Raises:
        EvalkitError: There are more files, or more bytes, than an archive of this size may have.
    """
    stated, compressed = list(sizes), path.stat().st_size
    if len(stated) > MAX_FILES or sum(stated) > _limit(compressed):
        raise _too_large(path, compressed)


def zip_names(path: Path) -> list[str]:
    """Return the names of the files in a zip archive as they are written in it; none for other archives.

    ``unpack`` reads backslashes, by which some programs on Windows separate folders, as slashes; other programs take
    them for a part of the name.
    """
    if not path.name.lower().endswith(".zip"):
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            return [info.filename for info in archive.infolist() if not info.is_dir()]
    except READING_ERRORS as error:
        raise EvalkitError(f"this archive cannot be unpacked: {error}", where=path, hint="Download it again") from error


class _BoundedTarInfo(tarfile.TarInfo):
    """A member whose header fields are read only if they are of a size that names have."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _HEADER_TYPES and self.size > _HEADER_BYTES:
            raise tarfile.ReadError(f"the header of a member has {self.size} bytes")
        return super()._proc_member(tar)  # type: ignore[misc, no-any-return]


_HEADER_TYPES = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    tarfile.GNUTYPE_SPARSE,
)


def _open_tar(path: Path) -> tarfile.TarFile:
    return tarfile.open(path, tarinfo=_BoundedTarInfo)


def _limited(path: Path, tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the members of a tar archive, and stop where they are more, or larger, than results can be.

    Whatever stands before a member has to be decompressed to find it, so that each size is checked before it.
    """
    size, compressed = 0, path.stat().st_size
    for count, info in enumerate(tar, 1):
        size += info.size
        if count > MAX_FILES or size > _limit(compressed):
            raise _too_large(path, compressed)
        yield info


def _zip_member(info: zipfile.ZipInfo) -> _Member:
    kind = stat.S_IFMT(info.external_attr >> 16)
    problem = None if kind in (0, stat.S_IFREG) else "a link or device"
    # Archives made on Windows may separate folders by backslashes; no benchmark has names with one.
    return _Member(info.filename.replace("\\", "/"), info.file_size, problem, info)


def _tar_member(info: tarfile.TarInfo) -> _Member:
    return _Member(info.name, info.size, None if info.isreg() else "a link or device", info)


def _unpack(path: Path, members: list[_Member], open_: Callable[[_Member], IO[bytes] | None], target: Path) -> None:
    _check(path, members)
    compressed = path.stat().st_size
    left = _limit(compressed)
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
                    raise _too_large(path, compressed)
                stream.write(chunk)


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk


def _check(path: Path, members: list[_Member]) -> None:
    """Raise an error for members that are not safe to unpack, before any is written."""
    for member, problem in _unsafe(members):
        raise EvalkitError(
            "this archive is not safe to unpack", where=path, found=f"{member.name!r}, {problem}",
            expected="plain files below one folder",
        )  # fmt: skip
    check_size(path, (member.size for member in members))


def _unsafe(members: list[_Member]) -> Iterator[tuple[_Member, str]]:
    seen: set[str] = set()
    for member in members:
        key = member.name.casefold()
        problem = member.problem or _problem_of(member.name) or ("which occurs twice" if key in seen else None)
        if problem is not None:
            yield member, problem
        seen.add(key)


def _problem_of(name: str) -> str | None:
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if posix.is_absolute() or windows.drive or windows.root:
        return "an absolute path"
    if ".." in posix.parts or ".." in windows.parts:
        return "a path outside of the folder"
    return "a name with control characters" if any(ord(letter) < 32 for letter in name) or not name else None


def _limit(compressed: int) -> int:
    """Return the number of bytes that an archive of this size may unpack to."""
    return limit(_LIMIT_VARIABLE, min(MAX_BYTES, max(_SMALL_BYTES, _MAX_RATIO * compressed)))


def _too_large(path: Path, compressed: int) -> EvalkitError:
    return EvalkitError(
        "this archive unpacks to more bytes or files than are accepted", where=path,
        expected=f"at most {_limit(compressed)} bytes and {MAX_FILES} files",
        hint=f"If you trust it, set {_LIMIT_VARIABLE} to a larger number, or unpack it yourself",
    )  # fmt: skip
