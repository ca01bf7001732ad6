"""The page as a browser shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from headless_browser import Browser

from evalkit import registry
from evalkit.comparison import Comparison
from evalkit.errors import EvalkitError

pytestmark = pytest.mark.browser

Compare = Callable[..., Comparison]


@pytest.fixture(scope="module")
def report(nasty: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report with names that try to break out."""
    entry = registry.report.find("html")
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(entry.build(comparison=nasty), encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Browser, report: Path) -> Browser:
    """A browser that has just opened the report from disk."""
    browser.log("browser")
    browser.requests()
    browser.open(report)
    return browser


def column(browser: Browser, table: str, place: int) -> list[str]:
    script = """
        const rows = [...document.querySelectorAll(`#table-${arguments[0]} tbody tr`)];
        return rows.filter((row) => !row.hidden).map((row) => row.cells[arguments[1]].textContent);
    """
    return list(browser.run(script, table, place))


def test_the_console_stays_silent_and_nothing_is_requested(page: Browser) -> None:
    assert page.run("return document.readyState") == "complete"
    assert page.log("browser") == []
    strangers = [url for url in page.requests() if not url.startswith(("file:", "data:"))]
    assert strangers == []


def test_names_are_shown_as_text_and_nothing_of_them_runs(page: Browser, nasty: Comparison) -> None:
    shown = page.run("return document.body.innerText")
    for name in nasty.trackers:
        assert name in shown
    assert page.run("return document.scripts.length") == 2


def test_a_click_on_a_head_sorts_and_a_second_one_turns_the_order(page: Browser) -> None:
    click = "document.querySelector('#table-toy-sequences thead th:nth-child(3) button').click()"
    page.run(click)
    falling = [float(text) for text in column(page, "toy-sequences", 2)]
    assert falling == sorted(falling, reverse=True)
    page.run(click)
    rising = [float(text) for text in column(page, "toy-sequences", 2)]
    assert rising == sorted(rising)
    assert len(rising) == 3


def test_the_filter_keeps_the_rows_that_match(page: Browser) -> None:
    page.run("""
        const input = document.querySelector('#table-toy-sequences input');
        input.value = 'gam'; input.dispatchEvent(new Event('input', {bubbles: true}));
    """)
    assert column(page, "toy-sequences", 0) == ["Gamma"]
    assert page.run("return document.querySelector('#table-toy-sequences .count').textContent") == "1 of 3"


def test_a_tracker_can_be_hidden_everywhere(page: Browser) -> None:
    page.run("document.querySelector('.chip[data-series=\"1\"]').click()")
    visible = "return [...document.querySelectorAll('.series.series-1')].filter(e => e.getClientRects().length).length"
    assert page.run(visible) == 0
    page.run("document.querySelector('.chip[data-series=\"1\"]').click()")
    assert page.run(visible) > 0


def test_every_figure_has_a_size_and_nothing_is_wider_than_a_phone(page: Browser) -> None:
    page.command("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True)
    try:
        sizes = page.run(
            "return [...document.querySelectorAll('figure svg')].map(e => [e.clientWidth, e.clientHeight])"
        )
        assert sizes
        assert all(width > 200 and height > 100 for width, height in sizes)
        assert page.run("return document.documentElement.scrollWidth") <= 360
    finally:
        page.command("Emulation.clearDeviceMetricsOverride")


def test_figures_follow_the_dark_theme(page: Browser) -> None:
    ink = "return getComputedStyle(document.querySelector('figure svg text')).fill"
    light = page.run(ink)
    page.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    try:
        assert page.run(ink) != light
    finally:
        page.command("Emulation.setEmulatedMedia", features=[])


def test_the_values_under_the_pointer_are_those_of_the_curve(page: Browser) -> None:
    page.run("""
        const figure = document.querySelector('[data-figure$="auc-curve"]');
        const box = figure.querySelector('svg').getBoundingClientRect();
        figure.dispatchEvent(new PointerEvent('pointermove', {clientX: box.left + box.width / 2}));
    """)
    text = page.run("return document.querySelector('[data-figure$=\"auc-curve\"] .readout').textContent")
    assert text.startswith("at 0.")
    assert "<script>alert(1)</script> 0." in text


def test_pictures_of_frames_are_there(page: Browser) -> None:
    broken = "return [...document.querySelectorAll('image')].filter(e => !e.getBBox().width).length"
    assert page.run(broken) == 0


def test_the_browser_prints_the_page_as_pdf(
    browser: Browser, compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALKIT_BROWSER", browser.program)
    content = registry.report.find("pdf").build(comparison=compare("one", "two"))
    assert content.startswith(b"%PDF")
    assert b"Skia" in content, "printed by the browser, not drawn by matplotlib"


def test_a_browser_that_cannot_print_is_named(compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALKIT_BROWSER", "/nowhere/browser")
    with pytest.raises(EvalkitError, match="/nowhere/browser: this browser cannot print the report"):
        registry.report.find("pdf").build(comparison=compare("one", "two"))
