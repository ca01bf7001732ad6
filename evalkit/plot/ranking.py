"""Rankings: values of all trackers on one scale, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from evalkit.plot.axes import SIZE, set_logarithmic, set_row_labels
from evalkit.plot.tracker_styles import INK, TrackerStyle, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABEL_LENGTH = 26


@dataclass(frozen=True)
class RankedValue:
    """The value of one tracker.

    Attributes:
        index: Index of the tracker in the report.
        label: Label of the tracker.
        value: The value.
        low, high: Ends of its interval; None if there is none.
    """

    index: int
    label: str
    value: float
    low: float | None
    high: float | None

    def record(self) -> list[Any]:
        """Return the attributes in their order, as JSON values."""
        return list(astuple(self))


def draw_ranking(
    axes: Axes,
    rows: Sequence[RankedValue],
    x_label: str,
    *,
    log: bool = False,
    digits: int = 3,
    size: float = SIZE,
) -> None:
    """Draw one row per tracker with its value, also in figures, and its interval.

    Args:
        axes: Axes to draw on.
        rows: Best tracker first; it is drawn at the top. At least one.
        x_label: Label of the horizontal axis.
        log: Whether the horizontal axis is logarithmic.
        digits: Decimals of the values.
        size: Size of text, in points.
    """
    for place, row in enumerate(rows):
        _draw_row(axes, place, row, _text(row.value, digits, log=log), size)
    set_row_labels(axes, row_labels(rows))
    axes.set_xlabel(x_label)
    _set_limits(axes, rows, log=log, size=size)


def row_labels(rows: Sequence[RankedValue]) -> list[str]:
    """Return the labels of the rows, shortened to fit next to the axis."""
    return [shortened(row.label, _LABEL_LENGTH) for row in rows]


def _text(value: float, digits: int, *, log: bool) -> str:
    return f"{value:.3g}" if log else f"{value:.{digits}f}"


def _draw_row(axes: Axes, place: int, row: RankedValue, text: str, size: float) -> None:
    style = TrackerStyle(row.index)
    if row.low is not None and row.high is not None:
        axes.plot([row.low, row.high], [place, place], color=style.color, linewidth=2.4, alpha=0.55,
                  solid_capstyle="butt", gid=f"{style.name}--i{place}")  # fmt: skip
    axes.plot([row.value], [place], linestyle="", marker=style.marker, color=style.color, markersize=7,
              gid=f"{style.name}--p{place}")  # fmt: skip
    axes.annotate(
        text, (1, place), xycoords=("axes fraction", "data"), xytext=(-2, 0), textcoords="offset points", color=INK,
        ha="right", va="center", fontsize=size, gid=f"{style.name}--v{place}",
    )  # fmt: skip


def _set_limits(axes: Axes, rows: Sequence[RankedValue], *, log: bool, size: float) -> None:
    """Leave room for the values in figures at the right."""
    ends = [end for row in rows for end in (row.value, row.low, row.high) if end is not None]
    low, high = min(ends), max(ends)
    span = high - low or abs(high) or 1.0
    if log:
        set_logarithmic(axes, low * 0.8, high * (high / low) ** 0.25 * 1.3, size=size)
    else:
        axes.set_xlim(low - 0.06 * span, high + 0.24 * span)
