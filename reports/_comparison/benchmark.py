"""What one benchmark says: all scores, their curves, published numbers beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.reports._comparison import published, ranking
from evalkit.reports._comparison.document import Cell, Column, Contender, Figure, Section, Table, name_cell, number_cell
from evalkit.reports._comparison.plain import scores_table
from evalkit.reports._comparison.published import Published
from evalkit.reports._comparison.summary import difference_cell
from evalkit.reports._comparison.view import View, digits, head, ranked
from evalkit.types import Score

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_CURVES = {
    "auc": ("Success plot", "overlap threshold", "success rate"),
    "precision": ("Precision plot", "centre error threshold (pixels)", "precision"),
    "norm_precision": ("Normalized precision plot", "normalized centre error threshold", "precision"),
    "ao": ("Success plot", "overlap threshold", "success rate"),
    "eao": ("Expected average overlap", "sequence length (frames)", "expected overlap"),
    "f_score": ("Precision against recall", "recall", "precision"),
}


def section(view: View, dataset: str) -> Section:
    scores = view.scores(dataset)
    if not scores:
        return Section(
            f"{dataset}-scores", "Scores", chapter=dataset, skipped=("No tracker has results for this benchmark.",)
        )
    tables = [scores_table(view, scores), *_published_table(view, dataset, scores)]
    figures = (*_curve_figures(view, dataset), *ranking.figures(view, dataset))
    return Section(
        f"{dataset}-scores",
        "Scores",
        tables=tuple(tables),
        figures=figures,
        chapter=dataset,
        skipped=(*_skipped(scores), *_too_short(view, dataset, scores)),
    )


def _published_table(view: View, dataset: str, scores: list[Score]) -> list[Table]:
    official = [score for score in scores if score.profile == scores[0].profile]
    ours = {(score.tracker, score.metric): score for score in official}
    units = {score.metric: score.unit for score in official}
    rows = [
        _published_row(one, number, ours.get((one.label, metric)), digits(unit))
        for one in view.contenders
        for metric, unit in units.items()
        for number in published.of(view.published, one.tracker, dataset, metric)
    ]
    if not rows:
        return []
    columns = (
        Column("tracker", numeric=False), Column("metric", numeric=False), Column("here"), Column("published"),
        Column("difference"), Column("source", numeric=False), Column("certainty", numeric=False),
        Column("note", numeric=False),
    )  # fmt: skip
    note = (
        "Published numbers are claims of their sources; a row without a value here has no raw results to check it by."
    )
    return [Table(f"{dataset}-published", "Published beside ours", columns, tuple(rows), (note,))]


def _published_row(one: Contender, number: Published, ours: Score | None, places: int) -> tuple[Cell, ...]:
    return (
        name_cell(one),
        Cell(head(number.metric)),
        number_cell(None if ours is None else ours.value, places),
        number_cell(number.plain, places),
        difference_cell(ours, number.plain, places),
        Cell(number.source),
        Cell(number.certainty),
        Cell(number.note),
    )


def _curve_figures(view: View, dataset: str) -> list[Figure]:
    figures = []
    curved = [
        score
        for score in view.scores(dataset)
        if score.metric in _CURVES and score.curve is not None and score.value is not None
    ]
    for profile, metric in dict.fromkeys((score.profile, score.metric) for score in curved):
        own = ranked(score for score in curved if (score.profile, score.metric) == (profile, metric))
        figures.append(_curve_figure(view, dataset, profile, metric, own))
    return figures


def _curve_figure(view: View, dataset: str, profile: str, metric: str, scores: list[Score]) -> Figure:
    title, x_label, y_label = _CURVES[metric]
    found = view.comparison.dataset(dataset)
    interval = found.vot.eao_interval if found is not None and metric == "eao" else None
    places = digits(scores[0].unit)
    series = [
        {
            "tracker": score.tracker,
            "index": view.contender(score.tracker).index,
            "value": f"{score.value:.{places}f}",
            "x": [_finite(x) for x, _ in _points(score)],
            "y": [_finite(y) for _, y in _points(score)],
        }
        for score in scores
    ]
    named = f"{title}, {dataset} ({profile})"
    best = f"{scores[0].tracker} leads with {head(metric)} {series[0]['value']}" if series else ""

    def draw() -> Drawing:
        from evalkit.reports._figures import curves

        return curves.curve_plot(f"{title} · {dataset}", x_label, y_label, series, interval=interval)

    return Figure(
        f"{dataset}-{profile}-{metric}-curve", named,
        f"{y_label} against {x_label} for {len(series)} tracker{'s' if len(series) != 1 else ''}; {best}.",
        draw, {"kind": "curve", "metric": metric, "profile": profile, "dataset": dataset, "series": series},
    )  # fmt: skip


def _points(score: Score) -> list[tuple[float, float]]:
    """A score's curve; EAO's without the sequence of no frames, which some toolkits count from."""
    points = [] if score.curve is None else list(zip(*score.curve, strict=True))
    return [point for point in points if score.metric != "eao" or point[0] > 0]


def _finite(value: float) -> float | None:
    return float(value) if value == value else None


def _too_short(view: View, dataset: str, scores: list[Score]) -> tuple[str, ...]:
    """What makes every EAO from anchors small: lengths that no sequence at hand has count as failures there."""
    found = view.comparison.dataset(dataset)
    if found is None or not any(score.metric == "eao" and score.profile == "vot-multistart" for score in scores):
        return ()
    longest = max(len(sequence) for sequence in found.sequences)
    first, last = found.vot.eao_interval or (0, 0)
    if longest >= last:
        return ()
    return (f"EAO averages over lengths between {first} and {last} frames; the longest sequence here has {longest}.",)


def _skipped(scores: list[Score]) -> tuple[str, ...]:
    if any(score.curve is not None for score in scores):
        return ()
    return ("No curves: the metrics of this profile are no summaries of curves.",)
