"""Print progress to standard error: one live line on a terminal, one line per sequence or some seconds in a log."""

from __future__ import annotations

import math
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from evalkit.cli.terminal import unprotected, visible

if TYPE_CHECKING:
    from evalkit.engine.work import Outcome


class Progress:
    """Called after each unit of work; use as a context manager."""

    def __init__(self) -> None:
        self._live: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._live = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=Console(file=unprotected(sys.stderr)),
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, outcome: Outcome, number: int, total: int) -> None:
        job = outcome.unit.job
        if self._live is None:
            print(f"{number}/{total} {job.dataset} {job.label} {_text(outcome)}", file=sys.stderr, flush=True)  # noqa: T201
            return
        from rich.markup import escape

        if self._task is None or number == 1:
            self._task = self._live.add_task(escape(visible(job.label)), total=total)
        self._live.update(
            self._task,
            description=escape(visible(f"{job.dataset} {job.label} {_text(outcome)}".replace("\n", " "))),
            completed=number,
            total=total,
        )


def _text(outcome: Outcome) -> str:
    name = outcome.unit.sequence
    if outcome.error is not None:
        return f"{name} failed: {outcome.error}"
    if math.isfinite(outcome.seconds) and outcome.seconds > 0:
        return f"{name} {outcome.frames} frames {outcome.frames / outcome.seconds:.1f} fps"
    return f"{name} {outcome.frames} frames"


class FrameProgress:
    """Called after each frame of one video; use as a context manager.

    Args:
        name: Name of the video, for the line.
    """

    INTERVAL = 5.0
    """Seconds between two lines in a log."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._began = self._printed = time.monotonic()
        self._live = sys.stderr.isatty()
        self._width = 0

    def __enter__(self) -> FrameProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._width:
            print(file=sys.stderr)  # noqa: T201 -- ends the live line

    def __call__(self, number: int, total: int | None) -> None:
        now = time.monotonic()
        if number == 1:
            self._began = now
        if now - self._printed < (0.1 if self._live else self.INTERVAL):
            return
        self._printed = now
        of = f"/{max(total, number)}" if total else ""
        rate = f" {(number - 1) / (now - self._began):.1f} frames/s" if now > self._began else ""
        text = f"{self._name}: {number}{of} frames{rate}"
        if self._live:
            print(f"\r{text:<{self._width}}", end="", file=sys.stderr, flush=True)  # noqa: T201
            self._width = max(self._width, len(text))
        else:
            print(text, file=sys.stderr, flush=True)  # noqa: T201
