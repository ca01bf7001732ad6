"""Figures: golden files, their content, and the placement of names."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from evalkit.comparison import Comparison
from evalkit.plot.accuracy_robustness import reliability
from evalkit.plot.curves import Line
from evalkit.plot.point_labels import Point
from evalkit.plot.scatter import pareto
from evalkit.plot.tracker_styles import DARK, LIGHT, TrackerStyle, shortened
from evalkit.reports.document.build import build_report
from evalkit.reports.figures.plots import curve_plot, overlap_plot, radar_plot, scatter_plot
from evalkit.reports.figures.svg import to_svg
from evalkit.reports.figures.theme import theme
from evalkit.reports.latex import latex_table

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "reports"
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

LINES = (
    Line("one", 0, "0.612", [0.0, 0.5, 1.0], [1.0, 0.7, 0.0]),
    Line("two", 1, "0.500", [0.0, 0.5, 1.0], [0.9, None, 0.1]),
)


def success() -> str:
    with theme():
        figure = curve_plot("Success plot · toy", "overlap threshold", "success rate", LINES)
        return to_svg(figure, "toy", title="Success plot", description="one leads")


def cost() -> str:
    points = [Point(0, "one", 500.0, 0.6, 0.5, low=0.5, high=0.7), Point(None, "two", 80.0, 0.5, 1.0, cited=True)]
    with theme():
        figure = scatter_plot("AUC on toy", "MACs per frame (M)", "AUC", points, log=True, front=True)
        return to_svg(figure, "cost", title="AUC against MACs", description="two points")


def golden(text: str, name: str) -> str:
    """The committed text. ``EVALKIT_UPDATE_GOLDEN=1`` commits what there is now."""
    path = GOLDEN / name
    if os.environ.get("EVALKIT_UPDATE_GOLDEN") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")


def without_hashes(text: str) -> str:
    """matplotlib derives some identifiers from what they contain."""
    return re.sub(r"\b(toy|cost)-[mpC][0-9a-f_]{8,}", r"\1-hash", text)


@pytest.mark.parametrize(("draw", "name"), [(success, "success-v1.svg"), (cost, "cost-v1.svg")])
def test_figures_equal_the_golden_ones(draw: Callable[[], str], name: str) -> None:
    """Same text between numbers; numbers within half a point, as versions of matplotlib place text differently."""
    found, expected = without_hashes(draw()), without_hashes(golden(draw(), name))
    assert _NUMBER.sub("#", found) == _NUMBER.sub("#", expected)
    numbers = [[float(number) for number in _NUMBER.findall(text)] for text in (found, expected)]
    assert numbers[0] == pytest.approx(numbers[1], abs=0.5)
    assert draw() == draw()


def test_tables_equal_the_golden_latex(compare: Callable[..., Comparison]) -> None:
    tables = {table.key: table for table in build_report(compare("one", "two_2", "three"), ()).tables()}
    text = "\n".join(latex_table(tables[key]) for key in ("summary", "toy-scores", "toy-attributes"))
    assert text == golden(text, "tables-v1.tex")


def test_a_missing_value_breaks_the_line_instead_of_bridging_it() -> None:
    with theme():
        figure = curve_plot("t", "x", "y", LINES)
    two = next(line for line in figure.axes[0].lines if line.get_gid() == "series-1--c0")
    assert two.get_ydata()[1] != two.get_ydata()[1]  # type: ignore[index]


def test_a_figure_has_no_inline_style_and_only_colours_that_the_dark_theme_replaces() -> None:
    known = {*LIGHT, "#1f2328", "#59636e", "#d1d9e0", "#eaeef2", "none"}
    for text in (success(), cost()):
        root = ElementTree.fromstring(text)
        for element in root.iter():
            assert "style" not in element.attrib
            assert {element.get("fill", "none"), element.get("stroke", "none")} <= known


def test_every_colour_has_a_counterpart_in_the_dark() -> None:
    assert len(LIGHT) == len(DARK) == len(set(LIGHT)) == len(set(DARK))


def test_twenty_trackers_differ_without_any_colour() -> None:
    looks = {(TrackerStyle(index).dashes, TrackerStyle(index).marker) for index in range(20)}
    assert len(looks) == 20


@pytest.mark.parametrize("colors", [LIGHT, DARK])
def test_twenty_colours_can_be_told_apart(colors: tuple[str, ...]) -> None:
    rgb = np.array([[int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)] for color in colors], np.float32)
    lab = cv2.cvtColor(rgb[None], cv2.COLOR_RGB2LAB)[0]
    distances = np.linalg.norm(lab[:, None] - lab[None], axis=2) + 1000 * np.eye(len(lab))
    assert len(colors) == 20
    assert distances.min() > 15, "in CIE Lab"


def test_labels_of_many_points_in_one_place_cover_neither_one_another_nor_leave_the_figure() -> None:
    points = [Point(index, f"a-long-name-{index}", 100.0 + index, 0.5 + index / 1000) for index in range(12)]
    with theme():
        figure = scatter_plot("t", "x", "y", points, log=True)
        boxes = [text.get_window_extent() for text in figure.axes[0].texts]
        width, height = figure.get_size_inches() * figure.dpi
    for place, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[place + 1 :])
        assert one.x0 >= 0
        assert one.y0 >= 0
        assert one.x1 <= width
        assert one.y1 <= height


def test_the_last_number_of_a_logarithmic_axis_is_not_cut_off() -> None:
    points = [Point(0, "one", 80.0, 0.5), Point(1, "two", 99_000.0, 0.6)]
    with theme():
        figure = scatter_plot("t", "x", "y", points, log=True)
        figure.draw_without_rendering()
        width = figure.get_size_inches()[0] * figure.dpi
        for label in figure.axes[0].get_xticklabels():
            assert not label.get_text() or label.get_window_extent().x1 <= width


def test_the_pareto_front_contains_the_points_that_no_other_point_beats() -> None:
    assert pareto([(3.0, 0.5), (1.0, 0.2), (2.0, 0.1), (4.0, 0.5), (1.0, 0.1)]) == [(1.0, 0.2), (3.0, 0.5)]
    assert pareto([(1.0, 5.0), (2.0, 6.0), (3.0, 4.0)], lower_y=True) == [(1.0, 5.0), (3.0, 4.0)]


def test_names_in_a_scatter_plot_cover_neither_one_another_nor_marks() -> None:
    with theme():
        figure = scatter_plot(
            "t", "x", "y", [Point(index, f"tracker-{index}", 1.0 + index / 50, 0.5) for index in range(4)]
        )
        boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 4
    for place, one in enumerate(boxes):
        for other in boxes[place + 1 :]:
            assert not one.overlaps(other)


def test_long_names_keep_their_ends() -> None:
    assert shortened("x" * 28) == "x" * 28
    assert shortened("abcdefghij" * 5, 11) == "abcdef…ghij"


def test_reliability_falls_with_failures() -> None:
    assert reliability(0.0) == 1.0
    assert reliability(100.0 / 30.0) == pytest.approx(0.36787944, abs=1e-8)


def test_the_legend_over_time_shows_the_lines_that_are_drawn() -> None:
    with theme():
        figure = overlap_plot("t", {0: [0.5, 0.6], 1: [0.4, None]}, {0: "one", 1: "two"}, [(1, "#one")])
    drawn = [line for line in figure.axes[0].lines if (line.get_gid() or "").startswith("series")]
    shown = figure.legends[0].get_lines()
    assert [line.get_linestyle() for line in shown] == [line.get_linestyle() for line in drawn] == ["-", "-"]


def test_names_around_a_radar_cover_neither_one_another_nor_leave_the_figure() -> None:
    names = ["camera_motion", "illum_change", "motion_change", "occlusion", "size_change", "a very long attribute"]
    with theme():
        figure = radar_plot("t", names, {0: [0.5] * 6}, {0: "one"})
        figure.draw_without_rendering()
        boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
        width, height = figure.get_size_inches() * figure.dpi
    for place, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[place + 1 :])
        assert (one.x0 >= 0, one.x1 <= width, one.y1 <= height) == (True, True, True)


def test_a_legend_of_twenty_trackers_is_below_the_axes_and_inside_the_figure() -> None:
    lines = [Line(f"{'siamrpnpp-mobilenetv2' * 2}-{index}", index, "0.500", [0, 1], [1, 0]) for index in range(20)]
    with theme():
        figure = curve_plot("t", "x", "y", lines)
        figure.draw_without_rendering()
        box, axes = figure.legends[0].get_window_extent(), figure.axes[0].xaxis.label.get_window_extent()
        width = figure.get_size_inches()[0] * figure.dpi
    assert box.x1 <= width
    assert 0 <= axes.y0 - box.y1 < 40, "and there is no gap above it"


def test_names_in_a_scatter_plot_do_not_lie_on_the_front() -> None:
    points = [Point(index, f"tracker-{index}", 10.0 ** (1 + index), 0.5 + index / 10) for index in range(3)]
    with theme():
        figure = scatter_plot("t", "x", "y", points, log=True, front=True)
        front = next(line for line in figure.axes[0].lines if line.get_gid() == "front")
        path = figure.axes[0].transData.transform(front.get_xydata())
        boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    steps = np.linspace(0, 1, 50)
    along = [one + (other - one) * step for one, other in itertools.pairwise(path) for step in steps]
    assert not [place for place in along for box in boxes if box.contains(*place)]
