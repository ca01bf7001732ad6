"""AUC by frame rate: streaming accuracy at several frame rates, computed from the stored times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from evalkit.plot.curves import Line
from evalkit.reports.document.model import (
    Column,
    ColumnOf,
    Figure,
    Section,
    Table,
    build_table,
    name_cell,
    number_cell,
    text_column,
)
from evalkit.reports.document.view import View
from evalkit.reports.figures.plots import curve_plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from evalkit.reports.figures.theme import FigureStyle

_TITLE = "AUC by frame rate"
_INTRODUCTION = (
    "Streaming evaluation: frames arrive at a fixed rate, whether or not the tracker is ready, and on each frame the "
    "last answer finished before the next frame counts. A line ends at the highest rate at which the tracker still "
    "processes every frame; at higher rates it would skip frames and have to be run again."
)

_Rates: TypeAlias = Mapping[str, tuple[tuple[float, float], ...]]
"""By label of a tracker, pairs of frame rate and AUC."""


def auc_by_frame_rate_section(view: View, dataset: str) -> Section:
    """Return the figure and table; a sentence names trackers without stored times or too slow for every rate.

    Empty if that is all trackers.
    """
    key = f"{dataset}-rates"
    leaders = [score.tracker for score in view.leading(dataset) if score.metric == "auc"]
    rates = {label: row for label in leaders if (row := view.comparison.auc_by_frame_rate.get((dataset, label)))}
    missing = ", ".join(label for label in leaders if label not in rates)
    skipped = (f"Not shown, without stored times or slower than the lowest rate: {missing}.",) if missing else ()
    if not rates:
        return Section(key, _TITLE, chapter=dataset)
    return Section(
        key, _TITLE, (_INTRODUCTION,), (_table(view, dataset, rates),), (_figure(view, dataset, rates),),
        skipped=skipped, chapter=dataset,
    )  # fmt: skip


def _table(view: View, dataset: str, rates: _Rates) -> Table:
    values = {label: dict(row) for label, row in rates.items()}
    columns: list[ColumnOf[str]] = [(text_column("tracker"), lambda label: name_cell(view.tracker(label)))]
    columns += [_rate_column(rate, values) for rate in sorted({rate for row in values.values() for rate in row})]
    return build_table(f"{dataset}-rates", _TITLE, columns, rates).with_best_marked()


def _rate_column(rate: float, values: Mapping[str, Mapping[float, float]]) -> ColumnOf[str]:
    return Column(f"{rate:g} fps", higher_is_better=True), lambda label: number_cell(values[label].get(rate))


def _figure(view: View, dataset: str, rates: _Rates) -> Figure:
    lines = [_line(view, label, row) for label, row in rates.items()]

    def draw(style: FigureStyle) -> Drawing:
        return curve_plot(f"{_TITLE} · {dataset}", "frames per second", "AUC", lines, style, marks=True)

    ranges = "; ".join(f"{label}: {_range(row)}" for label, row in rates.items())
    data = {"kind": "points", "series": [line.record() for line in lines]}
    return Figure(f"{dataset}-rates-plot", f"{_TITLE}, {dataset}", f"{ranges}.", draw, data)


def _line(view: View, label: str, row: tuple[tuple[float, float], ...]) -> Line:
    index, highest = view.tracker(label).index, row[-1][0]
    return Line(label, index, f"to {highest:g} fps", [rate for rate, _ in row], [value for _, value in row])


def _range(row: tuple[tuple[float, float], ...]) -> str:
    (lowest, first), (highest, last) = row[0], row[-1]
    return f"{first:.3f} at {lowest:g}, {last:.3f} at {highest:g} fps"
