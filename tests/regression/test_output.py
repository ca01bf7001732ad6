"""The report as JSON, as files and on the summary page of a job."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.errors import EvalkitError
from evalkit.regression import render_regression

from .sample_report import ALL


def test_json_records_are_flat_and_strict() -> None:
    content = json.loads(render_regression(ALL, "json"))
    assert content["version"] == 1
    assert content["records"][0]["verdict"] == "fail"
    assert content["records"][0]["change"] == -0.014
    assert content["records"][1]["responsible"][1] == {
        "sequence": "Box|2", "change": None, "first": 31, "last": 33, "max_pixels": None,
    }  # fmt: skip


def test_the_report_is_appended_to_the_summary_page_and_replaces_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, file = tmp_path / "page.md", tmp_path / "file.md"
    page.write_text("another step\n")
    file.write_text("old\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    render_regression(ALL, "table")
    assert page.read_text().startswith("another step\n###")
    before = page.read_text()
    render_regression(ALL, "table", markdown_file=file, junit=tmp_path / "out.xml")
    assert file.read_text().startswith("###")
    assert page.read_text() == before
    assert (tmp_path / "out.xml").read_text(encoding="utf-8").startswith("<?xml")


def test_a_summary_page_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    with pytest.raises(EvalkitError, match="GITHUB_STEP_SUMMARY"):
        render_regression(ALL, "table")
