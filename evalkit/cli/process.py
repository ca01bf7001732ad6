"""The process of the command line: signals, errors of the system, and its end. Imports nothing slow."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
from typing import TextIO

END_SECONDS = 5.0
"""Time for threads and exit handlers of a tracker after a command has ended."""

USER_ERRORS = frozenset({
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR),
    *(errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOENT, errno.ESTALE, errno.EMFILE, errno.EFBIG, errno.EEXIST),
})  # fmt: skip
"""Errors of the system that are not a defect of evalkit."""


class ReaderLeftError(Exception):
    """The reader of standard output closed the pipe; not an ``OSError``, which click would turn into exit code 1."""


_terminated = threading.Event()


def raise_on_termination() -> None:
    """Let SIGTERM and SIGHUP end the process like Ctrl-C does: workers are stopped, temporary files removed."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # `nohup` ignores SIGHUP, which then stays so.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _terminate)


def _terminate(number: int, frame: object) -> None:
    for name in ("SIGTERM", "SIGHUP"):  # a second signal must not interrupt the cleaning up
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    _terminated.set()
    raise KeyboardInterrupt


def was_terminated() -> bool:
    """Return whether the process was asked to end by SIGTERM or SIGHUP: it then cleans up like after Ctrl-C."""
    return _terminated.is_set()


def is_closed_output(error: Exception) -> bool:
    """Return whether an error means that standard output was closed, by the caller or by a tracker."""
    if isinstance(error, ValueError):
        return "closed file" in str(error)
    return isinstance(error, OSError) and error.errno == errno.EBADF and error.filename is None


def end_soon(code: int) -> None:
    """End the process after ``END_SECONDS``, even if a tracker's thread, child or exit handler does not.

    Args:
        code: Exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        _flush(stream)
    timer = threading.Timer(END_SECONDS, _end, (code,))
    timer.daemon = True
    timer.start()


def _flush(stream: TextIO) -> None:
    """Flush a stream; where it cannot be written, drop what it holds, which would change the exit code at the end."""
    try:
        stream.flush()
    except Exception:
        with contextlib.suppress(Exception):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _end(code: int) -> None:
    with contextlib.suppress(Exception):
        _kill_children()
        os.write(2, b"evalkit: a thread or child process of the tracker did not end; it was ended\n")
    os._exit(code)


def _kill_children() -> None:
    """Kill the processes of the module multiprocessing: they would keep a pipe open that evalkit writes to."""
    module = sys.modules.get("multiprocessing")
    for child in module.active_children() if module is not None else ():
        child.kill()


def occupy_closed_descriptors() -> None:
    """Open the null device in place of closed standard streams: no other file gets their numbers, and their output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
