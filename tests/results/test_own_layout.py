"""A result layout in one file outside of evalkit: named by its path, or found through an entry point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalkit import api, registry
from evalkit.cli import main
from evalkit.errors import EvalkitError

CODE = '''
"""Rows of one CSV file for all sequences: sequence,x,y,w,h."""

import csv

import numpy as np

from evalkit import registry
from evalkit.results.layouts.base import one_pass_trajectory


@registry.layout("one-csv", summary="one file results.csv for all sequences", writes=False)
class OneCsv:
    def read(self, folder, sequence, protocol):
        path = folder / "results.csv"
        if protocol != "one_pass" or not path.is_file():
            return []
        with path.open(newline="") as stream:
            rows = [row[1:] for row in csv.reader(stream) if row[0] == sequence.name]
        return [one_pass_trajectory(folder, sequence, protocol, np.array(rows, dtype=float))] if rows else []
'''


@pytest.fixture
def own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file with a layout, which is not registered any more afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = tmp_path / "my_layout.py"
    path.write_text(CODE)
    with registry.layout.temporarily():
        yield path


def write_results(folder: Path) -> None:
    """Results of one sequence of the rendered benchmark."""
    folder.mkdir(parents=True)
    groundtruth = api.open_dataset("synthetic", None).sequence("scale").groundtruth
    (folder / "results.csv").write_text("".join(f"scale,{x},{y},{w},{h}\n" for x, y, w, h in groundtruth.tolist()))


def test_results_in_a_layout_of_a_file_are_imported_and_scored(
    own_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_results(tmp_path / "theirs")
    with pytest.raises(SystemExit) as end:
        main(["import", "theirs", "--layout", "my_layout.py:OneCsv", "--dataset", "synthetic", "--name", "csv"])
    assert end.value.code == 0
    assert "1 of 12 sequences" in capsys.readouterr().out
    table = api.score("synthetic", allow_partial=True)
    assert table.loc[table["metric"] == "sr50", "value"].tolist() == [1.0]


def test_a_layout_that_can_only_be_read_cannot_be_the_target_of_a_conversion(own_file: Path, tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match=r"layout one-csv can be read but not written \(expected one of got10k,"):
        api.convert("synthetic", "mine", f"{own_file}:OneCsv", tmp_path / "out")


def test_results_in_the_layout_of_an_installed_package_are_found(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "my_layout-1.dist-info").mkdir(parents=True)
    (site / "my_layout.py").write_text(CODE)
    (site / "my_layout-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: my-layout\nVersion: 1\n")
    (site / "my_layout-1.dist-info" / "entry_points.txt").write_text("[evalkit.layouts]\none-csv = my_layout\n")
    write_results(tmp_path / "results" / "synthetic" / "theirs")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *sys.path])}

    def evalkit(*arguments: str) -> str:
        command = [sys.executable, "-m", "evalkit", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    assert "one-csv       one file results.csv for all sequences" in evalkit("list", "layouts")
    scored = json.loads(evalkit("score", "--dataset", "synthetic", "--allow-partial", "--format", "json"))["records"]
    assert {row["value"] for row in scored if row["metric"] == "sr50"} == {1.0}
    assert {row["tracker"] for row in scored} == {"theirs"}
