"""Values per sequence and points of curves: ``evalkit score --per-sequence`` and ``--curves``."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from evalkit import api
from evalkit.cli import cli
from evalkit.reports.tables.record_tables import record_tables
from evalkit.types import Dataset


@pytest.fixture
def results(tiny: Dataset, tmp_path: Path) -> Path:
    api.run(["identity"], ["tiny"], results=tmp_path)
    return tmp_path


def score(results: Path, *options: str) -> str:
    done = CliRunner().invoke(cli, ["score", "--dataset", "tiny", "--results", str(results), *options])
    assert done.exit_code == 0, done.output
    return done.output


def test_values_per_sequence_in_json_and_csv_are_those_of_the_scores(results: Path) -> None:
    expected = [
        (one.metric, name, value)
        for one in api.scores("tiny", results=results).scores
        for name, value in one.per_sequence.items()
    ]
    rows = json.loads(score(results, "--per-sequence", "--format", "json"))["records"]
    assert [(row["metric"], row["sequence"], row["value"]) for row in rows] == expected
    table = list(csv.DictReader(io.StringIO(score(results, "--per-sequence", "--format", "csv"))))
    assert [(row["metric"], row["sequence"], float(row["value"])) for row in table] == expected


def test_points_of_curves_are_those_of_the_scores(results: Path) -> None:
    auc = next(one for one in api.scores("tiny", results=results).scores if one.metric == "auc")
    assert auc.curve is not None
    rows = json.loads(score(results, "--curves", "--format", "json"))["records"]
    own = [(row["x"], row["y"]) for row in rows if row["metric"] == "auc"]
    assert own == list(zip(*(values.tolist() for values in auc.curve), strict=True))
    assert {row["metric"] for row in rows} == {"auc", "precision"}


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_text_formats_have_one_row_per_sequence(results: Path, form: str) -> None:
    text = score(results, "--per-sequence", "--format", form)
    assert "identity" in text
    assert "tiny" in text
    assert "sequence" in text
    assert "higher" not in text


def test_only_one_kind_of_rows_can_be_asked_for(results: Path) -> None:
    done = CliRunner().invoke(cli, ["score", "--dataset", "tiny", "--per-sequence", "--curves"])
    assert done.exit_code == 2
    assert "not both" in done.output


def test_fields_on_which_all_records_agree_are_in_the_title() -> None:
    rows = [{"tracker": "one", "sequence": name, "value": value} for name, value in (("a", 0.5), ("b", None))]
    (table,) = record_tables(rows)
    assert table.title == "one (2 rows)"
    assert [[cell.text for cell in row] for row in table.rows] == [["a", "0.500"], ["b", "-"]]
    assert list(record_tables([])) == []
