"""Everything on one screen: the leading score of each benchmark, the published value beside it, and what it costs."""

from __future__ import annotations

from evalkit.reports._comparison.document import Cell, Column, Contender, Section, Table, name_cell, number_cell
from evalkit.reports._comparison.view import View, digits, head
from evalkit.types import Score


def section(view: View) -> Section:
    columns: list[Column] = [Column("tracker", numeric=False)]
    cells: dict[str, list[Cell]] = {one.label: [name_cell(one)] for one in view.contenders}
    for dataset in view.datasets:
        _add_benchmark(view, dataset, columns, cells)
    _add_costs(view, columns, cells)
    order = (
        {score.tracker: place for place, score in enumerate(view.leading(view.datasets[0]))} if view.datasets else {}
    )
    labels = sorted(cells, key=lambda label: order.get(label, len(order)))
    table = Table("summary", "Summary", tuple(columns), tuple(tuple(cells[label]) for label in labels), _notes(view))
    return Section("summary", "Summary", tables=(table.marked(),))


def _add_benchmark(view: View, dataset: str, columns: list[Column], cells: dict[str, list[Cell]]) -> None:
    scores = {score.tracker: score for score in view.leading(dataset)}
    if not scores:
        return
    first = next(iter(scores.values()))
    places = digits(first.unit)
    columns.append(
        Column(f"{dataset} {head(first.metric, first.unit)}", first.higher_is_better, digits=places, hint=first.profile)
    )
    cited = {one.label: view.cited(one, dataset, first.metric) for one in view.contenders}
    if any(cited.values()):
        columns += [Column("published", digits=places), Column("difference", digits=places)]
    for one in view.contenders:
        score = scores.get(one.label)
        cells[one.label].append(score_cell(score, places))
        if any(cited.values()):
            number = cited[one.label]
            claimed = None if number is None else number.plain
            ours = None if score is None else score.value
            cells[one.label] += [number_cell(claimed, places), difference_cell(ours, claimed, places)]


def score_cell(score: Score | None, places: int) -> Cell:
    """A value, its confidence interval, and "n of N" where sequences are missing."""
    if score is None or score.value is None:
        return Cell("-")
    text = f"{score.value:.{places}f}"
    if score.low is not None and score.high is not None:
        text += f" [{score.low:.{places}f}, {score.high:.{places}f}]"
    if score.sequences != score.expected_sequences:
        text += f" ({score.sequences} of {score.expected_sequences})"
    return Cell(text, score.value)


def difference_cell(ours: float | None, published: float | None, places: int) -> Cell:
    if ours is None or published is None:
        return Cell("-")
    return Cell(f"{ours - published:+.{places}f}", ours - published)


def _add_costs(view: View, columns: list[Column], cells: dict[str, list[Cell]]) -> None:
    for title, find, divisor in (("MACs (M)", view.macs, 1e6), ("params (M)", view.parameters, 1e6)):
        found = {one.label: find(one) for one in view.contenders}
        if any(found.values()):
            columns.append(Column(title, higher_is_better=False, digits=2))
            for label, value in found.items():
                cells[label].append(_cost_cell(value, divisor))
    for title, quantity, better in (("fps", "fps", True), ("latency p50 (ms)", "latency_p50", False)):
        costs = {one.label: view.cost(one.label, quantity) for one in view.contenders}
        if any(costs.values()):
            columns.append(Column(title, higher_is_better=better, digits=1, hint=_device(view, quantity)))
            for label, cost in costs.items():
                cells[label].append(number_cell(None if cost is None else cost.value, 1))


def _cost_cell(found: tuple[float, bool] | None, divisor: float) -> Cell:
    if found is None:
        return Cell("-")
    value, cited = found[0] / divisor, found[1]
    return Cell(f"{value:,.2f}" + (" †" if cited else ""), value)


def _device(view: View, quantity: str) -> str:
    return ", ".join(dict.fromkeys(cost.device for cost in view.comparison.costs if cost.quantity == quantity))


def _notes(view: View) -> tuple[str, ...]:
    notes = [
        "Best in bold, second underlined. Brackets: 95 % confidence interval over sequences, where one was computed."
    ]
    if any(found and found[1] for one in view.contenders for found in (view.macs(one), view.parameters(one))):
        notes.append("† cited from a publication, not counted by evalkit.")
    if any(one.origin == "published" for one in view.contenders):
        notes.append("(published): numbers of a paper without raw results; they take no part in tests of significance.")
    devices = _device(view, "fps")
    if devices:
        notes.append(f"Speed: frames divided by seconds inside the tracker, decoding excluded; timed on {devices}.")
    return tuple(notes)


def contenders_table(contenders: tuple[Contender, ...]) -> Table:
    """Who is who: where each tracker's numbers come from."""
    origin = {
        "evalkit": "run by evalkit, run.json at hand",
        "imported": "raw results of others, scored by evalkit",
        "published": "published numbers only",
    }
    return Table(
        "trackers",
        "Trackers",
        (Column("label", numeric=False), Column("tracker", numeric=False), Column("origin", numeric=False)),
        tuple((name_cell(one), Cell(one.tracker), Cell(origin[one.origin])) for one in contenders),
    )
