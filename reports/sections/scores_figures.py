"""Figures of one benchmark's scores: curves, the ranking, and VOT's plot of accuracy and robustness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.comparison.metric_labels import CurveLabels, curve_labels, metric_head, metric_name, unit_digits
from evalkit.comparison.ranking import ranked
from evalkit.plot.accuracy_robustness import accuracy_robustness_points
from evalkit.plot.curves import curve_line
from evalkit.plot.point_labels import Point
from evalkit.plot.ranking import RankedValue
from evalkit.reports.document.model import Figure, counted
from evalkit.reports.document.view import View
from evalkit.reports.figures.plots import curve_plot, ranking_plot, scatter_plot
from evalkit.types import Score

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from evalkit.reports.figures.theme import FigureStyle


def curve_figures(view: View, dataset: str) -> list[Figure]:
    """Return one figure for each profile and metric that summarizes a curve."""
    curved: dict[tuple[str, str], list[Score]] = {}
    for score in view.scores(dataset):
        if score.curve is not None and score.value is not None:
            curved.setdefault((score.profile, score.metric), []).append(score)
    known = [(scores, labels) for scores in curved.values() if (labels := curve_labels(scores[0])) is not None]
    titles = [labels.title for _, labels in known]
    return [
        _curve_figure(view, ranked(scores), labels, named=titles.count(labels.title) > 1) for scores, labels in known
    ]


def _curve_figure(view: View, scores: list[Score], labels: CurveLabels, *, named: bool) -> Figure:
    """Return the figure of one profile and metric.

    Args:
        view: The comparison.
        scores: Scores of all trackers, best first.
        labels: Title and labels of the axes.
        named: Whether the title names the profile, because another figure has the same title.
    """
    best = scores[0]
    dataset, profile, metric = best.dataset, best.profile, best.metric
    title, x_label, y_label = labels
    lines = [curve_line(score, view.tracker(score.tracker).index) for score in scores]
    interval = eao_interval(view, dataset) if metric == "eao" else None

    def draw(style: FigureStyle) -> Drawing:
        shown = f"{title} · {dataset}" + (f" ({profile})" if named else "")
        return curve_plot(shown, x_label, y_label, lines, style, interval=interval)

    leader = f"{best.tracker} leads with {metric_name(best)} {lines[0].value}"
    series = [line.record() for line in lines]
    return Figure(
        f"{dataset}-{profile}-{metric}-curve", f"{title}, {dataset} ({profile})",
        f"{y_label} against {x_label} for {counted(len(lines), 'tracker')}; {leader}.", draw,
        {"kind": "curve", "metric": metric, "profile": profile, "dataset": dataset, "series": series},
    )  # fmt: skip


def eao_interval(view: View, dataset: str) -> tuple[int, int] | None:
    """Return the sequence lengths that EAO averages over, as the dataset declares them; None if it declares none."""
    found = view.dataset(dataset)
    return None if found is None else found.vot.eao_interval


def ranking_figures(view: View, dataset: str) -> list[Figure]:
    """Return the ranking, and for VOT the plot of accuracy and robustness; none for a single tracker."""
    scores = [score for score in view.leading(dataset) if score.value is not None]
    if len(scores) < 2:
        return []
    return [_ranking_figure(view, dataset, scores), *_accuracy_robustness_figures(view, dataset)]


def _ranking_figure(view: View, dataset: str, scores: list[Score]) -> Figure:
    label, digits = metric_head(scores[0]), unit_digits(scores[0].unit)
    rows = [
        RankedValue(view.tracker(score.tracker).index, score.tracker, score.value, score.low, score.high)
        for score in scores
        if score.value is not None
    ]

    def draw(style: FigureStyle) -> Drawing:
        return ranking_plot(f"{label} ranking · {dataset}", label, rows, style, digits=digits)

    order = ", ".join(f"{row.label} {row.value:.{digits}f}" for row in rows[:10])
    data = {"kind": "ranking", "rows": [row.record() for row in rows]}
    return Figure(f"{dataset}-ranking-plot", f"{label} ranking, {dataset}", f"From best to worst: {order}.", draw, data)


def _accuracy_robustness_figures(view: View, dataset: str) -> list[Figure]:
    found = accuracy_robustness_points(view.scores(dataset))
    return [] if found is None else [_accuracy_robustness_figure(view, dataset, *found)]


def _accuracy_robustness_figure(
    view: View, dataset: str, x_label: str, points: list[tuple[str, float, float]]
) -> Figure:
    def draw(style: FigureStyle) -> Drawing:
        marks = [Point(view.tracker(label).index, label, x, y) for label, x, y in points]
        return scatter_plot(f"Accuracy and robustness · {dataset}", x_label, "accuracy", marks, style)

    values = "; ".join(f"{label}: {x_label} {x:.3f}, accuracy {y:.3f}" for label, x, y in points)
    data = {"kind": "points", "points": [list(point) for point in points]}
    return Figure(f"{dataset}-ar-plot", f"Accuracy and robustness, {dataset}", f"{values}.", draw, data)
