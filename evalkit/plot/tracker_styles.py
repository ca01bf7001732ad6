"""Colours, dashes and markers: one per tracker, the same on every figure of a report.

Colours are chosen to stay apart for colour-blind eyes; dashes and markers keep lines apart without any colour. Every
colour of a figure is one of these, so that a page can restyle a figure for a dark theme by its colours alone.
"""

from __future__ import annotations

from dataclasses import dataclass

INK = "#1f2328"
"""Colour of text."""

MUTED = "#59636e"
"""Colour of axes and of what is less important than the trackers."""

GRID = "#d1d9e0"
"""Colour of grid lines."""

BAND = "#eaeef2"
"""Colour of shaded intervals."""

LIGHT = (
    "#0072b2", "#d55e00", "#009e73", "#b5579b", "#c78500", "#3a9bd9", "#5b3a8e", "#8c510a", "#737373", "#b2182b",
    "#0f8b8d", "#e83e8c", "#1b5e20", "#948a00", "#3339c4", "#ff6f59", "#3d4d5c", "#7cb518", "#b06cf0", "#5c0a3a",
)  # fmt: skip
"""Colours of trackers on a light background."""

DARK = (
    "#4ea8de", "#ff8c42", "#3ddc97", "#e8a0c8", "#ffc24b", "#9fdcff", "#b39ddb", "#d2a679", "#b8b8b8", "#ff7b7b",
    "#2fb8ba", "#ff5aa5", "#6fbf73", "#e6dc5a", "#8088ff", "#ffb3a6", "#7d93a8", "#bff04a", "#f06bff", "#c4669a",
)  # fmt: skip
"""Their counterparts on a dark background, in the same order."""

_DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (5, 2),
    (1.5, 1.5),
    (7, 2, 1.5, 2),
    (3, 1),
    (9, 2, 1.5, 2, 1.5, 2),
    (2, 3),
)
_MARKERS = "os^DvPX*<>"


@dataclass(frozen=True)
class TrackerStyle:
    """Colour, dashes and marker of one tracker.

    Attributes:
        index: Index of the tracker in the report; None for a tracker that is not in it.
    """

    index: int | None

    @property
    def name(self) -> str:
        """Identifier and CSS class of the elements that show the tracker."""
        return "other" if self.index is None else f"series-{self.index}"

    @property
    def color(self) -> str:
        """Colour on a light background."""
        return MUTED if self.index is None else LIGHT[self.index % len(LIGHT)]

    @property
    def dashes(self) -> tuple[float, ...]:
        """Lengths of dashes and gaps in points; empty for a solid line."""
        return _DASHES[(self.index or 0) % len(_DASHES)]

    @property
    def marker(self) -> str:
        """Marker in matplotlib's notation."""
        return _MARKERS[(self.index or 0) % len(_MARKERS)]


def shortened(label: str, most: int = 28) -> str:
    """Return a label of at most ``most`` characters; the middle of a longer one is replaced by an ellipsis.

    >>> shortened("lighttrack:back_04502514044521042540+cls_211000022+reg_100000111_ops_32")
    'lighttrack:bac…000111_ops_32'
    """
    if len(label) <= most:
        return label
    kept = most - 1
    return f"{label[: kept // 2 + 1]}…{label[-(kept - kept // 2 - 1) :]}"
