"""The text of the page; test_page_in_browser.py opens it in a browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from report_page import embedded, figures, points

from evalkit.comparison import Comparison
from evalkit.errors import EvalkitError

Compare = Callable[..., Comparison]


Page = Callable[[Comparison], str]


class Elements(HTMLParser):
    """Every start tag with its attributes, and all text outside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text.append(data)


def test_nothing_on_the_page_refers_to_the_network(compare: Compare, page_of: Page) -> None:
    text = page_of(compare("one", "two"))
    for tag, attributes in Elements(text).tags:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, name, value)
    assert "url(http" not in text
    assert "@import" not in text


def test_a_strict_content_security_policy_finds_no_inline_style_or_handler(compare: Compare, page_of: Page) -> None:
    for tag, attributes in Elements(page_of(compare("one", "two"))).tags:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag


def test_names_that_try_to_break_out_are_text(nasty: Comparison, page_of: Page) -> None:
    text = page_of(nasty)
    elements = Elements(text)
    scripts = [attributes for tag, attributes in elements.tags if tag == "script"]
    assert len(scripts) == 2, "the data and the script, and nothing a name brought in"
    shown = "".join(elements.text)
    for name in nasty.trackers:
        assert name in shown


def test_identifiers_are_unique(compare: Compare, page_of: Page) -> None:
    identifiers = [
        attributes["id"] for _, attributes in Elements(page_of(compare("one", "two"))).tags if "id" in attributes
    ]
    assert len(identifiers) == len(set(identifiers))


def test_every_fragment_link_has_a_target(compare: Compare, page_of: Page) -> None:
    tags = Elements(page_of(compare("one", "two"))).tags
    identifiers = {attributes["id"] for _, attributes in tags if "id" in attributes}
    links = {attributes["href"] for tag, attributes in tags if tag == "a" and attributes.get("href")}
    assert {link[1:] for link in links if link} <= identifiers


def test_the_plotted_points_are_the_scored_curve(compare: Compare, page_of: Page) -> None:
    comparison = compare("one", "two", "three")
    text = page_of(comparison)
    curves = {key: content for key, content in embedded(text).items() if content["kind"] == "curve"}
    assert curves
    drawn = figures(text)
    for key, content in curves.items():
        for series in content["series"]:  # type: ignore[attr-defined]
            score = next(one for one in comparison.scores if one.tracker == series["tracker"] and one.curve is not None)
            assert score.curve is not None
            assert series["x"] == score.curve[0].tolist()
            assert series["y"] == score.curve[1].tolist()
            np.testing.assert_allclose(points(drawn[key], series["index"]), np.stack(score.curve, axis=1), atol=2e-4)


def test_the_legend_holds_the_score(compare: Compare, page_of: Page) -> None:
    comparison = compare("one", "two")
    value = next(score.value for score in comparison.scores if score.tracker == "two")
    assert f"two [{value:.3f}]" in page_of(comparison)


def test_the_page_is_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    code = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('made', {str(Path(__file__).with_name('conftest.py'))!r})\n"
        "made = importlib.util.module_from_spec(spec); spec.loader.exec_module(made)\n"
        "from evalkit import registry; from evalkit.comparison import Comparison\n"
        "scores = tuple(made.score(name, rank) for rank, name in enumerate(('one', 'two')))\n"
        "page = registry.report.find('html').build(comparison=Comparison(('one', 'two'), scores=scores))\n"
        "sys.stdout.buffer.write(page.encode())\n"
    )
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[1])},
        ).stdout
        for seed in ("1", "2")
    )
    assert first
    assert first == second


def test_a_tracker_without_results_and_published_numbers_is_refused(compare: Compare, page_of: Page) -> None:
    comparison = compare("one")
    unknown = Comparison(("one", "nobody"), scores=comparison.scores)
    with pytest.raises(EvalkitError, match="neither results nor published numbers"):
        page_of(unknown)
