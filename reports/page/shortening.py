"""Make figures of many trackers smaller, so that a page of sixty trackers on five benchmarks stays below 5 MB.

Figures of up to ``MANY`` trackers keep all digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MANY = 20
"""Number of series of a figure above which it is shortened."""

_PATH = re.compile(r' d="(M [-\d.]+ [-\d.]+(?: L [-\d.]+ [-\d.]+){2,})"')
_NUMBER = re.compile(r"-?\d+\.\d+")


def shorten_svg(text: str, data: Mapping[str, Any] | None) -> str:
    """Return an SVG figure whose curves have one decimal of a point, and no command between their points.

    Args:
        text: The figure.
        data: Its plotted data, by which it is decided.
    """
    return _PATH.sub(_shorten_path, text) if _is_large(data) else text


def shorten_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return plotted data with the three decimals that the page shows, and an abscissa that all series share once."""
    if not _is_large(data):
        return dict(data)
    series = [{**one, "y": _rounded(one["y"])} if "y" in one else dict(one) for one in data["series"]]
    abscissa = series[0].get("x")
    if abscissa is None or any(list(one.get("x", ())) != list(abscissa) for one in series):
        return {**data, "series": series}
    without = [{key: value for key, value in one.items() if key != "x"} for one in series]
    return {**data, "x": [float(f"{value:.6g}") for value in abscissa], "series": without}


def _is_large(data: Mapping[str, Any] | None) -> bool:
    return data is not None and data.get("kind") == "curve" and len(data.get("series", ())) > MANY


def _shorten_path(match: re.Match[str]) -> str:
    rounded = _NUMBER.sub(lambda number: f"{float(number.group()):.1f}".removesuffix(".0"), match[1])
    return f' d="{rounded.replace(" L ", " ")}"'


def _rounded(values: Any) -> Any:
    return [None if value is None else round(value, 3) for value in values]
