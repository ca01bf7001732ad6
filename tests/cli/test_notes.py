"""Floods of notes are one line with a count."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from evalkit.cli import cli
from evalkit.comparison import collect
from evalkit.types import Dataset


@pytest.fixture
def short_results(tmp_path: Path) -> Path:
    """Results on the rendered benchmark that lack rows in every sequence."""
    from evalkit.factories import open_dataset

    folder = tmp_path / "short"
    folder.mkdir()
    for sequence in open_dataset("synthetic", None).sequences:
        (folder / f"{sequence.name}.txt").write_text("1,2,16,12\n" * (len(sequence) - 7))
    return folder


def test_many_notes_of_one_kind_are_counted_unless_all_are_asked_for(short_results: Path) -> None:
    arguments = ["import", str(short_results), "--layout", "plain", "--dataset", "synthetic"]
    results = str(short_results.parent / "results")
    few = CliRunner().invoke(cli, [*arguments, "--results", results]).stdout.splitlines()
    assert len(few) == 2
    assert few[0].startswith('note: 12 notes like "')
    assert few[0].endswith('the benchmark 120" (--verbose prints all)')
    every = CliRunner().invoke(cli, [*arguments, "--results", results, "--name", "b", "--verbose"]).stdout.splitlines()
    assert len(every) == 13


def test_trackers_that_were_found_alike_share_a_sentence(tiny: Dataset, tmp_path: Path) -> None:
    for label in ("one", "two", "part"):
        folder = tmp_path / "tiny" / label
        folder.mkdir(parents=True)
        for sequence in tiny.sequences[: 2 if label == "part" else None]:
            (folder / f"{sequence.name}.txt").write_text("1,2,16,12\n" * len(sequence))
    notices = collect(None, "tiny", results=tmp_path, allow_partial=True).notices
    assert "tiny: one, two found, all 3 sequences, imported" in notices
    assert "tiny: part found, 2 of 3 sequences, imported" in notices
