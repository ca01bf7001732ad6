"""A program with piped standard streams: read lines with a time limit, end it with all its children."""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import signal
import subprocess
import threading
import weakref
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from evalkit.errors import EvalkitError
from evalkit.signals import signal_name

GRACE = 5.0
"""Seconds that a program has to exit after its streams were closed, by either side."""
KEPT_LINES = 12
"""Number of lines of a program's own output that an error message can quote."""
LONGEST_LINE = 2**26
"""Largest number of bytes of a line; at a longer one the output counts as ended."""
SURPLUS_SECONDS = 0.001
"""Time in which a program that answers twice is noticed; it is not a part of the measured time."""
TIMEOUT = 120.0
"""Seconds that each answer of a program may take unless another time is set."""


@dataclass(frozen=True)
class Command:
    """How a program is started.

    Attributes:
        words: The program and its arguments.
        environment: Variables in addition to those of evalkit.
        folder: Working folder; the current one by default.
        timeout: Seconds that each answer may take, that to the start included.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    timeout: float = TIMEOUT

    def __str__(self) -> str:
        return shlex.join(self.words)

    def error(self, what: str, found: object, hint: str) -> EvalkitError:
        """Return an error that names the command."""
        return EvalkitError(what, where=str(self), found=str(found).strip(), hint=hint, exit_code=1)


def parse_timeout(text: str | None, where: str) -> float:
    """Return a number of seconds, ``TIMEOUT`` without text.

    Raises:
        EvalkitError: It is not a number above 0; ``where`` names the place.
    """
    if text is None:
        return TIMEOUT
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise EvalkitError("the timeout is not a number of seconds", where=where, found=text)
    return value


class ProgramEnded(Exception):  # noqa: N818 -- named like the situation
    """The program ended, or closed its output; the text says how."""


class ProgramLate(Exception):  # noqa: N818
    """The program did not answer in time."""


class Process:
    """A running program. It is ended when the object is deleted, and when evalkit ends.

    Args:
        command: How to start it.

    Attributes:
        own_output: The last lines of its output that are not for evalkit.
        farewell: What it is sent before its input is closed.
        close: Ends it.

    Raises:
        EvalkitError: It cannot be started.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        self.own_output: deque[str] = deque(maxlen=KEPT_LINES)
        try:
            self._popen = subprocess.Popen(  # noqa: S603
                command.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=command.folder,
                env={**os.environ, **command.environment}, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise EvalkitError(
                f"the program cannot be started: {error.strerror}", where=str(command),
                hint="Give its path, or a name that a shell would find",
            ) from None  # fmt: skip
        self._guard = GroupGuard(self._popen.pid)
        self._input = cast(IO[bytes], self._popen.stdin)  # both are pipes because Popen was called with PIPE
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        output = cast(IO[bytes], self._popen.stdout)
        threading.Thread(target=_read_lines, args=(output, self._lines), daemon=True).start()
        self.farewell = bytearray()
        self.close = weakref.finalize(self, end_group, self._popen, self.farewell, self._guard)

    def write(self, data: bytes) -> None:
        """Send data to the program.

        Raises:
            ProgramEnded: It closed its input.
        """
        try:
            self._input.write(data)
            self._input.flush()
        except OSError:
            raise ProgramEnded(self.end()) from None

    def read_line(self, timeout: float | None = None) -> bytes:
        """Return the next line of the program's output, with its line break.

        Args:
            timeout: Seconds to wait; the command's by default.

        Raises:
            ProgramEnded: The output ended.
            ProgramLate: No line came in time.
        """
        try:
            line = self._lines.get(timeout=self.command.timeout if timeout is None else timeout)
        except queue.Empty:
            raise ProgramLate from None
        if line is None:
            self._lines.put(None)  # for the next call
            raise ProgramEnded(self.end())
        return line

    def surplus_line(self) -> bytes | None:
        """Return a line that the program has written without being asked; None if there is none."""
        try:
            line = self._lines.get(timeout=SURPLUS_SECONDS)
        except queue.Empty:
            return None
        if line is None:
            self._lines.put(None)  # it has ended, which the next call reports
        return line

    def end(self) -> str:
        """Wait until the program ends, and return how it ended."""
        try:
            code = self._popen.wait(GRACE)
        except subprocess.TimeoutExpired:
            return "closed streams, but the program still runs"
        return f"exit code {code}" if code >= 0 else f"killed by {signal_name(-code)}"

    def quoted(self) -> str:
        """Return the last lines of the program's own output, for a message."""
        return " | ".join(self.own_output)


def _read_lines(output: IO[bytes], lines: queue.SimpleQueue[bytes | None]) -> None:
    with contextlib.suppress(OSError, ValueError), output:  # closed while reading
        while (line := output.readline(LONGEST_LINE)) and (len(line) < LONGEST_LINE or line.endswith(b"\n")):
            lines.put(line)
    lines.put(None)


class GroupGuard:
    """A process that kills a group of processes when evalkit's process is killed, in which case nothing else can.

    It waits for the end of a pipe that only evalkit's process holds open. On systems without a shell it does nothing.

    Args:
        group: Id of the group: that of its first process.
    """

    def __init__(self, group: int) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        if hasattr(os, "killpg"):
            script = 'read -r line; kill -9 "-$1"'
            with contextlib.suppress(OSError):
                self._process = subprocess.Popen(  # noqa: S603
                    ["/bin/sh", "-c", script, "evalkit-guard", str(group)], stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                )  # fmt: skip

    def dismiss(self) -> None:
        """End the guard without killing the group."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


def end_group(
    process: subprocess.Popen[bytes], farewell: bytearray | None = None, guard: GroupGuard | None = None
) -> None:
    """Send the last words, close a program's input, give it time to exit, and kill what is left of its group."""
    if process.stdin is not None:
        with contextlib.suppress(OSError, ValueError):  # the process has already closed its end
            if farewell:
                process.stdin.write(farewell)
            process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # its children too, also where it has exited itself
    process.kill()
    process.wait()
    if guard is not None:
        guard.dismiss()
