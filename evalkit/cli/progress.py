"""Show on standard error what a command does: one live line on a terminal, plain lines at a low rate elsewhere.

A command opens a ``Display`` before it imports anything slow. The display listens to ``evalkit.progress``; nothing
else prints progress.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from evalkit.cli.output import stdout_to_stderr
from evalkit.cli.terminal import is_dumb, unprotected, visible
from evalkit.progress import Step, listening

if TYPE_CHECKING:
    from evalkit.engine.work import Outcome

VARIABLE = "EVALKIT_PROGRESS"
"""Environment variable; with the value ``off``, no steps are shown."""
FIRST_SECONDS = 0.8
"""Time after which a log gets its first line, so that a command that ends sooner prints none."""
LOG_SECONDS = 5.0
"""Least time between two lines of a log."""
REPEAT_SECONDS = 60.0
"""Time after which a log repeats a step that has not ended."""
LIVE_SECONDS = 0.2
"""Time between two changes of the live line."""


class _Output(Protocol):
    """A place where steps are shown."""

    def show(self, step: Step) -> None:
        """Show a step."""

    def pause(self) -> float:
        """Return the time in seconds after which the next step may be shown."""

    def line(self, text: str) -> None:
        """Print a line that stays."""

    def stop(self) -> None:
        """Remove what does not stay."""

    def start(self) -> None:
        """Show steps again after ``stop``."""


def is_live() -> bool:
    """Return whether standard error is a terminal on which a line can be rewritten."""
    return sys.stderr.isatty() and not is_dumb() and not _is_off()


def _is_off() -> bool:
    return os.environ.get(VARIABLE) == "off"


class Display:
    """Shows the steps of a command; use as a context manager, and call it to show a step directly.

    Steps are shown by a thread, so that a long step is shown too; while times are measured the thread sleeps, and
    steps are shown by the caller's thread.

    Args:
        text: What the command does first.
        at_once: Also print this to a log, which otherwise gets its first line after ``FIRST_SECONDS``; for commands
            that certainly take longer.
    """

    def __init__(self, text: str, *, at_once: bool = False) -> None:
        self._step = Step(text)
        self._at_once = at_once
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._ended = False
        self._stack = contextlib.ExitStack()
        self._thread = threading.Thread(target=self._watch, name="evalkit-progress", daemon=True)

    def __enter__(self) -> Display:
        self._output = _output(at_once=self._at_once)
        self._stack.enter_context(listening(self))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        self._ended = True
        self._wake.set()
        self._thread.join()
        self._output.stop()

    def __call__(self, step: Step) -> None:
        """Show a step from now on, or a message that stays at once."""
        with self._lock:
            if step.stays:
                if self._output.pause() < math.inf:
                    self._output.line(step.text)
                return
            resumed = self._step.timed and not step.timed
            self._step = step
            if step.timed and self._output.pause() <= 0:
                self._output.show(step)
        if resumed:
            self._wake.set()

    def line(self, text: str) -> None:
        """Print a line that stays."""
        with self._lock:
            self._output.line(text)

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Show nothing until the context ends, so that the command can print to the terminal."""
        with self._lock:
            self._output.stop()
            yield
            self._output.start()

    def _watch(self) -> None:
        while not self._ended:
            with self._lock:
                if not self._step.timed and self._output.pause() <= 0:
                    self._output.show(self._step)
                pause = None if self._step.timed else max(self._output.pause(), 0.01)
                pause = None if pause == math.inf else pause
            self._wake.wait(pause)
            self._wake.clear()


def _output(*, at_once: bool) -> _Output:
    if _is_off():
        return _Log(math.inf)
    return _LiveLine() if is_live() else _Log(0.0 if at_once else FIRST_SECONDS)


