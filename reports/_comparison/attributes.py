"""What is hard for whom: the leading score by attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.reports._comparison.document import Cell, Column, Figure, Section, Table, number_cell
from evalkit.reports._comparison.view import View, digits, head

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


def section(view: View, dataset: str) -> Section:
    """Table, marks and radar; a word where a benchmark has no attributes."""
    leaders = view.leading(dataset)
    if not leaders:
        return Section(f"{dataset}-attributes", "Attributes", chapter=dataset)
    metric, profile, unit = leaders[0].metric, leaders[0].profile, leaders[0].unit
    found = {
        (score.tracker, score.attribute): score
        for score in view.comparison.scores
        if score.attribute
        and score.value is not None
        and (score.dataset, score.metric, score.profile) == (dataset, metric, profile)
    }
    names = sorted({attribute for _, attribute in found if attribute})
    if not names:
        return Section(f"{dataset}-attributes", "Attributes", chapter=dataset,
                       skipped=("No scores by attribute: the benchmark's files at hand carry none.",))  # fmt: skip
    labels = {view.contender(score.tracker).index: score.tracker for score in leaders}
    values = {
        index: [found[label, name].value if (label, name) in found else None for name in names]
        for index, label in labels.items()
    }
    counts = {
        name: max(score.sequences for (_, attribute), score in found.items() if attribute == name) for name in names
    }
    title = f"{head(metric, unit)} by attribute · {dataset}"

    def bars() -> Drawing:
        from evalkit.reports._figures.ranking import attribute_bars

        return attribute_bars(title, head(metric, unit), [f"{name} ({counts[name]})" for name in names], values, labels)

    def radar() -> Drawing:
        from evalkit.reports._figures.ranking import radar_plot

        return radar_plot(title, names, values, labels)

    data = {"kind": "attributes", "names": names, "values": {labels[index]: row for index, row in values.items()}}
    told = f"{head(metric)} of {len(labels)} trackers by {len(names)} attributes; the table has the numbers."
    figures = [Figure(f"{dataset}-attribute-bars", f"{title} (sequences in brackets)", told, bars, data)]
    complete = all(value is not None for row in values.values() for value in row)
    if len(names) >= 3 and complete:
        figures.append(Figure(f"{dataset}-attribute-radar", f"{title}, as a radar", told, radar, data))
    columns = (
        Column("attribute", numeric=False),
        Column("sequences", digits=0),
        *(Column(label, digits=digits(unit)) for label in labels.values()),
    )
    better = leaders[0].higher_is_better
    rows = tuple(
        (
            Cell(name),
            Cell(str(counts[name]), counts[name]),
            *_marked([row[place] for row in values.values()], better, digits(unit)),
        )
        for place, name in enumerate(names)
    )
    table = Table(
        f"{dataset}-attributes", f"{head(metric, unit)} by attribute", columns, rows, filterable=len(names) > 12
    )
    return Section(f"{dataset}-attributes", "Attributes", tables=(table,), figures=tuple(figures), chapter=dataset)


def _marked(values: list[float | None], higher_is_better: bool, places: int) -> list[Cell]:
    """Cells of one row, the best value of the row marked."""
    present = [value for value in values if value is not None]
    best = (max if higher_is_better else min)(present) if len(present) > 1 else None
    return [number_cell(value, places, mark="best" if value is not None and value == best else "") for value in values]
