"""Everything on one screen: the leading score of each benchmark, the published value beside it, and what it costs."""

from __future__ import annotations

from evalkit.reports._comparison.costs import add_costs, clock_note, macs_note
from evalkit.reports._comparison.document import Cell, Column, Contender, Section, Table, listed, name_cell, number_cell
from evalkit.reports._comparison.plain import score_cell
from evalkit.reports._comparison.view import TRACKING, View, digits, head, invalid
from evalkit.types import Cost, Score


def section(view: View) -> Section:
    columns: list[Column] = [Column("tracker", numeric=False)]
    cells: dict[str, list[Cell]] = {one.label: [name_cell(one)] for one in view.contenders}
    for dataset in view.datasets:
        _add_benchmark(view, dataset, columns, cells)
    add_costs(view, columns, cells)
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
    title = f"{dataset} {head(first.metric, first.unit)}"
    columns.append(Column(title, first.higher_is_better, digits=places, hint=first.profile))
    cited = {one.label: view.cited(one, dataset, first.metric) for one in view.contenders}
    if any(cited.values()):
        columns.append(Column("published", digits=places, hint="in brackets: ours minus published"))
    for one in view.contenders:
        score = scores.get(one.label)
        cells[one.label].append(score_cell(score, places))
        if any(cited.values()):
            number = cited[one.label]
            claimed = None if number is None else number.plain
            cells[one.label].append(_published_cell(score, claimed, places))


def _published_cell(score: Score | None, claimed: float | None, places: int) -> Cell:
    difference = difference_cell(score, claimed, places)
    if claimed is None or difference.value is None:
        return number_cell(claimed, places)
    return Cell(f"{claimed:.{places}f}", claimed, detail=f"({difference.text})")


def difference_cell(score: Score | None, published: float | None, places: int) -> Cell:
    """Ours minus the published value; nothing where sequences are missing, which would compare unlike things."""
    if score is None or score.value is None or published is None or score.sequences != score.expected_sequences:
        return Cell("-")
    return Cell(f"{score.value - published:+.{places}f}", score.value - published)


def _notes(view: View) -> tuple[str, ...]:
    notes = [
        "Best in bold, second underlined. Small print: 95 % confidence interval over sequences; beside a published "
        "value, ours minus published."
    ]
    partial = [found for dataset in view.datasets if (found := _partial(dataset, view.leading(dataset)))]
    notes += ["Partial: " + "; ".join(partial) + "."] if partial else []
    if any(found and found[1] for one in view.contenders for found in (view.macs(one), view.parameters(one))):
        notes.append("† cited from a publication, not counted by evalkit.")
    if any(one.origin == "published" for one in view.contenders):
        notes.append("(published): numbers of a paper without raw results; they take no part in tests of significance.")
    if any(cost is not None and invalid(cost) for one in view.contenders for cost in _speeds(view, one.label)):
        notes.append("Some speeds were taken on a busy machine and are invalid; the table of times says which.")
    if counted := macs_note(view):
        notes.append(f"MACs: {counted}; other conventions stand under Accuracy against cost.")
    if clock := clock_note(view, "fps"):
        notes.append(f"fps: frames divided by seconds inside the tracker, decoding excluded; timed on {clock}.")
    return tuple(notes)


def _partial(dataset: str, scores: list[Score]) -> str:
    """How much of a benchmark is scored, and for whom where that differs; empty where all of it is."""
    covered: dict[tuple[int, int], list[str]] = {}
    for score in scores:
        covered.setdefault((score.sequences, score.expected_sequences), []).append(score.tracker)
    parts = [
        f"{some} of {every} sequences" + (f" ({listed(labels)})" if len(covered) > 1 else "")
        for (some, every), labels in covered.items()
        if some != every
    ]
    return f"{', '.join(parts)} of {dataset}" if parts else ""


def _speeds(view: View, label: str) -> list[Cost | None]:
    return [view.cost(label, quantity, conventions=(TRACKING,)) for quantity in ("fps", "latency_p50")]


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
