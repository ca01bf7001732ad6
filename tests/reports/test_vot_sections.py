"""Sections of a report for VOT's protocols, where they differ from one pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from moving_square import moving_square, tiny_dataset

from evalkit.comparison import Comparison
from evalkit.reports.document.model import Section
from evalkit.reports.document.published import load_published
from evalkit.reports.document.view import View
from evalkit.reports.sections.lighttrack_figure import lighttrack_figure_section
from evalkit.reports.sections.scores import scores_section
from evalkit.types import Score, VotRules

LENGTHS, OVERLAPS = np.arange(5.0), np.array([0.0, 0.9, 0.8, 0.7, 0.6])


def score(tracker: str, metric: str, profile: str, value: float, *, curve: bool = False) -> Score:
    found = Score(tracker, "tiny", "multistart", metric, profile, 1, value, "fraction", True, 3, 3)
    return replace(found, curve=(LENGTHS, OVERLAPS)) if curve else found


def section(profile: str, leading: str, *metrics: str, interval: tuple[int, int] = (2, 4)) -> Section:
    dataset = replace(tiny_dataset(moving_square("a", 5)), vot=VotRules(eao_interval=interval))
    scores = [
        score(tracker, metric, profile, value, curve=metric not in {"accuracy", "robustness"})
        for tracker, value in (("one", 0.6), ("two", 0.5))
        for metric in (leading, *metrics)
    ]
    return scores_section(View(Comparison(("one", "two"), (dataset,), tuple(scores)), ()), "tiny")


def test_the_multistart_protocol_has_an_accuracy_robustness_plot_too() -> None:
    (figure,) = (one for one in section("vot-multistart", "eao", "accuracy", "robustness").figures if "-ar-" in one.key)
    assert figure.data["points"] == [["one", 0.6, 0.6], ["two", 0.5, 0.5]]
    assert "one: robustness 0.600, accuracy 0.600" in figure.description


def test_the_expected_overlap_of_no_frames_is_not_drawn() -> None:
    curve = section("vot-multistart", "eao").figures[0].data["series"][0]
    assert (curve["x"][0], curve["y"][0]) == (1.0, 0.9)


def test_precision_against_recall_is_drawn_once() -> None:
    curves = [
        one.key for one in section("vot-longterm", "f_score", "lt_precision", "lt_recall").figures if "curve" in one.key
    ]
    assert curves == ["tiny-vot-longterm-f_score-curve"]


@pytest.mark.parametrize(("interval", "said"), [((2, 4), False), ((3, 9), True)])
def test_lengths_that_no_sequence_has_are_named_where_they_make_eao_small(
    interval: tuple[int, int], said: bool
) -> None:
    told = " ".join(section("vot-multistart", "eao", interval=interval).skipped)
    assert ("between 3 and 9 frames; the longest sequence here has 5" in told) is said


@pytest.mark.parametrize(("label", "shown"), [("ocean", True), ("mosse", False)])
def test_the_figure_of_a_paper_is_shown_if_one_of_its_trackers_is_in_the_report(label: str, shown: bool) -> None:
    view = View(Comparison((label,), (), (score(label, "eao", "vot-multistart", 0.5),)), load_published())
    assert bool(lighttrack_figure_section(view).tables) is shown
