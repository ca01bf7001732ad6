"""Swatches: a small picture of the line and the marker of a tracker, for chips and tables."""

from __future__ import annotations

from evalkit.plot.tracker_styles import TrackerStyle

_MARKS = {
    "o": "M17 6a4 4 0 1 1-8 0a4 4 0 1 1 8 0z",
    "s": "M9.5 2.5h7v7h-7z",
    "^": "M13 1.5L17.5 10h-9z",
    "D": "M13 1.5L17.5 6L13 10.5L8.5 6z",
    "v": "M13 10.5L17.5 2h-9z",
    "P": "M11.5 2h3v2.5H17v3h-2.5V10h-3V7.5H9v-3h2.5z",
    "X": "M10.5 2L13 4.5L15.5 2L17 3.5L14.5 6L17 8.5L15.5 10L13 7.5L10.5 10L9 8.5L11.5 6L9 3.5z",
    "*": "M13 1l1.3 3.3h3.5l-2.7 2.2l1 3.5l-3.1-2l-3.1 2l1-3.5l-2.7-2.2h3.5z",
    "<": "M8.5 6L17 1.500v9z",
    ">": "M17.5 6L9 1.500v9z",
}
"""Outline of each marker in a swatch of 26 by 12."""


def swatch(index: int) -> str:
    """Return a picture of a tracker's line and marker."""
    style = TrackerStyle(index)
    dashes = f' stroke-dasharray="{" ".join(f"{1.3 * one:g}" for one in style.dashes)}"' if style.dashes else ""
    return (
        f'<svg class="swatch series-{index}" viewBox="0 0 26 12" aria-hidden="true">'
        f'<path class="line" d="M0 6H26"{dashes}/><path class="mark" d="{_MARKS[style.marker]}"/></svg>'
    )
