"""Converts figures to SVG for a page: small, the same bytes every time, without inline styles, with descriptions.

Inline styles become presentation attributes, which a strict content security policy allows and which the page's style
sheet may override (dark theme). Identifiers that nothing refers to are removed, because many figures share a page.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SVG = "http://www.w3.org/2000/svg"
_HREF = "{http://www.w3.org/1999/xlink}href"
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_FONTS = "system-ui, 'Segoe UI', 'DejaVu Sans', 'Noto Sans', sans-serif"
_DECIMALS = ("d", "x", "y", "width", "height", "transform", "points", "stroke-width", "stroke-dasharray", "font-size")
_SERIES = re.compile(r"(series-\d+)(?:--\w+)?$")

ElementTree.register_namespace("", _SVG)


def to_svg(figure: Figure, key: str, *, title: str, description: str) -> str:
    """Return the figure as one ``<svg>`` element.

    Args:
        figure: A figure drawn under ``theme``.
        key: Prefix of the identifiers in it; unique on the page.
        title: Title for screen readers.
        description: Text for readers who cannot see the figure.
    """
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = ElementTree.fromstring(stream.getvalue())  # noqa: S314 - our own text
    _clean(root)
    _name_identifiers(root, key)
    _label(root, key, title, description)
    root.set("data-plot", _plot(figure))
    return ElementTree.tostring(root, encoding="unicode")


def _clean(root: ElementTree.Element) -> None:
    """Remove what a page does not need: metadata, matplotlib's style sheet, sizes, white space, long decimals."""
    _remove_metadata(root)
    for element in root.iter():
        _style_to_attributes(element)
        _clean_attributes(element)
        if element.tag.endswith("}g"):
            element.text = (element.text or "").strip() or None
        element.tail = None
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("font-family", _FONTS)
    root.set("stroke-linejoin", "round")


def _remove_metadata(root: ElementTree.Element) -> None:
    for child in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(child)
    for child in root.findall(f"{{{_SVG}}}defs"):
        if child.find(f"{{{_SVG}}}style") is not None:
            root.remove(child)


def _clean_attributes(element: ElementTree.Element) -> None:
    for name in _DECIMALS:
        if name in element.attrib:
            element.set(name, _rounded(element.attrib[name]))
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    element.attrib.pop("target", None)  # a link leads to another part of the same page
    if _HREF in element.attrib:
        element.set("href", element.attrib.pop(_HREF))


def _style_to_attributes(element: ElementTree.Element) -> None:
    style = element.attrib.pop("style", "")
    for part in style.split(";"):
        name, colon, value = (piece.strip() for piece in part.partition(":"))
        if name == "font":
            _font_to_attributes(element, value)
        elif colon and name != "font-family":
            element.set(name, value)


def _font_to_attributes(element: ElementTree.Element, font: str) -> None:
    size = re.search(r"(\d+(?:\.\d+)?px)", font)
    weight = re.search(r"\b(bold|\d00)\b", font)
    element.set("font-size", size.group(1) if size else "10px")
    if weight:
        element.set("font-weight", weight.group(1))


def _rounded(text: str) -> str:
    short = _NUMBER.sub(lambda match: f"{float(match.group()):.2f}".rstrip("0").rstrip("."), text)
    return re.sub(r"\s+", " ", short).strip()


def _name_identifiers(root: ElementTree.Element, key: str) -> None:
    """Keep only identifiers that something refers to, with a prefix; identifiers of series become classes."""
    text = " ".join(value for element in root.iter() for name, value in element.attrib.items() if name != "id")
    used = set(re.findall(r"#([\w-]+)", text)) & {element.get("id", "") for element in root.iter()}
    for element in root.iter():
        identifier = element.attrib.pop("id", "")
        if identifier in used:
            element.set("id", f"{key}-{identifier}")
        elif series := _SERIES.match(identifier):
            element.set("class", f"series {series.group(1)}")
        _rename_references(element, used, key)


def _rename_references(element: ElementTree.Element, used: set[str], key: str) -> None:
    for name, value in element.attrib.items():
        if name == "href" and value[1:] in used:
            element.set(name, f"#{key}-{value[1:]}")
        elif value.startswith("url(#"):
            element.set(name, f"url(#{key}-{value[5:]}")


def _plot(figure: Figure) -> str:
    """Return the first axes' edges (left, top, right, bottom) in points and limits (left, right, bottom, top)."""
    axes = figure.axes[0]
    width, height = figure.get_size_inches() * 72
    place = axes.get_position()
    edges = (place.x0 * width, (1 - place.y1) * height, place.x1 * width, (1 - place.y0) * height)
    return " ".join(f"{value:.8g}" for value in (*edges, *axes.get_xlim(), *axes.get_ylim()))


def _label(root: ElementTree.Element, key: str, title: str, description: str) -> None:
    root.set("role", "img")
    root.set("aria-labelledby", f"{key}-title {key}-desc")
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(f"{{{_SVG}}}{tag}", {"id": f"{key}-{tag}"})
        element.text = text
        root.insert(position, element)
