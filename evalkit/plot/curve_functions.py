"""The public functions that draw curves; ``evalkit.plot`` describes the arguments that they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from evalkit.arguments import Names
from evalkit.comparison import Comparison
from evalkit.comparison.metric_labels import curve_labels
from evalkit.errors import MissingResults
from evalkit.plot.axes import plain_text, text_size
from evalkit.plot.curves import Line, curve_line, draw_curves, legend_label
from evalkit.plot.source import Selection, Shown, Source, select
from evalkit.plot.tracker_styles import TrackerStyle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SUCCESS = ("auc", "ao")


def success(
    ax: Axes,
    source: Source,
    *,
    dataset: str | None = None,
    profile: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
    legend: bool = True,
) -> Axes:
    """Draw the success plot: the fraction of frames whose overlap exceeds each threshold.

    Args:
        ax, source, dataset, trackers, names, legend: See ``evalkit.plot``.
        profile: Metric profile, e.g. ``otb-matlab`` or ``got10k``; the first one by default.
    """
    return _curves(ax, select(source, dataset=dataset, trackers=trackers, shown=names), _SUCCESS, profile, legend)


def precision(
    ax: Axes,
    source: Source,
    *,
    dataset: str | None = None,
    profile: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
    legend: bool = True,
) -> Axes:
    """Draw the precision plot: the fraction of frames whose centre error is within each threshold in pixels.

    See ``success`` for the arguments.
    """
    chosen = select(source, dataset=dataset, trackers=trackers, shown=names)
    return _curves(ax, chosen, ("precision",), profile, legend)


def normalized_precision(
    ax: Axes,
    source: Source,
    *,
    dataset: str | None = None,
    profile: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
    legend: bool = True,
) -> Axes:
    """Draw the normalized precision plot, whose centre error is relative to the size of the groundtruth box.

    See ``success`` for the arguments.
    """
    chosen = select(source, dataset=dataset, trackers=trackers, shown=names)
    return _curves(ax, chosen, ("norm_precision",), profile, legend)


def eao(
    ax: Axes,
    source: Source,
    *,
    dataset: str | None = None,
    profile: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
    legend: bool = True,
) -> Axes:
    """Draw VOT's expected average overlap by sequence length; the lengths that EAO averages over are shaded.

    The interval is that of the dataset, so it is shaded for a comparison only. See ``success`` for the arguments.
    """
    chosen = select(source, dataset=dataset, trackers=trackers, shown=names)
    found = source.dataset(chosen.dataset) if isinstance(source, Comparison) else None
    interval = None if found is None else found.vot.eao_interval
    return _curves(ax, chosen, ("eao",), profile, legend, interval=interval)


def precision_recall(
    ax: Axes,
    source: Source,
    *,
    dataset: str | None = None,
    profile: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
    legend: bool = True,
) -> Axes:
    """Draw long-term precision against recall.

    See ``success`` for the arguments.
    """
    chosen = select(source, dataset=dataset, trackers=trackers, shown=names)
    return _curves(ax, chosen, ("f_score",), profile, legend)


def auc_by_frame_rate(
    ax: Axes,
    source: Comparison,
    *,
    dataset: str | None = None,
    trackers: Names | None = None,
    names: Shown | None = None,
    legend: bool = True,
) -> Axes:
    """Draw streaming accuracy by frame rate, as far as the stored times determine it."""
    chosen = select(source, dataset=dataset, trackers=trackers, shown=names)
    rates = {score.tracker: source.auc_by_frame_rate.get((chosen.dataset, score.tracker)) for score in chosen.leading()}
    lines = [
        Line(chosen.name(label), chosen.indices[label], f"to {row[-1][0]:g} fps", *map(list, zip(*row, strict=True)))
        for label, row in rates.items()
        if row
    ]
    if not lines:
        raise MissingResults("no tracker has stored times", where=chosen.dataset)
    draw_curves(ax, lines, "frames per second", "AUC", marks=True, size=text_size(ax))
    _curve_legend(ax, lines, legend)
    return ax


def _curves(
    ax: Axes,
    chosen: Selection,
    metrics: Sequence[str],
    profile: str | None,
    legend: bool,
    *,
    interval: tuple[float, float] | None = None,
) -> Axes:
    scores = chosen.curves(metrics, profile)
    labels = curve_labels(scores[0])
    lines = [
        replace(curve_line(score, chosen.indices[score.tracker]), tracker=chosen.name(score.tracker))
        for score in scores
    ]
    x_label, y_label = ("", "") if labels is None else labels[1:]
    draw_curves(ax, lines, x_label, y_label, interval=interval, size=text_size(ax))
    _curve_legend(ax, lines, legend)
    return ax


def _curve_legend(ax: Axes, lines: Sequence[Line], legend: bool) -> None:
    """Name the lines, the best first, and add the legend if it is wanted."""
    drawn = {artist.get_gid(): artist for artist in ax.lines}
    handles = [drawn[f"{TrackerStyle(line.index).name}--c{len(lines) - 1 - place}"] for place, line in enumerate(lines)]
    for handle, line in zip(handles, lines, strict=True):
        handle.set_label(plain_text(legend_label(line.tracker, line.value)))
    if legend:
        ax.legend(handles=handles, fontsize=text_size(ax), frameon=False, handlelength=2.6)
