"""What Python users call: names and folders as text, answers as pandas tables."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from moving_square import tiny_dataset

import evalkit
from evalkit import api
from evalkit.types import Dataset


@pytest.fixture
def results(tiny: Dataset, tmp_path: Path) -> str:
    """A folder with what identity answered, named by text as people do."""
    folder = str(tmp_path / "results")
    evalkit.run("identity", "tiny", results=folder)
    return folder


def test_a_run_gives_its_scores_and_costs_as_tables(tiny: Dataset, tmp_path: Path) -> None:
    report = evalkit.run("identity", "tiny", results=tmp_path)
    table = report.frame()
    assert len(table) == len(report.scores) > 0
    assert table["value"].dtype == np.float64
    assert evalkit.frame(report.costs)["quantity"].tolist() == ["fps"]


def test_scores_are_the_rows_that_json_prints(results: str) -> None:
    table = evalkit.score("tiny", results=results)
    nouns = api.scores("tiny", results=results).scores
    assert isinstance(table, pd.DataFrame)
    assert table.columns.tolist() == list(nouns[0].record())
    assert table["value"].tolist() == [one.value for one in nouns]
    assert set(table["dataset"]) == {tiny_dataset().name}


def test_scores_by_sequence_average_to_the_score(results: str) -> None:
    whole = evalkit.score("tiny", results=results).set_index("metric")["value"]
    parts = evalkit.score("tiny", results=results, per_sequence=True)
    assert parts["sequence"].nunique() == 3
    means = parts.groupby("metric")["value"].mean()
    pd.testing.assert_series_equal(means, whole[means.index], check_names=False)


def test_every_convention_is_asked_for_as_on_the_command_line(results: str) -> None:
    table = evalkit.score("tiny", results=results, profiles="all")
    assert set(table["profile"]) == {"otb-matlab", "got10k"}
    assert any("otb-matlab" in sentence for sentence in table.attrs["notices"])


def test_one_comparison_can_be_written_in_several_forms(results: str, tmp_path: Path) -> None:
    compared = evalkit.compare("identity", "tiny", results=results)
    for name in ("report.html", "report.tex"):
        evalkit.report(compared, str(tmp_path / name))
        assert (tmp_path / name).stat().st_size > 500


def test_costs_are_a_table() -> None:
    table = evalkit.profile("mosse")
    assert {"latency_p50", "cpu_time"} & set(table["quantity"])
    assert set(table["tracker"]) == {"mosse"}


@pytest.mark.parametrize("name", evalkit.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    assert name in dir(evalkit)
    found = getattr(evalkit, name)
    if callable(found) and inspect.getmodule(found) is not None:
        assert inspect.getdoc(found)


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'scor'"):
        evalkit.scor  # noqa: B018 - reading it is the test
