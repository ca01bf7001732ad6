"""Attributes: the leading score on the sequences or frames with each attribute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalkit.comparison.attribute_scores import AttributeScores, attribute_scores
from evalkit.comparison.metric_labels import metric_head, metric_name, unit_digits
from evalkit.reports.document.abbreviations import attribute_meaning
from evalkit.reports.document.model import Cell, Column, Figure, Section, Table, counted, row_cells, text_column
from evalkit.reports.document.view import View
from evalkit.reports.figures.plots import attribute_plot, radar_plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from evalkit.reports.figures.theme import FigureStyle

_NO_ATTRIBUTES = "No scores by attribute: the benchmark's files that were found contain no attributes."
_LEAST_FOR_RADAR = 3
_MANY_ROWS = 12


def attributes_section(view: View, dataset: str) -> Section:
    """Return the table, plot and radar; a sentence if the benchmark has no attributes."""
    key, title = f"{dataset}-attributes", "Attributes"
    leaders = view.leading(dataset)
    if not leaders:
        return Section(key, title, chapter=dataset)
    found = attribute_scores(view.comparison.scores, leaders)
    if not found.names:
        return Section(key, title, chapter=dataset, skipped=(_NO_ATTRIBUTES,))
    figures = tuple(_figures(view, dataset, found))
    return Section(key, title, tables=(_table(key, found),), figures=figures, chapter=dataset)


def _table(key: str, found: AttributeScores) -> Table:
    digits = unit_digits(found.best.unit)
    counts = (Column("sequences", digits=0),) if _is_restricted(found) else ()
    columns = (text_column("attribute"), *counts, *(Column(label, digits=digits) for label in found.labels))
    rows = tuple(_row(found, place, digits) for place in range(len(found.names)))
    return Table(key, f"{metric_head(found.best)} by attribute", columns, rows, filterable=len(rows) > _MANY_ROWS)


def _row(found: AttributeScores, place: int, digits: int) -> tuple[Cell, ...]:
    count = found.counts[place]
    values = [row[place] for row in found.values.values()]
    cells = row_cells(values, digits, higher_is_better=found.best.higher_is_better)
    counts = (Cell(str(count), count),) if _is_restricted(found) else ()
    return Cell(found.names[place], detail=attribute_meaning(found.names[place])), *counts, *cells


def _is_restricted(found: AttributeScores) -> bool:
    """Return whether attributes choose sequences; those of VOT choose frames of any sequence."""
    return any(count < found.best.sequences for count in found.counts)


def _figures(view: View, dataset: str, found: AttributeScores) -> list[Figure]:
    title = f"{metric_head(found.best)} by attribute · {dataset}"
    labels = {view.tracker(label).index: label for label in found.labels}
    figures = [_plot_figure(dataset, title, found, labels)]
    if len(found.names) >= _LEAST_FOR_RADAR and found.complete:
        figures.append(_radar_figure(dataset, title, found, labels))
    return figures


def _plot_figure(dataset: str, title: str, found: AttributeScores, labels: Mapping[int, str]) -> Figure:
    shown = _is_restricted(found)
    names = [f"{name} ({count})" if shown else name for name, count in zip(found.names, found.counts, strict=True)]

    def draw(style: FigureStyle) -> Drawing:
        return attribute_plot(title, metric_head(found.best), names, _by_index(found, labels), labels, style)

    named = f"{title} (number of sequences in brackets)" if shown else title
    return Figure(f"{dataset}-attribute-bars", named, _description(found), draw, _data(found))


def _radar_figure(dataset: str, title: str, found: AttributeScores, labels: Mapping[int, str]) -> Figure:
    def draw(style: FigureStyle) -> Drawing:
        return radar_plot(title, found.names, _by_index(found, labels), labels, style)

    return Figure(f"{dataset}-attribute-radar", f"{title}, as a radar", _description(found), draw, _data(found))


def _by_index(found: AttributeScores, labels: Mapping[int, str]) -> dict[int, list[float | None]]:
    return {index: found.values[label] for index, label in labels.items()}


def _description(found: AttributeScores) -> str:
    head, trackers = metric_name(found.best), counted(len(found.labels), "tracker")
    return f"{head} of {trackers} by {counted(len(found.names), 'attribute')}; the table has the numbers."


def _data(found: AttributeScores) -> dict[str, Any]:
    return {"kind": "attributes", "names": found.names, "values": found.values}
