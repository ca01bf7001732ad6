"""Leaves out of a page what does not fit into its size: frames of players, then stills, then the values of curves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from evalkit.reports.document.model import Document, Figure, Section

Render: TypeAlias = Callable[[Document, Mapping[str, str], Sequence[str]], str]
"""Renders a document with drawn figures, and with sentences on what was left out."""

_BASE64 = 4 / 3
"""Bytes of a picture in a page, relative to its own."""

_RESERVE = 0.03
"""Part of the pictures that is left out in addition, for what surrounds them."""


def fit_page(document: Document, drawings: Mapping[str, str], render: Render) -> str:
    """Return the page with as much of the document as fits into ``document.page_bytes``.

    A page that is too large without any frame and without the values of curves is returned all the same; it says so.

    Args:
        document: The report.
        drawings: SVG text of each figure, by its key.
        render: Renders the page.
    """
    page = render(document, drawings, ())
    smallest, left_out = document, []
    for smallest, reason in _smaller(document, len(page.encode())):
        left_out.append(reason)
        page = render(smallest, drawings, left_out)
        if len(page.encode()) <= document.page_bytes:
            return page
    if len(page.encode()) <= document.page_bytes:
        return page
    return render(smallest, drawings, [*left_out, "the page is still larger than that"])


def _smaller(document: Document, size: int) -> Iterator[tuple[Document, str]]:
    """Yield smaller and smaller documents, each with what was left out of it; none if the page is small enough.

    Args:
        document: The whole report.
        size: Bytes of its page.
    """
    excess = size - document.page_bytes
    if excess <= 0:
        return
    if players := document.players():
        pictures = sum(player.bytes for player in players)
        share = max(0.0, 1.0 - excess / _BASE64 / pictures - _RESERVE)
        document = _with_sections(document, lambda section: _thinned(section, share))
        yield document, "frames of the replays"
        document = _with_sections(document, lambda section: replace(section, player=None))
        yield document, "players of the replays"
    if document.frames():
        document = _with_sections(document, lambda section: replace(section, frames=()))
        yield document, "stills of the failures and replays"
    if any(figure.data for figure in document.figures()):
        document = _with_sections(document, _without_values)
        yield document, "values under the pointer"


def _with_sections(document: Document, change: Callable[[Section], Section]) -> Document:
    return replace(document, sections=tuple(change(section) for section in document.sections))


def _thinned(section: Section, share: float) -> Section:
    """Return a section whose player has a part of the bytes of its pictures."""
    player = section.player
    return section if player is None else replace(section, player=player.within(int(share * player.bytes)))


def _without_values(section: Section) -> Section:
    return replace(section, figures=tuple(_without_data(figure) for figure in section.figures))


def _without_data(figure: Figure) -> Figure:
    return replace(figure, data={})
