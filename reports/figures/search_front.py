"""Figure of a search: fitness against cost of everything evaluated, with the front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evalkit.plot.tracker_styles import INK, MUTED
from evalkit.reports.figures.theme import PAGE, FigureStyle, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Point = tuple[float, float]
"""Cost and fitness."""


def search_front_plot(
    title: str,
    x_label: str,
    y_label: str,
    evaluated: Sequence[Point],
    front: Sequence[Point],
    style: FigureStyle = PAGE,
    *,
    limit: float | None = None,
    reference: Point | None = None,
) -> Figure:
    """Draw all evaluated architectures, the front as a stepped line, the limit and the reference.

    Args:
        title: Title of the figure.
        x_label: Label of the horizontal axis.
        y_label: Label of the vertical axis.
        evaluated: At least one point.
        front: Members of the front by rising cost.
        style: Sizes of the figure.
        limit: Limit of the cost; None for none.
        reference: The architecture that the front is compared with; None for none.
    """
    figure, axes = new_figure(title, style, height=216.0)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    costs, values = [cost for cost, _ in evaluated], [value for _, value in evaluated]
    axes.scatter(costs, values, s=9, color=MUTED, alpha=0.5, linewidths=0, gid="evaluated")
    if front:
        axes.step(*zip(*front, strict=True), where="post", color=INK, linewidth=1.2, marker="o", ms=3.5, gid="front")
    if limit is not None:
        axes.axvline(limit, color=MUTED, linewidth=1.0, dashes=(4, 3), gid="limit")
    if reference is not None:
        axes.plot(*reference, marker="*", ms=9, color=INK, linestyle="none", gid="reference")
    return figure
