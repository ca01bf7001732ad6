"""What Python users call: names and folders as text, answers as pandas tables."""

from __future__ import annotations

import inspect
from dataclasses import asdict, fields
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from moving_square import tiny_dataset

import evalkit
from evalkit import api
from evalkit.errors import EvalkitError
from evalkit.running import RunOptions
from evalkit.types import Dataset, Execution


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


def test_nothing_is_tracked_if_a_later_tracker_cannot_be_built(
    tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(cv2, "TrackerKCF_create", raising=False)
    with pytest.raises(EvalkitError, match="opencv-contrib-python"):
        evalkit.run(["identity", "opencv-kcf"], "tiny", results=tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_a_users_tracker_is_built_once(tiny: Dataset, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "class Mine:\n"
        "    def __init__(self):\n"
        "        with open(__file__.replace('mine.py', 'built'), 'a') as built:\n"
        "            built.write('x')\n"
        "    def initialize(self, image, region):\n"
        "        self.region = region\n"
        "    def update(self, image):\n"
        "        return self.region\n"
    )
    evalkit.run(["identity", f"{file}:Mine"], "tiny", results=tmp_path / "results")
    assert (tmp_path / "built").read_text() == "x"


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


def test_the_options_of_a_run_are_those_of_its_dataclass() -> None:
    given = inspect.signature(api.run).parameters
    execution = {field.name for field in fields(Execution)}
    shared = {field.name for field in fields(RunOptions)} - {"execution"}
    assert set(given) == {"trackers", "datasets", "progress"} | execution | shared
    defaults = RunOptions()
    for name in shared - {"results", "settings"}:
        assert given[name].default == getattr(defaults, name), name
    assert {name: given[name].default for name in execution} == asdict(defaults.execution)


def test_the_command_line_offers_every_option_of_a_run() -> None:
    from evalkit.cli.run import run_command

    offered = {option.name for option in run_command.params}
    assert offered - {"text_format"} == set(inspect.signature(api.run).parameters) - {"progress"}


@pytest.mark.parametrize("name", [name for name in api.__all__ if inspect.isfunction(getattr(api, name))])
def test_no_function_hides_its_parameters(name: str) -> None:
    signature = inspect.signature(getattr(api, name))
    kinds = {parameter.kind for parameter in signature.parameters.values()}
    if name != "create_tracker":  # hands over what a factory names
        assert inspect.Parameter.VAR_KEYWORD not in kinds
    assert all(one.annotation is not inspect.Parameter.empty for one in signature.parameters.values())


def test_paths_may_be_text_everywhere(results: str, tmp_path: Path) -> None:
    evalkit.run("identity", "tiny", results=results, name="again")
    assert evalkit.diff(f"{results}/tiny/identity", f"{results}/tiny/again").same
    suite = tmp_path / "suite.toml"
    suite.write_text('[gates]\nlatency = false\n[[tracker]]\nname = "identity"\n[[dataset]]\nname = "tiny"\n')
    evalkit.regress(str(suite), results=results, update=True, reason="first")
    assert evalkit.regress(str(suite), results=results).exit_code() == 0
    with pytest.raises(EvalkitError, match="this tracker has no network to export"):
        evalkit.export("identity", runtime="onnxruntime", output=str(tmp_path / "o"), weights=str(tmp_path / "x.pth"))
    with pytest.raises(EvalkitError, match="no training recipe"):
        evalkit.train("identity", str(tmp_path / "t"))


@pytest.mark.parametrize("name", evalkit.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    assert name in dir(evalkit)
    found = getattr(evalkit, name)
    if callable(found) and inspect.getmodule(found) is not None:
        assert inspect.getdoc(found)


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'scor'"):
        evalkit.scor  # noqa: B018 - reading it is the test
