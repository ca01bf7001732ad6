"""LightTrack's figure: the first figure of its paper, EAO on VOT2019 against MACs, from published numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from evalkit.plot.point_labels import Point
from evalkit.reports.document.model import (
    Cell,
    Column,
    ColumnOf,
    Figure,
    Section,
    Table,
    build_table,
    number_cell,
    text_column,
)
from evalkit.reports.document.published import PublishedNumber, find_published, published_cost
from evalkit.reports.document.view import View
from evalkit.reports.figures.plots import scatter_plot
from evalkit.reports.tables.cost_columns import amount_cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from evalkit.reports.figures.theme import FigureStyle

_KEY = "paper"
_TITLE = "LightTrack's figure"
_INTRODUCTION = (
    "The first figure of the LightTrack paper, from published numbers only: EAO on VOT2019 against MACs, marker size "
    "by parameters. Nothing here was measured by evalkit."
)


class _PublishedTracker(NamedTuple):
    """The published numbers of one tracker in the figure."""

    tracker: str
    eao: PublishedNumber
    macs: PublishedNumber
    parameters: PublishedNumber

    @property
    def million_macs(self) -> float:
        return self.macs.plain / 1e6


def lighttrack_figure_section(view: View) -> Section:
    """Return the figure and its numbers; empty if none of its trackers is in the report."""
    rows = sorted(_published_trackers(view), key=lambda row: row.macs.plain)
    reported = {one.name for one in view.trackers}
    if len(rows) < 2 or reported.isdisjoint(row.tracker for row in rows):
        return Section(_KEY, _TITLE)
    return Section(_KEY, _TITLE, (_INTRODUCTION,), (_table(rows),), (_figure(view, rows),))


def _published_trackers(view: View) -> Iterable[_PublishedTracker]:
    """Yield all trackers with published EAO on VOT2019, MACs and parameters."""
    for tracker in dict.fromkeys(number.tracker for number in view.published):
        eao = find_published(view.published, tracker, "vot2019", "eao")
        macs = published_cost(view.published, tracker, "flops")
        parameters = published_cost(view.published, tracker, "params")
        if eao and macs is not None and parameters is not None:
            yield _PublishedTracker(tracker, eao[0], macs, parameters)


def _figure(view: View, rows: list[_PublishedTracker]) -> Figure:
    largest = max(row.parameters.plain for row in rows)
    indices = {one.name: one.index for one in view.trackers}
    points = [
        Point(indices.get(row.tracker), row.tracker, row.million_macs, row.eao.plain,
              size=row.parameters.plain / largest, cited=True)
        for row in rows
    ]  # fmt: skip

    def draw(style: FigureStyle) -> Drawing:
        title = "EAO on VOT2019, as published"
        return scatter_plot(title, "MACs per frame (M)", "EAO", points, style, log=True, front=True)

    values = "; ".join(f"{row.tracker}: {row.million_macs:.4g} M, EAO {row.eao.plain:.3f}" for row in rows)
    data = {"kind": "points", "points": [[point.index, point.label, point.x, point.y] for point in points]}
    return Figure("paper-plot", "EAO on VOT2019 against MACs, published", f"{values}.", draw, data)


def _table(rows: list[_PublishedTracker]) -> Table:
    columns: list[ColumnOf[_PublishedTracker]] = [
        (text_column("tracker"), lambda row: Cell(row.tracker)),
        (Column("EAO", higher_is_better=True), lambda row: number_cell(row.eao.plain)),
        (Column("MACs (M)", higher_is_better=False, digits=1), lambda row: amount_cell(row.million_macs, 1)),
        (
            Column("params (M)", higher_is_better=False, digits=2),
            lambda row: number_cell(row.parameters.plain / 1e6, 2),
        ),
        (text_column("sources"), lambda row: Cell(_sources((row.eao, row.macs, row.parameters)))),
    ]
    return build_table(_KEY, "Published numbers and their sources", columns, rows).with_best_marked()


def _sources(numbers: Iterable[PublishedNumber]) -> str:
    """Return each source once, with the metrics that are from it and how they are known."""
    metrics: dict[tuple[str, str], list[str]] = {}
    for one in numbers:
        metrics.setdefault((one.source, one.certainty), []).append(one.metric)
    return "; ".join(f"{', '.join(names)}: {source} ({certainty})" for (source, certainty), names in metrics.items())
