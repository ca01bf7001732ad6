"""Reads a report's page back: its figures, the points drawn in them, and the embedded data."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray


def figures(text: str) -> dict[str, ElementTree.Element]:
    found = re.findall(r'data-figure="([^"]+)">\s*<div class="plot">(<svg.*?</svg>)', text, re.S)
    return {key: ElementTree.fromstring(svg) for key, svg in found}


def embedded(text: str) -> dict[str, dict[str, Any]]:
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert match
    return dict(json.loads(match.group(1))["figures"])


def points(svg: ElementTree.Element, index: int) -> NDArray[np.float64]:
    """Points of a tracker's line, from the picture's coordinates back to those of the axes."""
    left, top, right, bottom, x0, x1, y0, y1 = map(float, svg.attrib["data-plot"].split())
    groups = [one for one in svg.iter() if one.get("class") == f"series series-{index}"]
    outline = max((path.get("d", "") for group in groups for path in group.iter()), key=len)  # the legend's is shorter
    pixels = np.array(re.findall(r"-?[\d.]+", outline), dtype=float).reshape(-1, 2)
    return np.column_stack([
        x0 + (pixels[:, 0] - left) / (right - left) * (x1 - x0),
        y0 + (bottom - pixels[:, 1]) / (bottom - top) * (y1 - y0),
    ])  # fmt: skip
