"""Which benchmark is meant where nobody says: the only one that there are results of."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import evalkit
from evalkit import api
from evalkit.cli import cli
from evalkit.errors import EvalkitError
from evalkit.infer_dataset import only_benchmark
from evalkit.results import run_record
from evalkit.types import Dataset


def strangers(results: Path, *folders: str) -> Path:
    for folder in folders:
        (results / folder / "theirs").mkdir(parents=True)
    return results


def test_what_was_run_is_scored_reported_and_compared_without_naming_it(tiny: Dataset, tmp_path: Path) -> None:
    api.run("identity", "tiny", results=tmp_path / "results")
    assert set(evalkit.score(results=tmp_path / "results")["dataset"]) == {"tiny"}
    assert [one.name for one in evalkit.compare(results=tmp_path / "results").datasets] == ["tiny"]
    for command in (["score"], ["report", "--output", str(tmp_path / "report.md")]):
        answer = CliRunner().invoke(cli, [*command, "--results", str(tmp_path / "results")], catch_exceptions=False)
        assert answer.exit_code == 0, answer.output


def test_a_run_card_says_what_the_folders_name_does_not(tmp_path: Path) -> None:
    run_record.save(tmp_path / "GOT-10k" / "mine", {"dataset": "got10k-val"}, [])
    assert only_benchmark(strangers(tmp_path, "GOT-10k")) == "got10k-val"
    run_record.save(tmp_path / "GOT-10k" / "other" / "realtime", {"dataset": "got10k-test"}, [])
    with pytest.raises(EvalkitError, match=r"several benchmarks \(found got10k-test, got10k-val\)\. Say which"):
        only_benchmark(tmp_path)


@pytest.mark.parametrize(
    ("folder", "name"),
    [("OTB100", "otb100"), ("VOT2018-LT", "vot2018-lt"), ("VOT2022-STB", "vot2022-stb"), ("LaSOT", "lasot")],
)
def test_strangers_results_go_by_the_name_of_their_folder(tmp_path: Path, folder: str, name: str) -> None:
    assert only_benchmark(strangers(tmp_path, folder, ".cache")) == name


def test_a_folder_that_may_be_of_several_splits_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match=r"found got10k-test, got10k-train, got10k-val"):
        only_benchmark(strangers(tmp_path, "GOT-10k"))


@pytest.mark.parametrize("folders", [(), ("of-mine",)])
def test_without_results_of_a_known_benchmark_the_first_step_is_named(tmp_path: Path, folders: tuple[str, ...]) -> None:
    with pytest.raises(EvalkitError, match=r"there are no results \(found (nothing|of-mine)\)\. Run `evalkit run"):
        only_benchmark(strangers(tmp_path, *folders))