class _Log:
    """Lines for a file or a pipe."""

    def __init__(self, first: float) -> None:
        self._began = time.monotonic()
        self._printed = ""
        self._due = self._began + first
        self._repeat = self._due

    def show(self, step: Step) -> None:
        now, text = time.monotonic(), str(step)
        if text != self._printed or now >= self._repeat:
            self.line(text if text != self._printed else f"{text}, {now - self._began:.0f} s")
            self._printed = text
        self._due = now + LOG_SECONDS

    def pause(self) -> float:
        return self._due - time.monotonic()

    def line(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201
        if self._due < math.inf:
            self._due, self._repeat = time.monotonic() + LOG_SECONDS, time.monotonic() + REPEAT_SECONDS

    def stop(self) -> None:
        pass

    def start(self) -> None:
        pass


class _LiveLine:
    """One line of a terminal that is rewritten, with a bar where the number of parts is known."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._began = time.monotonic()
        self._due = self._began
        self._rate = _Rate()
        self._live = Live(
            console=Console(file=unprotected(sys.stderr)), auto_refresh=False, transient=True, redirect_stdout=False
        )
        self.start()

    def start(self) -> None:
        self._live.start()

    def show(self, step: Step) -> None:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        now = time.monotonic()
        cells: list[Any] = [Text(visible(step.text.replace("\n", " ")), no_wrap=True, overflow="ellipsis")]
        times = _clock(now - self._began)
        if step.total is not None and step.total > 1:
            cells += [ProgressBar(step.total, step.done, width=16), Text(f"{step.done}/{step.total}")]
            left = self._rate.seconds_left(step, now)
            times += "" if left is None else f", {_clock(left)} left"
        row = Table.grid(padding=(0, 1))
        row.add_column(no_wrap=True, overflow="ellipsis")
        for _ in cells:
            row.add_column(no_wrap=True)
        row.add_row(*cells, Text(times))
        self._live.update(row, refresh=True)
        self._due = now + LIVE_SECONDS

    def pause(self) -> float:
        return self._due - time.monotonic()

    def line(self, text: str) -> None:
        from rich.text import Text

        self._live.console.print(Text(visible(text)), soft_wrap=True)

    def stop(self) -> None:
        self._live.stop()


class _Rate:
    """Estimates the time that the remaining parts of a piece of work take from the time of those that are complete."""

    def __init__(self) -> None:
        self._total: int | None = None
        self._since = 0.0
        self._first = 0

    def seconds_left(self, step: Step, now: float) -> float | None:
        """Return the time in seconds; None while no part was completed."""
        if step.total != self._total or step.done < self._first:
            self._total, self._since, self._first = step.total, now, step.done
        if step.total is None or step.done == self._first:
            return None
        return (now - self._since) / (step.done - self._first) * (step.total - step.done)


def _clock(seconds: float) -> str:
    """Return a time as minutes and seconds.

    >>> _clock(75.2)
    '1:15'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def show_outcomes(display: Display) -> Callable[[Outcome, int, int], None]:
    """Return a function that shows each sequence that was tracked: in a log, a line for each.

    Of a failure, the first line of the error is shown; a sequence that fails like the one before shows only that.
    """
    last_error = ""

    def show(outcome: Outcome, number: int, total: int) -> None:
        nonlocal last_error
        job = outcome.unit.job
        error = (outcome.error or "").strip()
        text = f"{job.dataset} {job.label} {_text(outcome, repeated=bool(error) and error == last_error)}"
        last_error = error
        if is_live():
            display(Step(text, number, total, timed=True))
        else:
            display.line(f"{number}/{total} {' '.join(text.splitlines())}")  # names may contain line ends

    return show


def _text(outcome: Outcome, *, repeated: bool) -> str:
    name = outcome.unit.sequence
    if outcome.error is not None:
        first = outcome.error.strip().partition("\n")[0]
        return f"{name} failed like the one before" if repeated else f"{name} failed: {first}"
    if math.isfinite(outcome.seconds) and outcome.seconds > 0:
        return f"{name} {outcome.frames} frames {outcome.frames / outcome.seconds:.1f} fps"
    return f"{name} {outcome.frames} frames"


def show_frames(display: Display, name: str) -> Callable[[int, int | None], None]:
    """Return a function that shows each frame of a video of that name."""
    began = time.monotonic()

    def show(number: int, total: int | None) -> None:
        nonlocal began
        now = time.monotonic()
        if number == 1:
            began = now
        of = f"/{max(total, number)}" if total else ""
        rate = f" {(number - 1) / (now - began):.1f} frames/s" if number > 1 and now > began else ""
        display(Step(f"{name}: {number}{of} frames{rate}", timed=True))

    return show


def show_bytes(display: Display, name: str) -> Callable[[int, int | None], None]:
    """Return a function that shows how much of a file was downloaded."""

    def show(have: int, total: int | None) -> None:
        display(Step(f"{name}: {have / 1e6:.1f}{f' of {total / 1e6:.1f}' if total else ''} MB"))

    return show


def show_files(display: Display, name: str) -> Callable[[int, int], None]:
    """Return a function that shows how many files were downloaded."""
    return lambda complete, total: display(Step(f"{name}: downloading", complete, total))


@contextlib.contextmanager
def working(text: str, *, at_once: bool = False) -> Iterator[Display]:
    """Show what a command does until the context ends, and keep standard output free of what libraries print.

    Args:
        text, at_once: See ``Display``.
    """
    with stdout_to_stderr(), Display(text, at_once=at_once) as display:
        yield display
