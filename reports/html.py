"""One self-contained page: tables that sort and filter, figures, replay, run cards; nothing is fetched."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit import registry
from evalkit.comparison import Comparison
from evalkit.types import Cost, Score


@registry.report("html", summary="one self-contained page with figures", suffix=".html")
def as_html(
    comparison: Comparison | None = None,
    scores: Sequence[Score] = (),
    costs: Sequence[Cost] = (),
    notices: Sequence[str] = (),
) -> str:
    from evalkit.reports._comparison.compose import compose
    from evalkit.reports._html.page import page

    return page(compose(comparison or Comparison((), (), tuple(scores), tuple(costs), notices=tuple(notices))))
