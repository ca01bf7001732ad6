"""The fields that the page of files and JSON lists are those that are printed."""

from __future__ import annotations

import re

import pytest
from fenced import ROOT

from evalkit.doctor import DoctorFinding
from evalkit.regression import GateFinding, Verdict
from evalkit.types import Cost, Score

SCORE = Score(
    "mine", "tiny", "one_pass", "auc", "otb-matlab", 1, 0.5, "fraction", True, 3, 3, attribute="fast", fps=30,
    repetitions=3, repetition_deviation=0.01,
)  # fmt: skip
COST = Cost("mine", "macs", "conv", 1.0, "")
FINDING = GateFinding("exact", "mine", "tiny", "boxes", Verdict.PASS, "")


@pytest.mark.parametrize(
    ("commands", "record"),
    [
        ("`score`, `run`", SCORE.record()),
        ("`run`, `profile`", COST.record()),
        ("`regress`", {"suite": "", **FINDING.record()}),
        ("`doctor`", DoctorFinding("python", "ok", "3.12").record()),
    ],
)
def test_the_fields_of_a_command_are_on_the_page(commands: str, record: dict[str, object]) -> None:
    page = (ROOT / "docs" / "file-formats.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| {re.escape(commands)} \| (.*) \|$", page, re.MULTILINE)
    assert row is not None
    assert set(re.findall(r"`([a-z_]+)`", row[1])) == set(record)
