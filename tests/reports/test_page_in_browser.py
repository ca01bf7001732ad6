"""The page as a browser shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from headless_browser import Browser
from moving_square import moving_square, tiny_dataset

from evalkit import registry
from evalkit.comparison import Comparison
from evalkit.errors import EvalkitError
from evalkit.types import FrameState, Score, Trajectory

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


def test_the_values_under_the_pointer_are_those_of_the_curve_and_nothing_moves(
    page: Browser, nasty: Comparison
) -> None:
    height = page.run("return document.documentElement.scrollHeight")
    page.run("""
        const svg = document.querySelector('[data-figure$="auc-curve"] svg');
        const box = svg.getBoundingClientRect();
        svg.dispatchEvent(new PointerEvent('pointermove', {clientX: box.left + box.width / 2, bubbles: true}));
    """)
    readout = "document.querySelector('[data-figure$=\"auc-curve\"] .readout')"
    text = page.run(f"return {readout}.textContent")
    assert text.startswith("at 0.")
    assert "<script>alert(1)</script> 0." in text
    assert page.run(f"return {readout}.querySelectorAll('div').length") == len(nasty.trackers), "every tracker"
    assert page.run("return document.querySelectorAll('svg .cursor').length") == 1
    assert page.run("return document.documentElement.scrollHeight") == height
    page.run("""
        const svg = document.querySelector('[data-figure$="auc-curve"] svg');
        svg.dispatchEvent(new PointerEvent('pointerleave'));
    """)
    assert page.run(f"return {readout}.hidden")
    assert page.run("return document.querySelectorAll('svg .cursor').length") == 0


def test_the_curves_of_a_tracker_stand_out_while_its_row_is_pointed_at(page: Browser) -> None:
    point = "document.querySelector('tr.series-1').dispatchEvent(new PointerEvent('pointer{}'))"
    opacity = """
        return [0, 1].map((index) => getComputedStyle(
            document.querySelector(`[data-figure$="auc-curve"] .series-${index}`)).opacity);
    """
    page.run(point.format("enter"))
    assert [float(value) < 0.5 for value in page.run(opacity)] == [True, False]
    page.run(point.format("leave"))
    assert page.run(opacity) == ["1", "1"]


def test_a_chip_shows_the_line_and_the_marker_of_its_tracker(page: Browser, nasty: Comparison) -> None:
    count = "return document.querySelectorAll('.chip .swatch .line, .chip .swatch .mark').length"
    assert page.run(count) == 2 * len(nasty.trackers)


@pytest.fixture
def replay(browser: Browser, tmp_path: Path) -> Browser:
    """A browser that has just opened a report with a replay, in which one of two trackers is lost at frame 8 of 20."""
    sequence = moving_square(length=20)
    truth = sequence.groundtruth
    lost = truth.copy()
    lost[7:] += [500, 0, 0, 0]
    states = np.full(20, FrameState.TRACKED, dtype=np.int8)
    unknown = np.full(20, np.nan)
    runs = {
        ("tiny", label): {"square": [Trajectory(label, "square", "one_pass", boxes, None, unknown, unknown, states)]}
        for label, boxes in (("kept", truth), ("lost", lost))
    }
    scores = tuple(
        Score(label, "tiny", "one_pass", "auc", "otb-matlab", 1, 0.5, "fraction", True, 1, 1)
        for label in ("kept", "lost")
    )
    comparison = Comparison(("kept", "lost"), (tiny_dataset(sequence),), scores, runs=runs, replay=("square",))
    path = tmp_path / "replay.html"
    path.write_text(registry.report.find("html").build(comparison=comparison), encoding="utf-8")
    browser.log("browser")
    browser.open(path)
    return browser


OUTPUT = "return document.querySelector('.player output').textContent"


def test_the_player_goes_to_any_frame_by_its_slider(replay: Browser) -> None:
    assert replay.run(OUTPUT) == "frame 1 of 20"
    replay.run("""
        const slider = document.querySelector('.player input');
        slider.value = 11; slider.dispatchEvent(new Event('input'));
    """)
    assert replay.run(OUTPUT) == "frame 12 of 20"
    assert replay.run("return document.querySelectorAll('.player polygon').length") == 3
    assert replay.run("return document.querySelector('.player .values').innerText").split() == [
        "kept", "1.000", "lost", "0.000"
    ]  # fmt: skip
    left = "return document.querySelector('.player polygon.truth').points[0].x"
    assert replay.run(left) == 20 + 2 * 11
    loaded = """
        const image = new Image();
        image.src = document.querySelector('.player image').getAttribute('href');
        return image.decode().then(() => image.naturalWidth);
    """
    assert replay.run(loaded) == 80
    assert replay.log("browser") == []


def test_the_player_jumps_to_the_next_failure_and_to_where_trackers_part(replay: Browser) -> None:
    for kind in ("failures", "partings"):
        replay.run("document.querySelector('.player input').value = 0")
        replay.run(f"document.querySelector('.player [data-jump={kind}]').click()")
        assert replay.run(OUTPUT) == "frame 8 of 20"


def test_the_player_plays_to_the_end_and_stops(replay: Browser) -> None:
    replay.run("document.querySelector('.player .play').click()")
    done = "return new Promise((resolve) => setTimeout(() => resolve(true), 2500))"
    assert replay.run(done)
    assert replay.run(OUTPUT) == "frame 20 of 20"
    assert replay.run("return document.querySelector('.player .play').textContent") == "▶"


def test_a_click_on_the_overlap_plot_goes_to_the_frame(replay: Browser) -> None:
    replay.run("""
        const svg = document.querySelector('[data-figure$="-strip"] svg');
        const [left, , right] = svg.dataset.plot.split(' ').map(Number);
        const box = svg.getBoundingClientRect();
        const at = (left + (right - left) * 9 / 19) / svg.viewBox.baseVal.width;
        svg.dispatchEvent(new MouseEvent('click', {clientX: box.left + box.width * at, bubbles: true}));
    """)
    assert replay.run(OUTPUT) == "frame 10 of 20"


def test_a_hidden_tracker_is_hidden_in_the_player(replay: Browser) -> None:
    replay.run("document.querySelector('.chip[data-series=\"1\"]').click()")
    visible = "return [...document.querySelectorAll('.player .series-1')].filter(e => e.getClientRects().length).length"
    assert replay.run(visible) == 0


def test_the_player_is_not_printed(replay: Browser) -> None:
    replay.command("Emulation.setEmulatedMedia", media="print")
    try:
        assert replay.run("return document.querySelector('.player').getClientRects().length") == 0
        assert replay.run("return document.querySelectorAll('.frame').length") > 1
    finally:
        replay.command("Emulation.setEmulatedMedia", media="")


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


def key(browser: Browser, name: str, *, text: str = "") -> None:
    """Press a key as a person does: the focused element gets it, and the browser acts on it."""
    for kind in ("keyDown", "keyUp"):
        event = {"type": kind, "key": name, "code": name, "windowsVirtualKeyCode": KEYS[name]}
        browser.command("Input.dispatchKeyEvent", **event, **({"text": text} if text and kind == "keyDown" else {}))


KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39, "End": 35, " ": 32}


def test_a_head_is_explained_and_sorts_by_keyboard(page: Browser) -> None:
    head = "document.querySelector('#table-toy-scores thead [data-hint]')"
    page.run("document.querySelector('#table-toy-scores .scroll').focus()")
    key(page, "Tab")  # the name of the tracker
    key(page, "Tab")
    assert page.run(f"return document.activeElement === {head}")
    assert page.run("return document.getElementById('tip').textContent").startswith("area under the success curve")
    assert page.run("return document.getElementById('tip').getClientRects().length") == 1
    key(page, "Enter", text="\r")
    assert page.run(f"return {head}.parentElement.ariaSort") == "descending"
    key(page, "Escape")
    assert page.run("return document.getElementById('tip').hidden")


def test_arrow_keys_read_the_values_of_a_curve(page: Browser) -> None:
    figure = "document.querySelector('[data-figure$=\"auc-curve\"]')"
    first = f"return {figure}.querySelector('.readout b').textContent"
    page.run(f"{figure}.querySelector('svg').focus()")
    key(page, "End")
    assert page.run(first) == "at 1"
    key(page, "ArrowLeft")
    assert page.run(first) == "at 0.95"
    key(page, "Escape")
    assert page.run(f"return {figure}.querySelector('.readout').hidden")


def test_all_trackers_are_hidden_and_shown_at_once(page: Browser, nasty: Comparison) -> None:
    pressed = "return [...document.querySelectorAll('.chip')].filter((chip) => chip.ariaPressed === 'true').length"
    page.run("document.getElementById('show-none').click()")
    assert page.run(pressed) == 0
    page.run("document.getElementById('show-all').click()")
    assert page.run(pressed) == len(nasty.trackers)


def test_the_curve_next_to_the_pointer_is_named_in_bold(page: Browser) -> None:
    nearest = page.run("""
        const figure = document.querySelector('[data-figure$="auc-curve"]'), svg = figure.querySelector('svg');
        const box = svg.getBoundingClientRect(), [left, , , bottom] = svg.dataset.plot.split(' ').map(Number);
        const scale = box.width / svg.viewBox.baseVal.width;
        const place = {clientX: box.left + (left + 60) * scale, clientY: box.top + (bottom - 1) * scale};
        svg.dispatchEvent(new PointerEvent('pointermove', {...place, bubbles: true}));
        const rows = [...figure.querySelectorAll('.readout div')];
        return rows.map((row) => row.classList.contains('nearest'));
    """)
    assert nearest == [False] * (len(nearest) - 1) + [True], "the lowest curve is next to the horizontal axis"


def test_the_space_bar_starts_and_stops_the_player(replay: Browser) -> None:
    replay.run("document.querySelector('.player input').focus()")
    key(replay, " ", text=" ")
    assert replay.run("return document.querySelector('.player .play').ariaLabel") == "pause"
    key(replay, " ", text=" ")
    assert replay.run("return document.querySelector('.player .play').ariaLabel") == "play"


def test_boxes_have_the_dashes_of_their_curves(replay: Browser) -> None:
    dashes = "return [0, 1].map((i) => getComputedStyle(document.querySelector(`.box.series-${i}`)).strokeDasharray)"
    assert replay.run(dashes) == ["none", "7.5px, 3px"]
