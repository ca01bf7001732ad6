"""The report over real results: measured, imported and published side by side, opened in a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from headless_browser import Browser
from numpy.typing import NDArray
from report_page import embedded, figures, points

from evalkit import api
from evalkit.comparison import Comparison

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OTB = ("Bird2", "Couple", "Crossing", "David", "Man", "Walking2")


@pytest.fixture(scope="module")
def folders(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Benchmarks and results: boxes of the official LightTrack, of two trackers run here, and of other toolkits."""
    root, results = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("results")
    (root / "OTB").symlink_to(data / "datasets" / "OTB")
    for name in ("VOT2018", "VOT2019"):
        (root / f"{name}.json").symlink_to(data / "annotations" / f"{name}.json")
        (results / name).symlink_to(data / "results" / name)
    (results / "OTB100" / "lighttrack-m").mkdir(parents=True)
    official = np.load(data / "golden" / "models" / "lighttrack_m_official_otb.npz")
    for name in OTB:
        boxes = official[f"{name}_boxes"] + np.array([1.0, 1.0, 0.0, 0.0])
        np.savetxt(results / "OTB100" / "lighttrack-m" / f"{name}.txt", boxes, fmt="%.6f", delimiter=",")
    api.run(["identity"], ["otb100"], data=root, results=results, sequences=OTB)
    api.run(["identity"], results=results, sequences=["scale", "blur"])
    weights = data / "weights" / "nanotrack_v2.pth"
    api.run(["nanotrack-v2"], ["otb100"], data=root, results=results, weights=weights, sequences=["Crossing"])
    return root, results


@pytest.fixture(scope="module")
def made(folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Path]:
    root, results = folders
    output = tmp_path_factory.mktemp("report") / "report.html"
    gathered = api.compare(
        ["lighttrack-m", "nanotrack-v2", "identity", "LightTrack", "NanoTrack", "ocean", "siamrpnpp-r50"],
        ["otb100", "synthetic", "vot2018", "vot2019"],
        data=root,
        results=results,
        allow_partial=True,
        names={"LightTrack": "lighttrack-m", "NanoTrack": "nanotrack-v1"},
        jobs=2,
    )
    api.report(gathered, output)
    return gathered, output


def test_imported_results_reproduce_the_published_numbers(made: tuple[Comparison, Path]) -> None:
    eao = {
        (score.tracker, score.dataset): score.value
        for score in made[0].scores
        if (score.metric, score.attribute) == ("eao", None)
    }
    assert eao["LightTrack", "vot2018"] == pytest.approx(0.418186, abs=1e-6)
    assert eao["LightTrack", "vot2019"] == pytest.approx(0.327701, abs=1e-6)
    assert eao["NanoTrack", "vot2018"] == pytest.approx(0.311267, abs=1e-6)


def test_every_plotted_curve_is_the_scored_curve(made: tuple[Comparison, Path]) -> None:
    gathered, output = made
    text = output.read_text(encoding="utf-8")
    drawn, checked = figures(text), 0
    for key, content in embedded(text).items():
        if content["kind"] != "curve" or "metric" not in content:
            continue
        for series in content["series"]:
            score = next(
                one
                for one in gathered.scores
                if (one.tracker, one.dataset, one.profile, one.metric, one.attribute)
                == (series["tracker"], content["dataset"], content["profile"], content["metric"], None)
            )
            assert score.curve is not None
            x, y = score.curve
            np.testing.assert_array_equal(np.array(series["x"], dtype=float), x)
            np.testing.assert_array_equal(np.array(series["y"], dtype=float), y)
            check_line(points(drawn[key], series["index"]), x, y)
            checked += 1
    assert checked >= 3 * 3 + 3


def check_line(shown: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """The drawn points are the first of the curve; what lies outside the picture is cut off."""
    count = len(shown) - (len(shown) < len(x))
    assert count > 20
    scale = np.ptp(shown[:count, 0])
    np.testing.assert_allclose(shown[:count, 0], x[:count], atol=1e-4 * scale)
    np.testing.assert_allclose(shown[:count, 1], y[:count], atol=1e-4)


def test_the_page_is_small_and_silent_in_a_browser(made: tuple[Comparison, Path], browser: Browser) -> None:
    _, output = made
    assert output.stat().st_size < 5e6
    browser.log("browser")
    browser.requests()
    browser.open(output)
    assert browser.log("browser") == []
    assert [url for url in browser.requests() if not url.startswith(("file:", "data:"))] == []
    assert browser.run("return document.querySelectorAll('figure svg').length") > 15
    text = browser.run("return document.body.innerText")
    for expected in ("0.418", "(published)", "(imported)", "6 of 100", "†"):
        assert expected in text


def test_tables_of_real_sequences_sort_and_filter(made: tuple[Comparison, Path], browser: Browser) -> None:
    browser.open(made[1])
    browser.run("document.querySelector('#table-vot2018-sequences thead th:nth-child(3) button').click()")
    script = "return [...document.querySelectorAll('#table-vot2018-sequences tbody tr')].map(r => r.cells[2].dataset.v)"
    values = [float(value) for value in browser.run(script) if value is not None]
    assert len(values) > 50
    assert values == sorted(values, reverse=True)
    browser.run("""
        const input = document.querySelector('#table-vot2018-sequences input');
        input.value = 'ball'; input.dispatchEvent(new Event('input', {bubbles: true}));
    """)
    assert browser.run("return document.querySelector('#table-vot2018-sequences .count').textContent").endswith("of 60")
    rows = "return [...document.querySelectorAll('#table-vot2018-sequences tbody tr')].filter(r => !r.hidden).length"
    assert 0 < browser.run(rows) < 10


def test_replay_shows_real_frames(folders: tuple[Path, Path], tmp_path: Path, browser: Browser) -> None:
    root, results = folders
    output = tmp_path / "replay.html"
    gathered = api.compare(
        ["lighttrack-m", "identity"], "otb100", data=root, results=results, allow_partial=True, replay="Crossing"
    )
    api.report(gathered, output)
    browser.open(output)
    assert browser.run("return document.querySelectorAll('[id$=\"-replay\"] .frame image').length") == 8
    loaded = """
        const image = new Image();
        image.src = document.querySelector('[id$="-replay"] .frame image').getAttribute('href');
        return image.decode().then(() => image.naturalWidth);
    """
    assert browser.run(loaded) == 360
    click = "new MouseEvent('click', {bubbles: true, cancelable: true})"
    browser.run(f"document.querySelector('figure.wide a').dispatchEvent({click})")
    assert browser.run("return new Promise(done => setTimeout(() => done(location.hash), 200))").startswith(
        "#frame-otb100-"
    )
    assert browser.run("return document.querySelectorAll('figure.frame:target').length") == 1
