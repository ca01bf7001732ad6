"""Scores and costs as tables and nothing around them: what a terminal, a pull request or a paper asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evalkit.comparison import Comparison
from evalkit.reports._comparison.costs import add_costs
from evalkit.reports._comparison.document import Cell, Column, Document, Section, Table, name_cell, number_cell
from evalkit.reports._comparison.view import TRACKING, View, digits, head, leading, ranked
from evalkit.types import Cost, Score


def compose_scores(scores: Sequence[Score], costs: Sequence[Cost], notices: Sequence[str]) -> Document:
    """One table per benchmark, protocol, attribute and frame rate; of costs alone, one table of all."""
    view = View(Comparison((), scores=tuple(scores), costs=tuple(costs)), ())
    tables = [
        conventions_table(view, group) if _overlapping(group) else scores_table(view, group, costs=part is None)
        for (_, _, part), group in groups(scores).items()
    ]
    if costs and not scores:
        tables.append(costs_table(costs))
    section = Section("scores", "Scores", tables=tuple(tables))
    return Document("Scores", "", view.contenders, (section,), tuple(notices))


def groups(scores: Iterable[Score]) -> dict[tuple[str, str, str | None], list[Score]]:
    """Scores by dataset, protocol and part of it, in order of appearance."""
    found: dict[tuple[str, str, str | None], list[Score]] = {}
    for score in scores:
        found.setdefault((score.dataset, score.protocol, _part(score)), []).append(score)
    return found


def _part(score: Score) -> str | None:
    """The attribute and the frame rate that a score is restricted to; None for all, in a video that waits."""
    named = (score.attribute, None if score.fps is None else f"{score.fps:g} fps")
    return ", ".join(filter(None, named)) or None


def scores_table(view: View, scores: Sequence[Score], *, costs: bool = False) -> Table:
    """One row a tracker, best first by the leading metric; one column a metric.

    Args:
        scores: Of one dataset, protocol and attribute.
        costs: Whether columns of what each tracker costs follow.
    """
    if costs and not any(score.metric == "fps" and _speedless(view, score) for score in scores):
        # got10k's is a mean over frames of their rates; where the clock's own stands beside it, one is enough.
        scores = [score for score in scores if score.metric != "fps"]
    kinds = {(score.profile, score.metric): score for score in reversed(scores)}
    order = list(dict.fromkeys((score.profile, score.metric) for score in scores))
    several = [metric for _, metric in order if sum(metric == other for _, other in order) > 1]
    columns = [Column("tracker", numeric=False)]
    columns += [
        Column(
            head(metric, kinds[profile, metric].unit) + (f" · {profile}" if metric in several else ""),
            kinds[profile, metric].higher_is_better,
            digits=digits(kinds[profile, metric].unit),
            hint=f"{profile} v{kinds[profile, metric].version}",
        )
        for profile, metric in order
    ]
    cells: dict[str, list[Cell]] = {}
    for label in dict.fromkeys([score.tracker for score in (*ranked(leading(scores)), *scores)]):
        own = {(score.profile, score.metric): score for score in scores if score.tracker == label}
        values = [score_cell(own.get(kind), digits(kinds[kind].unit)) for kind in order]
        cells[label] = [name_cell(view.contender(label)), *values]
    if any(score.sequences != score.expected_sequences for score in scores):
        columns.append(Column("sequences", digits=0))
        for label, row in cells.items():
            row.append(_coverage([score for score in scores if score.tracker == label]))
    if costs:
        add_costs(view, columns, cells)
    notes = tuple(dict.fromkeys(f"{score.tracker}: {note}" for score in scores for note in score.notes))
    key = "-".join(filter(None, (scores[0].dataset, _part(scores[0]), "scores")))
    return Table(key, title(scores), tuple(columns), tuple(map(tuple, cells.values())), notes).marked()


def _speedless(view: View, score: Score) -> bool:
    return score.value is not None and view.cost(score.tracker, "fps", conventions=(TRACKING,)) is None


def _overlapping(scores: Sequence[Score]) -> bool:
    """Whether any tracker has one metric by two conventions."""
    found = [(score.tracker, score.metric) for score in scores]
    return len(found) > len(set(found))


def conventions_table(view: View, scores: Sequence[Score]) -> Table:
    """One row a tracker and convention, one column a metric: what each convention makes of the same results."""
    kinds = {score.metric: score for score in reversed(scores)}
    metrics = list(dict.fromkeys(score.metric for score in scores))
    columns = [Column("tracker", numeric=False), Column("profile", numeric=False)]
    columns += [
        Column(head(metric, kinds[metric].unit), kinds[metric].higher_is_better, digits=digits(kinds[metric].unit))
        for metric in metrics
    ]
    found = {(score.tracker, score.profile, score.metric): score for score in scores}
    rows = tuple(
        (
            name_cell(view.contender(label)), Cell(profile),
            *(score_cell(found.get((label, profile, metric)), digits(kinds[metric].unit)) for metric in metrics),
        )
        for label, profile in dict.fromkeys((score.tracker, score.profile) for score in scores)
    )  # fmt: skip
    notes = dict.fromkeys(f"{score.tracker}, {score.profile}: {note}" for score in scores for note in score.notes)
    key = "-".join(filter(None, (scores[0].dataset, _part(scores[0]), "conventions")))
    return Table(key, title(scores), tuple(columns), rows, tuple(notes))


def score_cell(score: Score | None, places: int) -> Cell:
    """A value and its confidence interval."""
    if score is None or score.value is None:
        return Cell("-")
    known = score.low is not None and score.high is not None
    interval = f"[{score.low:.{places}f}, {score.high:.{places}f}]" if known else ""
    return Cell(f"{score.value:.{places}f}", score.value, detail=interval)


def _coverage(scores: Sequence[Score]) -> Cell:
    """ "n of N" beside the scores it holds for; the smallest n where metrics differ."""
    least = min(scores, key=lambda score: score.sequences)
    return Cell(f"{least.sequences} of {least.expected_sequences}", least.sequences)


def title(scores: Sequence[Score]) -> str:
    """What a table of these scores is of: dataset, sequences, protocol, profiles with versions."""
    first = scores[0]
    counts = sorted({score.sequences for score in scores})
    number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    of = "" if counts == [first.expected_sequences] else f" of {first.expected_sequences}"
    profiles = ", ".join(dict.fromkeys(f"{score.profile} v{score.version}" for score in scores))
    part = f", {_part(first)}" if _part(first) else ""
    noun = "sequence" if (number, of) == ("1", "") else "sequences"
    return f"{first.dataset}{part} ({number}{of} {noun}, {first.protocol.replace('_', '-')}, {profiles})"


def costs_table(costs: Sequence[Cost]) -> Table:
    """One row a cost, with the circumstances it holds under."""
    columns = (
        Column("tracker", numeric=False),
        *(Column(name, numeric=False) for name in ("quantity", "convention")),
        Column("value"),
        *(Column(name, numeric=False) for name in ("unit", "input", "runtime", "precision", "device")),
        Column("threads", digits=0),
    )
    rows = tuple(
        (
            Cell(cost.tracker), Cell(cost.quantity), Cell(cost.convention), _plain(cost.value),
            Cell(cost.unit), Cell(cost.input), Cell(cost.runtime), Cell(cost.precision), Cell(cost.device),
            number_cell(cost.threads, 0),
        )
        for cost in costs
    )  # fmt: skip
    notes = dict.fromkeys(
        f"{cost.tracker}, {cost.convention}: not counted: {', '.join(cost.not_counted)}"
        for cost in costs
        if cost.not_counted
    )
    return Table("costs", "Costs", columns, rows, tuple(notes))


def _plain(value: float | None) -> Cell:
    if value is None:
        return Cell("-")
    return Cell(f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3f}", value)
