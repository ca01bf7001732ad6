"""Puts the sections of a report in their order."""

from __future__ import annotations

from evalkit.comparison import Comparison
from evalkit.reports._comparison import (
    attributes,
    benchmark,
    cards,
    cost,
    rates,
    replay,
    sequences,
    significance,
    summary,
    timing,
)
from evalkit.reports._comparison.document import Document, Section, listed
from evalkit.reports._comparison.published import Published
from evalkit.reports._comparison.view import View


def compose(comparison: Comparison, numbers: tuple[Published, ...] | None = None) -> Document:
    """The whole report.

    Args:
        numbers: Published numbers; those that come with evalkit by default.

    Raises:
        EvalkitError: A tracker has neither results nor published numbers.
    """
    view = View(comparison, numbers)
    sections: list[Section] = [summary.section(view)]
    for dataset in view.datasets:
        sections += [part.section(view, dataset) for part in (benchmark, significance, attributes, rates, sequences)]
        sections += replay.sections(view, dataset)
    sections += [cost.section(view), cost.paper_section(view), timing.section(view)]
    sections += [cards.cards_section(view), cards.found_section(view)]
    return Document(
        title=listed([one.label for one in view.contenders], most=4),
        subtitle=f"{len(view.contenders)} tracker{'s' if len(view.contenders) != 1 else ''} on {listed(view.datasets)}",
        contenders=view.contenders,
        sections=tuple(section for section in sections if not section.empty),
        notices=comparison.notices,
    )
