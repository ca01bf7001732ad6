"""Scores of one benchmark: every metric, the curves and the ranking."""

from __future__ import annotations

from evalkit.reports.document.model import Section
from evalkit.reports.document.view import View
from evalkit.reports.sections.scores_figures import curve_figures, eao_interval, ranking_figures
from evalkit.reports.tables.score_tables import scores_table
from evalkit.types import Score

_NO_CURVES = "No curves: the metrics of this profile do not summarize curves."


def scores_section(view: View, dataset: str) -> Section:
    """Return the tables and figures of all scores; only a sentence if no tracker has scores."""
    key, title = f"{dataset}-scores", "Scores"
    scores = view.scores(dataset)
    if not scores:
        return Section(key, title, chapter=dataset, skipped=(_why_no_scores(view, dataset),))
    return Section(
        key,
        title,
        tables=(scores_table(view, scores),),
        figures=(*curve_figures(view, dataset), *ranking_figures(view, dataset)),
        skipped=(*_no_curves(scores), *_too_short_for_eao(view, dataset, scores)),
        chapter=dataset,
    )


def _why_no_scores(view: View, dataset: str) -> str:
    """Return the reason why no tracker has scores: the groundtruth is withheld, or there are no results."""
    comparison = view.comparison
    reasons = dict.fromkeys(reason for (name, _), reason in comparison.skipped.items() if name == dataset)
    reason = comparison.unscored.get(dataset) or "; ".join(reasons)
    return f"No scores: {reason}." if reason else "No tracker has scores on this benchmark."


def _no_curves(scores: list[Score]) -> tuple[str, ...]:
    return () if any(score.curve is not None for score in scores) else (_NO_CURVES,)


def _too_short_for_eao(view: View, dataset: str, scores: list[Score]) -> tuple[str, ...]:
    """Return a sentence if EAO averages over lengths that none of the sequences has.

    In the multi-start protocol these lengths count as failures and make every EAO small.
    """
    found, interval = view.dataset(dataset), eao_interval(view, dataset)
    has_eao = any((score.metric, score.profile) == ("eao", "vot-multistart") for score in scores)
    if found is None or interval is None or not has_eao:
        return ()
    first, last = interval
    longest = max(len(sequence) for sequence in found.sequences)
    if longest >= last:
        return ()
    return (f"EAO averages over lengths between {first} and {last} frames; the longest sequence here has {longest}.",)
