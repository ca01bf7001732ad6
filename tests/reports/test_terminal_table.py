"""Tables in the width of a terminal."""

from __future__ import annotations

import re

import pytest

from evalkit import api
from evalkit.types import Score

METRICS = ("auc", "precision", "norm_precision", "sr50", "sr75")
BOLD = re.compile(r"\x1b\[1m(.*?)\x1b\[22m")


def scores(*labels: str) -> list[Score]:
    return [
        Score(
            tracker=label, dataset="otb100", protocol="one_pass", metric=metric, profile="otb-matlab", version=1,
            value=0.5 + place / 10, unit="fraction", higher_is_better=True, sequences=100, expected_sequences=100,
            low=0.4, high=0.9, notes=(f"a note of {label} that is long enough to be wider than eighty characters is",),
        )
        for place, label in enumerate(labels)
        for metric in METRICS
    ]  # fmt: skip


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = api.render("table", scores=scores("mosse", "lighttrack-m"), notices=["word " * 60], width=width)
    assert max(map(len, text.splitlines())) <= width


def test_intervals_go_below_the_values_where_they_do_not_fit() -> None:
    wide = api.render("table", scores=scores("mosse", "lighttrack-m"))
    assert "0.600 [0.400, 0.900]" in wide
    assert "95 % intervals" not in wide
    narrow = api.render("table", scores=scores("mosse", "lighttrack-m"), width=80)
    values, intervals = narrow.split("\n\n95 % intervals\n", 1)
    assert [line.split() for line in values.splitlines()[2:]] == [
        ["lighttrack-m"] + ["0.600"] * 5,
        ["mosse"] + ["0.500"] * 5,
    ]
    assert intervals.count("[0.400, 0.900]") == 2 * len(METRICS)
    assert sum(line.startswith("mosse") for line in intervals.splitlines()) == 2, "two tables, each with the trackers"


def test_a_width_that_is_enough_changes_nothing() -> None:
    assert api.render("table", scores=scores("mosse"), width=500) == api.render("table", scores=scores("mosse"))


def test_the_best_values_are_bold_and_names_cannot_be() -> None:
    name = "evil\x1b[31m"
    text = api.render("table", scores=scores(name, "best"), notices=["\x1b[31mred"], width=200, bold=True)
    assert BOLD.findall(text) == ["0.600"] * len(METRICS)
    assert "\x1b[31m" not in text
    plain = api.render("table", scores=scores("a", "best"), width=200)
    assert BOLD.sub(r"\1", api.render("table", scores=scores("a", "best"), width=200, bold=True)) == plain
