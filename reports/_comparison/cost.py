"""What accuracy costs: against MACs, parameters and milliseconds, with the front that nobody beats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from evalkit.reports._comparison import counts, published
from evalkit.reports._comparison.costs import amount
from evalkit.reports._comparison.document import Cell, Column, Contender, Figure, Section, Table, number_cell
from evalkit.reports._comparison.published import Published
from evalkit.reports._comparison.view import TRACKING, View, head

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

Found = tuple[float, bool]
"""A value, and whether it is only cited."""


def section(view: View) -> Section:
    figures, skipped = [], []
    for dataset in view.datasets:
        for key, label, find in _axes(view):
            figure = _figure(view, dataset, key, label, find)
            if figure is None:
                skipped.append(f"{dataset} against {label}: fewer than two trackers have both numbers.")
            else:
                figures.append(figure)
    lead = (
        "The dashed line joins the trackers that no other one beats in both ways. Marker size grows with parameters; "
        "hollow marks rest on a cited number.",
    )
    return Section(
        "cost", "Accuracy against cost", lead, counts.tables(view), figures=tuple(figures), skipped=tuple(skipped)
    )


def _axes(view: View) -> list[tuple[str, str, Callable[[Contender], Found | None]]]:
    def latency(contender: Contender) -> Found | None:
        cost = view.cost(contender.label, "latency_p50", conventions=(TRACKING,))
        return None if cost is None or cost.value is None else (cost.value, False)

    return [
        ("macs", "MACs per frame (M)", lambda one: _scaled(view.macs(one), 1e6)),
        ("parameters", "parameters (M)", lambda one: _scaled(view.parameters(one), 1e6)),
        ("latency", "median latency (ms)", latency),
    ]


def _scaled(found: Found | None, divisor: float) -> Found | None:
    return None if found is None else (found[0] / divisor, found[1])


def _figure(view: View, dataset: str, key: str, label: str, find: Callable[[Contender], Found | None]) -> Figure | None:
    scores = {score.tracker: score for score in view.leading(dataset)}
    if not scores:
        return None
    first = next(iter(scores.values()))
    largest = max((found[0] for one in view.contenders if (found := view.parameters(one))), default=1.0)
    points = []
    for one in view.contenders:
        score, cited = scores.get(one.label), view.cited(one, dataset, first.metric)
        x = find(one)
        y = score.value if score is not None else None if cited is None else cited.plain
        if x is None or y is None or x[0] <= 0:
            continue
        parameters = view.parameters(one)
        size = None if parameters is None else parameters[0] / largest
        interval = (score.low, score.high) if score is not None else (None, None)
        points.append((one.index, one.label, x[0], y, size, x[1] or score is None, *interval))
    if len(points) < 2:
        return None
    name = head(first.metric, first.unit)

    def draw() -> Drawing:
        from evalkit.reports._figures.scatter import Point, scatter_plot

        return scatter_plot(
            f"{name} on {dataset}", label, name, [Point(*point) for point in points],
            log=True, front=True, lower_y=not first.higher_is_better,
        )  # fmt: skip

    told = "; ".join(f"{point[1]}: {point[2]:.4g}, {point[3]:.3f}" for point in points)
    data = {"kind": "points", "points": [list(point[:4]) for point in points]}
    return Figure(f"{dataset}-{key}-plot", f"{name} on {dataset} against {label}", f"{told}.", draw, data)


def paper_section(view: View) -> Section:
    """LightTrack's first figure, from numbers that are cited one by one, where a tracker of the report is in it."""
    rows = []
    for tracker in dict.fromkeys(number.tracker for number in view.published):
        eao = published.of(view.published, tracker, "vot2019", "eao")
        flops = published.cost(view.published, tracker, "flops")
        params = published.cost(view.published, tracker, "params")
        if eao and flops is not None and params is not None:
            rows.append((tracker, eao[0], flops, params))
    if len(rows) < 2 or not {row[0] for row in rows} & {one.tracker for one in view.contenders}:
        return Section("paper", _PAPER)
    rows.sort(key=lambda row: row[2].plain)
    lead = (
        "Published numbers only: EAO on VOT2019 against MACs, marker size by parameters. "
        "Nothing here was measured by evalkit."
    )
    return Section("paper", _PAPER, (lead,), (_paper_table(rows),), (_paper_figure(view, rows),))


_PAPER = "LightTrack's figure"
_PaperRow = tuple[str, Published, Published, Published]
"""Tracker, EAO, MACs, parameters."""


def _paper_figure(view: View, rows: list[_PaperRow]) -> Figure:
    largest = max(params.plain for *_, params in rows)
    places = {one.tracker: one.index for one in view.contenders}

    def draw() -> Drawing:
        from evalkit.reports._figures.scatter import Point, scatter_plot

        points = [
            Point(places.get(tracker), tracker, flops.plain / 1e6, eao.plain, params.plain / largest, cited=True)
            for tracker, eao, flops, params in rows
        ]
        return scatter_plot("EAO on VOT2019, as published", "MACs per frame (M)", "EAO", points, log=True, front=True)

    told = "; ".join(f"{tracker}: {flops.plain / 1e6:.4g} M, EAO {eao.plain:.3f}" for tracker, eao, flops, _ in rows)
    points = [[places.get(tracker), tracker, flops.plain / 1e6, eao.plain] for tracker, eao, flops, _ in rows]
    data = {"kind": "points", "points": points}
    return Figure("paper-plot", "EAO on VOT2019 against MACs, published", f"{told}.", draw, data)


def _paper_table(rows: list[_PaperRow]) -> Table:
    columns = (
        Column("tracker", numeric=False),
        Column("EAO", higher_is_better=True),
        Column("MACs (M)", higher_is_better=False, digits=1),
        Column("params (M)", higher_is_better=False, digits=2),
        Column("sources", numeric=False),
    )
    cells = tuple(
        (
            Cell(tracker),
            number_cell(eao.plain),
            Cell(amount(flops.plain / 1e6, 1), flops.plain / 1e6),
            number_cell(params.plain / 1e6, 2),
            Cell(_sources((eao, flops, params))),
        )
        for tracker, eao, flops, params in rows
    )
    return Table("paper", "The numbers and where they stand", columns, cells).marked()


def _sources(numbers: Sequence[Published]) -> str:
    """Each source once, with what it says and how it is known."""
    said: dict[tuple[str, str], list[str]] = {}
    for one in numbers:
        said.setdefault((one.source, one.certainty), []).append(one.metric)
    return "; ".join(f"{', '.join(metrics)}: {source} ({certainty})" for (source, certainty), metrics in said.items())
