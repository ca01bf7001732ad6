"""Attributes: the leading score on the sequences or frames with each attribute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.reports.document.metric_labels import metric_head, metric_name, unit_digits
from evalkit.reports.document.model import Cell, Column, Figure, Section, Table, counted, row_cells, text_column
from evalkit.reports.document.view import View
from evalkit.reports.figures.attributes import attribute_plot, radar_plot
from evalkit.types import Score

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_NO_ATTRIBUTES = "No scores by attribute: the benchmark's files that were found contain no attributes."
_LEAST_FOR_RADAR = 3
_MANY_ROWS = 12


@dataclass(frozen=True)
class _AttributeScores:
    """The leading metric by tracker and attribute.

    Attributes:
        best: The best tracker's score over all attributes; names metric, unit and direction.
        labels: Label of each tracker, by its index in the report.
        names: Attributes in alphabetical order.
        counts: Number of sequences with each attribute.
        values: Each tracker's values in the order of ``names``, by its index; None if there is no value.
    """

    best: Score
    labels: dict[int, str]
    names: list[str]
    counts: list[int]
    values: dict[int, list[float | None]]

    @property
    def complete(self) -> bool:
        """True if every tracker has a value for every attribute."""
        return all(value is not None for row in self.values.values() for value in row)

    @property
    def head(self) -> str:
        """The metric as a column head."""
        return metric_head(self.best)


def attributes_section(view: View, dataset: str) -> Section:
    """Return the table, plot and radar; a sentence if the benchmark has no attributes."""
    key, title = f"{dataset}-attributes", "Attributes"
    leaders = view.leading(dataset)
    if not leaders:
        return Section(key, title, chapter=dataset)
    found = _attribute_scores(view, leaders)
    if not found.names:
        return Section(key, title, chapter=dataset, skipped=(_NO_ATTRIBUTES,))
    return Section(key, title, tables=(_table(key, found),), figures=tuple(_figures(dataset, found)), chapter=dataset)


def _attribute_scores(view: View, leaders: list[Score]) -> _AttributeScores:
    best = leaders[0]
    scores = [score for score in view.comparison.scores if _is_part_of(score, best)]
    names = sorted({score.attribute for score in scores if score.attribute})
    values = {(score.tracker, score.attribute): score.value for score in scores}
    labels = {view.tracker(score.tracker).index: score.tracker for score in leaders}
    return _AttributeScores(
        best,
        labels,
        names,
        [max(score.sequences for score in scores if score.attribute == name) for name in names],
        {index: [values.get((label, name)) for name in names] for index, label in labels.items()},
    )


def _is_part_of(score: Score, whole: Score) -> bool:
    """Return whether a score is restricted to an attribute, and of the same dataset, metric and profile as another."""
    kind = (whole.dataset, whole.metric, whole.profile)
    return bool(score.attribute) and score.value is not None and (score.dataset, score.metric, score.profile) == kind


def _table(key: str, found: _AttributeScores) -> Table:
    digits = unit_digits(found.best.unit)
    columns = (
        text_column("attribute"),
        Column("sequences", digits=0),
        *(Column(label, digits=digits) for label in found.labels.values()),
    )
    rows = tuple(_row(found, place, digits) for place in range(len(found.names)))
    return Table(key, f"{found.head} by attribute", columns, rows, filterable=len(rows) > _MANY_ROWS)


def _row(found: _AttributeScores, place: int, digits: int) -> tuple[Cell, ...]:
    count = found.counts[place]
    values = [row[place] for row in found.values.values()]
    cells = row_cells(values, digits, higher_is_better=found.best.higher_is_better)
    return Cell(found.names[place]), Cell(str(count), count), *cells


def _figures(dataset: str, found: _AttributeScores) -> list[Figure]:
    title = f"{found.head} by attribute · {dataset}"
    figures = [_plot_figure(dataset, title, found)]
    if len(found.names) >= _LEAST_FOR_RADAR and found.complete:
        figures.append(_radar_figure(dataset, title, found))
    return figures


def _plot_figure(dataset: str, title: str, found: _AttributeScores) -> Figure:
    names = [f"{name} ({count})" for name, count in zip(found.names, found.counts, strict=True)]

    def draw() -> Drawing:
        return attribute_plot(title, found.head, names, found.values, found.labels)

    named = f"{title} (number of sequences in brackets)"
    return Figure(f"{dataset}-attribute-bars", named, _description(found), draw, _data(found))


def _radar_figure(dataset: str, title: str, found: _AttributeScores) -> Figure:
    def draw() -> Drawing:
        return radar_plot(title, found.names, found.values, found.labels)

    return Figure(f"{dataset}-attribute-radar", f"{title}, as a radar", _description(found), draw, _data(found))


def _description(found: _AttributeScores) -> str:
    head, trackers = metric_name(found.best), counted(len(found.labels), "tracker")
    return f"{head} of {trackers} by {counted(len(found.names), 'attribute')}; the table has the numbers."


def _data(found: _AttributeScores) -> dict[str, Any]:
    values = {found.labels[index]: row for index, row in found.values.items()}
    return {"kind": "attributes", "names": found.names, "values": values}
