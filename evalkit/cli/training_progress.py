"""Show how a training proceeds, for `evalkit train` and `evalkit search`."""

from __future__ import annotations

import time
from collections.abc import Callable

from evalkit.cli.progress import Display, is_live
from evalkit.progress import Step

EVERY = 20.0
"""Seconds between two lines of progress."""

TERMS = {"unlike": "imitation", "cls": "classification", "box": "box", "stranger": "absent target"}
"""Terms of a step's loss, of which each phase has some, and how progress names them."""


def training_progress(display: Display) -> Callable[[dict[str, float]], None]:
    """Return a function that shows the number of the step, and prints a line of progress from time to time."""
    last = [time.monotonic()]
    rows: list[dict[str, float]] = []

    def report(row: dict[str, float]) -> None:
        rows.append(row)
        display(Step(f"training: step {row['step']:.0f}" if is_live() else "training"))
        seconds = time.monotonic() - last[0]
        if seconds >= EVERY:
            display.line(_line(rows, seconds / len(rows)))
            rows.clear()
            last[0] = time.monotonic()

    return report


def _line(rows: list[dict[str, float]], seconds: float) -> str:
    """Return a line of progress: the last step, with the mean losses of the rows of its phase."""
    row = rows[-1]
    same_phase = [one for one in rows if one.keys() == row.keys()]
    mean = {name: sum(one[name] for one in same_phase) / len(same_phase) for name in row}
    share = mean["pairs_seconds"] / (mean["pairs_seconds"] + mean["network_seconds"])
    terms = ", ".join(f"{label} {mean[name]:.3f}" for name, label in TERMS.items() if name in mean)
    return (
        f"step {row['step']:.0f}: loss {mean['loss']:.3f} ({terms}), rate {row['rate']:.2g}, "
        f"crops of {row['size']:.0f} pixels, {seconds:.2f} s per step, {share:.0%} of it for making pairs"
    )
