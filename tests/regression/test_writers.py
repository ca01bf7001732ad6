"""The outcome on the terminal, for servers and on a summary page."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from evalkit.errors import EvalkitError
from evalkit.regression import Finding, Report, Verdict, render_regression
from evalkit.regression.junit import junit
from evalkit.regression.outcome import Parted
from evalkit.regression.writers import markdown, table

LOSS = Finding(
    "accuracy", "mosse", "otb100", "auc", Verdict.FAIL, "worse by more than 0.005", 0.612, 0.598, -0.014, -0.021,
    -0.008, 0.005, 60, None, (Parted("Girl2", -0.3), Parted("Box|2", -0.1)),
)  # fmt: skip
PARTED = Finding(
    "exact", "mosse", "otb100", "boxes", Verdict.FAIL, "other boxes in 2 of 60 sequences", sequences=60,
    responsible=(Parted("Girl2", first=12, last=12), Parted("Box|2", first=31, last=33)),
)  # fmt: skip
UNSURE = Finding("accuracy", "mosse", "otb100", "precision", Verdict.INCONCLUSIVE, "cannot <tell>", needed=140)
SKIPPED = Finding("latency", "mosse", None, "CPU time", Verdict.SKIPPED, "not measured on this device")
FINE = Finding("cost", "mosse", None, "MACs and parameters", Verdict.PASS, "macs conv 5")


def report(*findings: Finding) -> Report:
    return Report(
        "ci", findings, ("mosse: threads 1 → 2",), Path("ci.json"), command="evalkit regress ci.toml --update"
    )


ALL = report(LOSS, PARTED, UNSURE, SKIPPED, FINE)


def test_the_worst_verdict_decides() -> None:
    assert ALL.exit_code() == 1
    assert report(UNSURE, FINE).exit_code() == 3
    assert report(UNSURE, FINE).exit_code(strict=True) == 1
    assert report(SKIPPED, FINE).exit_code() == 0


def test_the_table_names_change_sequences_frames_differences_and_the_way_on() -> None:
    text = table(ALL)
    row = next(line for line in text.splitlines() if " auc " in line)
    assert row.split() == [
        "mosse", "otb100", "auc", "0.612", "0.598", "-0.014", "[-0.021,", "-0.008]", "0.005", "60", "fail",
    ]  # fmt: skip
    assert "Girl2 -0.300, boxes part at frame 12" in text
    assert "Box|2 -0.100, boxes part at frames 31 to 33" in text
    assert "threads 1 → 2" in text
    assert text.splitlines()[-1].strip() == "evalkit regress ci.toml --update"


def test_markdown_escapes_what_would_break_its_table() -> None:
    text = markdown(ALL)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {10}
    assert "cannot &lt;tell>" in text
    assert text.splitlines()[0] == "### evalkit regress ci: fail"
    assert "| **fail** |" in text


def test_json_records_are_flat_and_strict() -> None:
    content = json.loads(render_regression(ALL, "json"))
    assert content["version"] == 1
    assert content["records"][0]["verdict"] == "fail"
    assert content["records"][0]["change"] == -0.014
    assert content["records"][1]["responsible"][1] == {"sequence": "Box|2", "change": None, "first": 31, "last": 33}


def test_junit_has_a_suite_a_dataset_and_a_case_a_gate() -> None:
    root = ET.fromstring(junit(ALL))
    assert root.tag == "testsuites"
    assert [suite.get("name") for suite in root] == ["ci.otb100", "ci.all datasets"]
    first = root[0]
    assert (first.get("tests"), first.get("failures"), first.get("errors"), first.get("skipped")) == (
        "3",
        "2",
        "0",
        "1",
    )
    failure = first.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "auc 0.612→0.598 Δ-0.014 [-0.021, -0.008] tol 0.005"
    assert "Girl2 -0.300" in (failure.text or "")


def test_junit_keeps_to_the_schemas_in_circulation() -> None:
    order = ["properties", "testcase", "system-out", "system-err"]
    for suite in ET.fromstring(junit(ALL)):
        assert {"name", "tests", "failures", "errors", "time", "timestamp", "hostname", "package", "id"} <= set(
            suite.keys()
        )
        places = [order.index(child.tag) for child in suite]
        assert places == sorted(places)
        for case in suite.iter("testcase"):
            assert {"name", "classname", "time"} == set(case.keys())
            assert [child.tag for child in case] in ([], ["failure"], ["skipped"])


def test_strict_makes_inconclusive_a_failure_in_junit() -> None:
    assert ET.fromstring(junit(report(UNSURE), strict=True))[0].get("failures") == "1"
    assert ET.fromstring(junit(report(UNSURE)))[0].get("skipped") == "1"


def test_characters_that_xml_cannot_hold_do_not_break_it() -> None:
    broken = Finding("exact", "a\x00b", "d\x1b", "boxes", Verdict.FAIL, "é\x07\ud800 ok")
    ET.fromstring(junit(report(broken)))


def test_the_summary_page_is_added_to_and_a_file_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
