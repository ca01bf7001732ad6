"""A document as one HTML file that needs nothing else: style, script, figures and pictures are inside."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from evalkit import __version__
from evalkit.reports._comparison.document import Document, Figure, Section
from evalkit.reports._figures import canvas, style
from evalkit.reports._figures.svg import to_svg

FOLDER = Path(__file__).resolve().parent


def page(document: Document) -> str:
    """The whole page; the same document gives the same bytes."""
    css = _read("page.css") + _colors(len(document.contenders))
    script = _read("page.js")
    environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined)
    drawings = {figure.key: Markup(draw(figure)) for figure in document.figures()}  # noqa: S704 - escaped by the writer
    pictures = {
        frame.key: "data:image/jpeg;base64," + base64.b64encode(frame.jpeg).decode()
        for section in document.sections
        for frame in section.frames
    }
    return environment.get_template("page.html.j2").render(
        document=document,
        chapters=_chapters(document),
        drawings=drawings,
        pictures=pictures,
        data=Markup(_data(document)),  # noqa: S704 - "<" cannot occur in it
        style=Markup(css),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        style_hash=_hash(css),
        script_hash=_hash(script),
        version=__version__,
    )


def draw(figure: Figure) -> str:
    """A figure as SVG text."""
    with canvas.settings():
        return to_svg(figure.draw(), figure.key, title=figure.title, description=figure.description)


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _chapters(document: Document) -> list[tuple[str, list[Section]]]:
    grouped = itertools.groupby(document.sections, key=lambda section: section.chapter)
    return [(chapter, list(sections)) for chapter, sections in grouped]


def _data(document: Document) -> str:
    content = {"figures": {figure.key: dict(figure.data) for figure in document.figures() if figure.data}}
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _colors(number: int) -> str:
    """Rules that give every tracker its colour, and every colour of a figure its counterpart in the dark."""
    series = "".join(f".series-{index} {{ --c: var(--s{index % len(style.LIGHT)}); }}\n" for index in range(number))
    inks = {style.INK: "ink", style.MUTED: "muted", style.GRID: "line", style.BAND: "band"}
    named = {**inks, **{color: f"s{index}" for index, color in enumerate(style.LIGHT)}}
    repaint = "".join(
        f'figure svg [{kind}="{color}"] {{ {kind}: var(--{name}); }}\n'
        for color, name in named.items()
        for kind in ("fill", "stroke")
    )
    hidden = "svg .off { display: none; }\ntr.off { display: none; }\n[hidden] { display: none !important; }\n"
    light = _variables(style.LIGHT)
    dark = _variables(style.DARK) + _DARK
    return (
        f"\n:root {{ {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ {dark} }} }}\n"
        f"@media screen {{ :root[data-theme=dark] {{ {dark} }} }}\n{series}{repaint}{hidden}"
    )


_DARK = (
    " color-scheme: dark; --paper: #0f1318; --raised: #181e25; --ink: #e6edf3; --muted: #9aa7b4; --line: #303a45;"
    " --band: #1e262f; --accent: #79b8ff; --good: #123524; --bad: #45221b;"
)


def _variables(colors: tuple[str, ...]) -> str:
    return " ".join(f"--s{index}: {color};" for index, color in enumerate(colors))
