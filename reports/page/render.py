"""Renders a document as one HTML file that contains its style, script, figures and pictures."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit import __version__
from evalkit.plot.tracker_styles import BAND, DARK, GRID, INK, LIGHT, MUTED, TrackerStyle
from evalkit.reports.document.model import Document, Figure, Section
from evalkit.reports.figures.svg import to_svg
from evalkit.reports.figures.theme import PAGE, theme
from evalkit.reports.page.shortening import shorten_data, shorten_svg
from evalkit.reports.page.size_limit import fit_page
from evalkit.reports.page.swatches import swatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Environment

    from evalkit.reports.document.player import Player

FOLDER = Path(__file__).resolve().parent
"""Folder of the template, the style sheet and the script."""

_DARK_THEME = (
    " color-scheme: dark; --paper: #0f1318; --raised: #181e25; --ink: #e6edf3; --muted: #9aa7b4; --line: #303a45;"
    " --band: #1e262f; --accent: #79b8ff; --good: #123524; --bad: #45221b;"
)
_HIDDEN = (
    "svg .off, .values .off { display: none; }\ntr.off { display: none; }\n[hidden] { display: none !important; }\n"
)


def render_page(document: Document) -> str:
    """Return the whole page; the same document gives the same bytes.

    What does not fit into ``document.page_bytes`` is left out, and the page says so.
    """
    drawings = {figure.key: shorten_svg(draw_svg(figure), figure.data) for figure in document.figures()}
    return fit_page(document, drawings, _render)


def _render(document: Document, drawings: Mapping[str, str], left_out: Sequence[str]) -> str:
    """Return the page with figures that are drawn already.

    Args:
        document: The report.
        drawings: SVG text of each figure, by its key.
        left_out: What was left out of the page to make it smaller.
    """
    from markupsafe import Markup

    css = _read("page.css") + _color_rules(len(document.trackers))
    script = _read("page.js")
    return _environment().get_template("page.html.j2").render(
        document=document,
        chapters=_chapters(document),
        drawings={key: Markup(drawing) for key, drawing in drawings.items()},  # noqa: S704 - escaped
        swatches=[Markup(swatch(one.index)) for one in document.trackers],  # noqa: S704 - ours
        pictures={frame.key: _data_url(frame.jpeg) for frame in document.frames()},
        data=Markup(_plotted_data(document)),  # noqa: S704 - "<" cannot occur in it
        style=Markup(css),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        style_hash=_hash(css),
        script_hash=_hash(script),
        version=__version__,
        left_out=left_out,
    )  # fmt: skip


def draw_svg(figure: Figure) -> str:
    """Return a figure as SVG text."""
    with theme():
        return to_svg(figure.draw(PAGE), figure.key, title=figure.title, description=figure.description)


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the SHA-256 hash as a content security policy names what it allows."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _data_url(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def _chapters(document: Document) -> list[tuple[str, list[Section]]]:
    grouped = itertools.groupby(document.sections, key=lambda section: section.chapter)
    return [(chapter, list(sections)) for chapter, sections in grouped]


def _plotted_data(document: Document) -> str:
    """Return the points of all figures and the content of all players as JSON that is safe inside a script element."""
    content = {
        "figures": {figure.key: shorten_data(figure.data) for figure in document.figures() if figure.data},
        "players": {player.key: _player_data(player) for player in document.players()},
    }
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _player_data(player: Player) -> dict[str, Any]:
    return {
        "numbers": player.numbers,
        "length": player.length,
        "pictures": [base64.b64encode(jpeg).decode() for jpeg in player.pictures],
        "outlines": [
            [[index, [round(value, 1) for point in outline for value in point]] for index, outline in outlines]
            for outlines in player.outlines
        ],
        "failures": player.failures,
        "partings": player.partings,
    }


def _color_rules(trackers: int) -> str:
    """Return CSS with the colour of every tracker, and with the dark theme's counterpart of every figure colour."""
    light, dark = _variables(LIGHT), _variables(DARK) + _DARK_THEME
    series = "".join(f".series-{index} {{ --c: var(--s{index % len(LIGHT)}); }}\n" for index in range(trackers))
    series += "".join(_outline_rule(index) for index in range(trackers))
    return (
        f"\n:root {{ {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ {dark} }} }}\n"
        f"@media screen {{ :root[data-theme=dark] {{ {dark} }} }}\n{series}{_repaint_rules()}{_HIDDEN}"
    )


def _outline_rule(index: int) -> str:
    """Return CSS that draws the outlines of a tracker with the dashes of its curves; empty for a solid line."""
    dashes = " ".join(f"{1.5 * length:g}" for length in TrackerStyle(index).dashes)
    return f".box.series-{index} {{ stroke-dasharray: {dashes}; }}\n" if dashes else ""


def _repaint_rules() -> str:
    """Return CSS that replaces the fixed colours of figures by variables, which the dark theme changes."""
    names = {INK: "ink", MUTED: "muted", GRID: "line", BAND: "band"}
    names.update({color: f"s{index}" for index, color in enumerate(LIGHT)})
    return "".join(
        f'figure svg [{kind}="{color}"] {{ {kind}: var(--{name}); }}\n'
        for color, name in names.items()
        for kind in ("fill", "stroke")
    )


def _variables(colors: tuple[str, ...]) -> str:
    return " ".join(f"--s{index}: {color};" for index, color in enumerate(colors))
