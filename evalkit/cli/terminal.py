"""Standard output and error that show control characters of names instead of passing them to the terminal."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO, cast

from evalkit.cli import process

_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_DIRECTIONS = r"\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_UNSAFE = re.compile(f"[{_CONTROLS}{_DIRECTIONS}\\ud800-\\udfff]")
_RESET = "\x1b[0m"
"""What colorama, which numba imports, writes when the process ends; nothing here is left in a colour."""
_COMMAND = re.compile(r"^([ \t]*)::", re.MULTILINE)


def visible(text: str) -> str:
    r"""Return a text with control characters, marks of writing direction and bytes that are not UTF-8 written out.

    They are written as JSON does, so that JSON stays the same value. Line ends and tabs stay.

    >>> visible("red\x1b[31m\u202e")
    'red\\u001b[31m\\u202e'
    """
    return _UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def without_commands(text: str) -> str:
    r"""Return a text in which no line begins with ``::``, which a CI runner would take for a command.

    >>> without_commands("::error::x")
    '\\::error::x'
    """
    return _COMMAND.sub(r"\1\\::", text)


class SafeStream:
    """A text stream whose lines are shown as ``visible`` and ``without_commands`` return them.

    Everything but ``write`` and ``flush`` is the stream's own. A terminal's stream may receive escape sequences of a
    progress bar; names are made visible before they come there.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str | bytes) -> int:
        """Write a text; returns the number of its characters. click writes the completions of a shell as bytes."""
        if isinstance(text, bytes):
            text = text.decode("utf-8", "surrogateescape")
        try:
            if text != _RESET:
                self._stream.write(without_commands(visible(text)))
        except BrokenPipeError as error:
            raise process.ReaderLeftError from error
        return len(text)

    def close(self) -> None:
        """Do nothing: a tracker that closes standard output must not keep evalkit from printing."""

    def flush(self) -> None:
        """Write what is buffered."""
        try:
            self._stream.flush()
        except BrokenPipeError as error:
            raise process.ReaderLeftError from error

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        if name == "buffer":  # click would write to it where the encoding is ASCII
            raise AttributeError(name)
        return getattr(self._stream, name)


class ClosedStream(io.TextIOBase):
    """Standard output of a process that was started without one: writing fails, so that the user is told."""

    def write(self, text: str) -> int:
        """Raise the error of a closed descriptor."""
        raise OSError(errno.EBADF, "standard output is closed")


def is_dumb() -> bool:
    """Return whether the terminal takes no escape sequences, as ``$TERM`` says."""
    return os.environ.get("TERM") in ("dumb", "unknown")


def unprotected(stream: TextIO) -> TextIO:
    """Return the stream itself, for a progress bar, which moves the cursor."""
    return stream._stream if isinstance(stream, SafeStream) else stream


@contextlib.contextmanager
def protected_streams() -> Iterator[None]:
    """Make standard output and error safe to print any name to, in any encoding."""
    before = sys.stdout, sys.stderr
    try:
        sys.stdout, sys.stderr = _protected(sys.stdout or cast(TextIO, ClosedStream())), _protected(sys.stderr)
        yield
    finally:
        sys.stdout, sys.stderr = before


def _protected(stream: TextIO | None) -> Any:
    if stream is None or isinstance(stream, SafeStream):
        return stream
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return SafeStream(stream)
