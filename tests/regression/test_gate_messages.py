"""What the gate says: sizes in pixels, the command that shows more, values of a first baseline, one cause once."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from evalkit import run_diff
from evalkit.errors import EvalkitError
from evalkit.regression import GateFinding, Verdict, regress, render_regression
from evalkit.regression.junit import junit_xml
from evalkit.regression.latency import measure

from .conftest import WriteSuite

CHANGED = {"changed_from": 14, "changed_speed": 3}


def exact(suite: Path, results: Path) -> GateFinding:
    (found,) = [one for one in regress(suite, results=results).findings if one.gate == "exact"]
    return found


@pytest.mark.usefixtures("squares")
def test_an_exact_failure_states_its_size_and_the_command_that_shows_it(
    write_suite: WriteSuite, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    regress(write_suite(settings={"speed": 2}), results=results, update=True, reason="first")
    for _ in range(2):  # the second time, the results that are replaced are not the baseline's
        finding = exact(write_suite(settings={"speed": 2, **CHANGED}), results)
        assert finding.verdict is Verdict.FAIL
        assert {one.max_pixels for one in finding.responsible} == {7.0}, "one pixel in each frame from 14 to 20"
        assert "different boxes in 8 of 8 sequences by up to 7 px: square-0 from frame 14" in finding.reason
        folders = re.search(r"`evalkit diff (\S+) (\S+)`", finding.reason)
        assert folders is not None
        found = run_diff.diff(Path(folders[1]), Path(folders[2]))
        assert {one.most_pixels for one in found.sequences} == {7.0}
        regress(write_suite(settings={"speed": 1}), results=results)


@pytest.mark.usefixtures("squares")
def test_without_the_results_of_the_baseline_the_size_is_said_to_be_unknown(
    write_suite: WriteSuite, tmp_path: Path
) -> None:
    regress(write_suite(settings={"speed": 2}), results=tmp_path / "one", update=True, reason="first")
    finding = exact(write_suite(settings={"speed": 2, **CHANGED}), tmp_path / "other")
    assert "so that the size of the differences is unknown" in finding.reason
    assert {one.max_pixels for one in finding.responsible} == {None}


@pytest.mark.usefixtures("squares")
def test_a_first_baseline_states_its_values(write_suite: WriteSuite, tmp_path: Path) -> None:
    suite = write_suite(settings={"speed": 2})
    report = regress(suite, results=tmp_path / "results", update=True, reason="first")
    text = render_regression(report, "table")
    assert text.endswith("baseline.json was written: toy auc 0.952 on 8 sequences of tiny.")
    assert "inconclusive" not in text
    assert re.search(r"toy +tiny +auc +- +0.952 .* 8 +new", text)
    again = regress(suite, results=tmp_path / "results", update=True, reason="again")
    assert render_regression(again, "table").endswith("baseline.json was updated.")


@pytest.mark.usefixtures("squares")
def test_junit_has_the_time_of_tracking(write_suite: WriteSuite, tmp_path: Path) -> None:
    suite = write_suite(settings={"speed": 2})
    regress(suite, results=tmp_path / "first", update=True, reason="first")
    root = ET.fromstring(junit_xml(regress(suite, results=tmp_path / "second")))
    times = {case.get("name"): float(case.get("time", "nan")) for case in root.iter("testcase")}
    assert times["sequences: sequences"] > 0
    assert float(root[0].get("time", "nan")) == pytest.approx(sum(times.values()), abs=0.002)


@pytest.mark.usefixtures("squares")
def test_a_tracker_that_fails_is_one_message_and_is_not_timed(
    write_suite: WriteSuite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def timed(*_: object, **__: object) -> None:
        raise AssertionError("it was timed")

    regress(write_suite(settings={"speed": 2}), results=tmp_path / "one", update=True, reason="first")
    monkeypatch.setattr(measure, "time_pair", timed)
    suite = write_suite(tracker="Failing", latency="0.3")
    report = regress(suite, results=tmp_path / "two")
    assert {one.gate: one.verdict for one in report.findings} == {
        "sequences": Verdict.FAIL, "latency": Verdict.SKIPPED,
    }  # fmt: skip
    text = render_regression(report, "table")
    assert text.count("out of memory") == 1
    assert "8 of 8 missing: square-0, square-1, square-2, square-3, square-4, ... (8 in all) (" in text
    with pytest.raises(EvalkitError, match="the baseline was not updated") as error:
        regress(suite, results=tmp_path / "two", update=True, reason="second")
    assert str(error.value).count("out of memory") == 1


@pytest.mark.usefixtures("squares")
def test_the_table_fits_into_a_terminal(write_suite: WriteSuite, tmp_path: Path) -> None:
    regress(write_suite(settings={"speed": 2}), results=tmp_path / "one", update=True, reason="first")
    report = regress(write_suite(settings={"speed": 2, **CHANGED}), results=tmp_path / "two")
    table = render_regression(report, "table", width=80).split("\n\n")[1].splitlines()
    assert max(map(len, table)) <= 80
    assert "toy on tiny" in table
    assert len(table) == 2 + len(report.findings)
