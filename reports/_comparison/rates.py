"""Accuracy in a video that does not wait: AUC against its frame rate, from the stored times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalkit.reports._comparison.document import Cell, Column, Figure, Section, Table, name_cell, number_cell
from evalkit.reports._comparison.view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


def section(view: View, dataset: str) -> Section:
    """Figure and table; a word where times are missing or a tracker is too slow for any rate."""
    key, title = f"{dataset}-rates", "AUC against frame rate"
    leaders = [score.tracker for score in view.leading(dataset) if score.metric == "auc"]
    found = {label: view.comparison.rates.get((dataset, label), ()) for label in leaders}
    known = {label: row for label, row in found.items() if row}
    if not leaders:
        return Section(key, title, chapter=dataset)
    silent = ", ".join(label for label in leaders if label not in known)
    skipped = (f"Without stored times, or slower than the lowest rate: {silent}.",) if silent else ()
    if not known:
        return Section(key, title, chapter=dataset, skipped=skipped)
    lead = (
        "Frames come whether or not the tracker is ready; its last answer by the time the next frame comes counts. A "
        "line ends where the tracker would pass frames over, see others than it was run on, and have to be run again."
    )
    return Section(key, title, (lead,), (_table(view, dataset, known),), (_figure(view, dataset, known),),
                   chapter=dataset, skipped=skipped)  # fmt: skip


def _table(view: View, dataset: str, known: dict[str, tuple[tuple[float, float], ...]]) -> Table:
    rates = sorted({rate for row in known.values() for rate, _ in row})
    columns = (Column("tracker", numeric=False), *(Column(f"{rate:g} fps", higher_is_better=True) for rate in rates))
    rows: list[tuple[Cell, ...]] = []
    for label, row in known.items():
        values = dict(row)
        rows.append((name_cell(view.contender(label)), *(number_cell(values.get(rate)) for rate in rates)))
    return Table(f"{dataset}-rates", "AUC by frame rate", columns, tuple(rows)).marked()


def _figure(view: View, dataset: str, known: dict[str, tuple[tuple[float, float], ...]]) -> Figure:
    series: list[dict[str, Any]] = [
        {
            "tracker": label,
            "index": view.contender(label).index,
            "value": f"to {row[-1][0]:g} fps",
            "x": [rate for rate, _ in row],
            "y": [value for _, value in row],
        }
        for label, row in known.items()
    ]

    def draw() -> Drawing:
        from evalkit.reports._figures import curves

        return curves.curve_plot(f"AUC against frame rate · {dataset}", "frames per second", "AUC", series, marks=True)

    told = "; ".join(
        f"{label}: {row[0][1]:.3f} at {row[0][0]:g}, {row[-1][1]:.3f} at {row[-1][0]:g} fps"
        for label, row in known.items()
    )
    return Figure(f"{dataset}-rates-plot", f"AUC against frame rate, {dataset}", f"{told}.", draw,
                  {"kind": "points", "series": series})  # fmt: skip
