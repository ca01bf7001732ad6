"""MACs, parameters and speed in a report: what the run stored is enough."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from click.testing import CliRunner
from moving_square import tiny_dataset

from evalkit import api
from evalkit.cli import cli
from evalkit.comparison import collect
from evalkit.cost.recorded import recorded_times
from evalkit.errors import EvalkitError
from evalkit.reports.document.build import build_report
from evalkit.reports.document.view import View
from evalkit.reports.tables.cost_columns import clock_note
from evalkit.results.store import Store
from evalkit.types import Cost, Dataset, Trajectory

SHAPES: dict[str, Any] = {"input": "1x3x8x8", "not_counted": ("pool 3",)}
COUNTED = (
    Cost("", "macs", "thop-2020", 528.88e6, "MACs", **SHAPES),
    Cost("", "macs", "conv", 510.61e6, "MACs", **SHAPES),
    Cost("", "template_macs", "conv", 83.2e6, "MACs"),
    Cost("", "parameters", "distinct", 1.97e6, "parameters"),
)
CARD = {
    "identity": {"device": "cpu", "threads": 1, "runtime": "torch", "precision": "fp32"},
    "environments": [{"processor": "P"}],
}


@pytest.fixture
def results(tiny: Dataset, tmp_path: Path) -> Path:
    """Results of identity, with costs in its run record as for a tracker with a network, and imported results."""
    folder = tmp_path / "results"
    api.run(["identity"], ["tiny"], results=folder)
    shutil.copytree(folder / "tiny" / "identity", folder / "tiny" / "theirs", ignore=shutil.ignore_patterns("run.json"))
    Store(folder, tiny_dataset(), "identity", "one_pass").add_costs(COUNTED)
    return folder


def report(results: Path, output: Path, *options: str) -> str:
    arguments = ["report", "--dataset", "tiny", "--results", str(results), "--output", str(output), *options]
    answer = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def run(*seconds: float) -> dict[str, list[Trajectory]]:
    """One sequence that took these seconds."""
    unknown, states = np.full(len(seconds), np.nan), np.ones(len(seconds), np.int8)
    boxes = np.ones((len(seconds), 4))
    return {"a": [Trajectory("x", "a", "one_pass", boxes, None, unknown, np.array(seconds), states)]}


@pytest.mark.parametrize("suffix", ["html", "md", "tex"])
def test_counts_and_times_of_a_run_are_shown_without_an_option(results: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"report.{suffix}"
    report(results, output)
    text = output.read_text(encoding="utf-8")
    for shown in (
        "528.88",
        "510.61",
        "83.20",
        "1.97",
        "1x3x8x8",
        "by thop-2020",
        "1 thread",
        "networks executed by torch fp32",
    ):
        assert shown in text
    assert "costs 1" not in text, "the run record does not repeat the table"


def test_a_run_stores_what_it_counts_and_scoring_shows_it_without_the_network(tiny: Dataset, tmp_path: Path) -> None:
    ran = api.run("lighttrack-m", "tiny", results=tmp_path, sequences=["a"])
    stored = api.scores("tiny", results=tmp_path, allow_partial=True).costs
    assert [one for one in stored if one.quantity != "fps"] == [one for one in ran.costs if one.quantity != "fps"]
    assert {one.quantity for one in stored} == {"macs", "template_macs", "parameters", "fps"}


def test_a_report_marks_the_times_of_a_busy_machine(results: Path, tmp_path: Path) -> None:
    busy = "Some speeds were measured on a busy machine and are invalid"
    path = results / "tiny" / "identity" / "run.json"
    for cpu, marked in ((9.9, False), (2.2, True)):
        record = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**record, "clock": {"wall": 10.0, "cpu": cpu}}), encoding="utf-8")
        report(results, tmp_path / "report.md")
        text = (tmp_path / "report.md").read_text(encoding="utf-8")
        assert (busy in text, "invalid: machine was busy (CPU/wall 0.22)" in text) == (marked, marked)


def test_counts_reach_rows_and_workbooks(results: Path, tmp_path: Path) -> None:
    report(results, tmp_path / "report.json")
    rows = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["records"]
    (macs,) = (row for row in rows if row.get("quantity") == "macs" and row["convention"] == "conv")
    assert (macs["tracker"], macs["value"], macs["input"]) == ("identity", 510.61e6, "1x3x8x8")
    assert macs["not_counted"] == ["pool 3"]
    report(results, tmp_path / "report.csv")
    assert "528880000" in (tmp_path / "report.csv").read_text(encoding="utf-8")
    report(results, tmp_path / "report.xlsx")
    cells = [cell.value for sheet in openpyxl.load_workbook(tmp_path / "report.xlsx") for row in sheet for cell in row]
    assert {528.88, 510.61, 1.97} <= set(cells)


def test_a_file_of_costs_takes_precedence_over_the_counts_of_the_run(results: Path, tmp_path: Path) -> None:
    record = {"tracker": "identity", "quantity": "macs", "convention": "thop-2020", "value": 1e6, "unit": "MACs"}
    (tmp_path / "costs.json").write_text(json.dumps({"version": 1, "records": [record]}), encoding="utf-8")
    view = View(collect(None, ["tiny"], results=results, costs=[tmp_path / "costs.json"]), ())
    assert view.macs(view.tracker("identity")) == (1e6, False)


def test_damaged_costs_in_a_run_record_are_an_error_with_a_hint(results: Path) -> None:
    path = results / "tiny" / "identity" / "run.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**card, "costs": [{"value": 1}]}), encoding="utf-8")
    with pytest.raises(EvalkitError, match=r"costs in run\.json are damaged.*counts again"):
        collect(None, ["tiny"], results=results)


def test_benchmarks_timed_alike_are_timed_as_one() -> None:
    costs = recorded_times("x", [(run(0.1, 0.1), CARD), (run(0.3, 0.5), CARD)])
    (fps,) = (cost for cost in costs if cost.quantity == "fps")
    assert (fps.value, fps.device) == (pytest.approx(4.0), "P")
    other = {**CARD, "identity": {**CARD["identity"], "threads": 2}}  # type: ignore[dict-item]
    apart = recorded_times("x", [(run(0.1, 0.1), CARD), (run(0.3, 0.5), other)])
    assert [cost.threads for cost in apart if cost.quantity == "fps"] == [1, 2]


def test_trackers_are_named_where_the_devices_of_their_speeds_differ(results: Path) -> None:
    view = View(collect(None, ["tiny"], results=results), ())
    named, theirs = clock_note(view, "fps").partition(";")[::2]
    assert named.endswith("1 thread (identity)")
    assert theirs == " a device that the results do not name (theirs); networks executed by torch fp32"


def test_a_runtime_is_named_only_where_evalkit_executed_a_network(results: Path) -> None:
    (timing,) = (
        table for table in build_report(collect(None, ["tiny"], results=results), ()).tables() if table.key == "timing"
    )
    place = [column.head for column in timing.columns].index("runtime")
    assert {row[0].text: row[place].text for row in timing.rows} == {"identity": "torch", "theirs": "-"}


def test_results_of_evalkit_import_are_marked_imported_although_they_have_a_run_record(
    results: Path, tmp_path: Path
) -> None:
    api.import_results(results / "tiny" / "theirs", "plain", "tiny", results=results, label="brought")
    output = tmp_path / "report.md"
    assert "tiny: brought found, all 3 sequences, imported" in report(results, output, "--tracker", "brought")
    assert "raw results made elsewhere" in output.read_text(encoding="utf-8")


def test_tables_show_costs_next_to_scores_and_json_shows_scores_alone(results: Path) -> None:
    arguments = ["score", "--dataset", "tiny", "--results", str(results), "--format"]
    table = CliRunner().invoke(cli, [*arguments, "table"], catch_exceptions=False).output
    ours, theirs = (
        next(line for line in table.splitlines() if line.startswith(name)) for name in ("identity", "theirs")
    )
    assert "528.88" in ours
    assert theirs.split()[-3:] == ["-", "-", "-"], "nobody knows on what their times were taken"
    assert "1 thread; initialisation included" in table
    rows = json.loads(CliRunner().invoke(cli, [*arguments, "json"], catch_exceptions=False).output)["records"]
    assert all("metric" in row for row in rows)
