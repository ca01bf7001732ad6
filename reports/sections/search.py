"""Search: the front of a search for architectures, with everything evaluated, and its members as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

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
from evalkit.reports.document.view import View
from evalkit.reports.figures.search_front import search_front_plot
from evalkit.search.front import pareto_front
from evalkit.search.ledger import Evaluation
from evalkit.search.stored import StoredSearch

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from evalkit.reports.figures.theme import FigureStyle

_COSTS = {"macs": ("MACs (M)", 1e6), "parameters": ("parameters (M)", 1e6), "latency": ("latency (ms)", 1.0)}
"""Labels and units of costs."""


def search_sections(view: View) -> Iterator[Section]:
    """Yield one section for each search of the report."""
    for number, search in enumerate(view.comparison.searches):
        yield _section(search, f"search-{number}")


def _section(search: StoredSearch, key: str) -> Section:
    failed = sum(one.error is not None for one in search.evaluations)
    introduction = (
        f"{len(search.evaluations)} architectures were evaluated by {search.identity['method']}, "
        f"{failed} of them failed. Their fitness is the mean overlap on {search.identity['fitness']}, "
        "on which the search selects; the overlap in the table is on scenes that did not steer it.",
    )
    return Section(key, f"Search {search.name}", introduction, (_table(search, key),), (_figure(search, key),))


def _axis(search: StoredSearch) -> tuple[str, str, float]:
    name = search.identity["against"]
    label, scale = _COSTS.get(name, (name, 1e6 if name.startswith("macs") else 1.0))
    return name, label, scale


def _figure(search: StoredSearch, key: str) -> Figure:
    name, label, scale = _axis(search)

    def point(one: Evaluation) -> tuple[float, float]:
        return one.costs[name] / scale, one.value

    front = [point(one) for one in pareto_front([one for one in search.evaluations if one.error is None], point)]
    evaluated = [point(one) for one in search.evaluations]
    limit = search.identity["limits"].get(name)
    reference = next((record for record in search.records if record["rank"] is None), None)
    marked = None if reference is None else (reference[name] / scale, reference["fitness"])

    def draw(style: FigureStyle) -> Drawing:
        return search_front_plot(
            f"Front of {search.name}", label, "fitness", evaluated, front, style,
            limit=None if limit is None else limit / scale, reference=marked,
        )  # fmt: skip

    description = "; ".join(f"{cost:.4g}: {value:.3f}" for cost, value in front)
    caption = f"Front: {description}." + _marks(has_reference=marked is not None, has_limit=limit is not None)
    return Figure(
        f"{key}-plot", f"Fitness against {label}", caption, draw,
        {"kind": "points", "points": [[None, "", cost, value] for cost, value in evaluated]},
    )  # fmt: skip


def _marks(*, has_reference: bool, has_limit: bool) -> str:
    star = " The star is the reference." if has_reference else ""
    return star + (" The dashed line is the limit." if has_limit else "")


def _table(search: StoredSearch, key: str) -> Table:
    columns: list[ColumnOf[Mapping[str, Any]]] = [
        (Column("rank"), lambda row: Cell("-") if row["rank"] is None else number_cell(row["rank"], 0)),
        (Column("MACs (M)", higher_is_better=False, digits=1), lambda row: number_cell(row["macs"] / 1e6, 1)),
        (
            Column("params (M)", higher_is_better=False, digits=2),
            lambda row: number_cell(row["parameters"] / 1e6, 2),
        ),
        *_latency_columns(search),
        (Column("fitness", higher_is_better=True), lambda row: number_cell(row["fitness"])),
        (Column("overlap", higher_is_better=True), _overlap_cell),
        *([(Column("difference to the reference"), _difference_cell)] if _has_differences(search) else []),
        (text_column("path"), lambda row: Cell(row["path"])),
    ]
    return build_table(key, f"Front of {search.name}", columns, search.records, notes=_choices(search))


def _has_differences(search: StoredSearch) -> bool:
    return any(row["difference"] is not None for row in search.records)


def _latency_columns(search: StoredSearch) -> list[ColumnOf[Mapping[str, Any]]]:
    """Return a column with the measured latencies if latency was one of the costs."""
    if not any("latency_measured" in row for row in search.records):
        return []
    column = Column("latency (ms)", higher_is_better=False, digits=2)
    return [(column, lambda row: number_cell(row["latency_measured"], 2))]


def _overlap_cell(row: Mapping[str, Any]) -> Cell:
    if row["value"] is None:
        return Cell("-")
    return Cell(f"{row['value']:.3f}", row["value"], detail=_interval(row["low"], row["high"]))


def _difference_cell(row: Mapping[str, Any]) -> Cell:
    if row["difference"] is None:
        return Cell("-")
    interval = _interval(row["difference_low"], row["difference_high"])
    return Cell(f"{row['difference']:+.3f}", row["difference"], detail=interval)


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def _choices(search: StoredSearch) -> tuple[str, ...]:
    """Return a sentence with how often each output occurs on the front."""
    outputs = Counter(
        str(record["path"]).rpartition("_ops_")[2] for record in search.records if record["rank"] is not None
    )
    if not outputs or not all(outputs):
        return ()
    counts = ", ".join(f"{name}: {count}" for name, count in sorted(outputs.items()))
    return (f"Outputs on the front (stage and block: members): {counts}.",)
