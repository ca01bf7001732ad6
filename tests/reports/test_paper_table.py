"""The table for a paper: chosen metrics, grouped by dataset."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from moving_square import tiny_dataset

import evalkit
from evalkit import api
from evalkit.cli import cli
from evalkit.comparison import Comparison, TableOptions
from evalkit.errors import EvalkitError, UnknownName
from evalkit.reports.document.build import build_paper_table
from evalkit.reports.document.model import Table
from evalkit.reports.document.published import PublishedNumber
from evalkit.reports.latex import latex_paper_table
from evalkit.types import Cost, Dataset, Score


def score(
    tracker: str, dataset: str, metric: str, value: float, *, unit: str = "fraction", higher: bool = True
) -> Score:
    return Score(tracker, dataset, "one_pass", metric, "otb-matlab", 1, value, unit, higher, 3, 3,
                 low=value - 0.05, high=value + 0.05)  # fmt: skip


FIRST = replace(tiny_dataset(), name="first", directory="FIRST")
SECOND = replace(tiny_dataset(), name="second", directory="Second-10k")


@pytest.fixture
def comparison() -> Comparison:
    scores = [
        score(tracker, dataset, metric, value + bonus)
        for tracker, value in (("weak_1", 0.4), ("strong", 0.6))
        for dataset, bonus in (("first", 0.0), ("second", 0.1))
        for metric in ("auc", "precision")
    ]
    scores.append(score("weak_1", "first", "failures", 12.0, unit="count", higher=False))
    costs = (Cost("strong", "macs", "conv", 5.28e8, "MACs"),)
    return Comparison(("weak_1", "strong", "paper"), (FIRST, SECOND), tuple(scores), costs)


NUMBERS = (
    PublishedNumber("paper", "first", "auc", 70.0, "%", "read", "a paper", ""),
    PublishedNumber("paper", "cost", "flops", 20.3, "G", "read", "a paper", ""),
)


def table(comparison: Comparison, *metrics: str, **options: object) -> Table:
    (made,) = build_paper_table(comparison, TableOptions(metrics, **options), NUMBERS).tables()  # type: ignore[arg-type]
    return made


def texts(made: Table) -> list[list[str]]:
    return [[cell.full for cell in row] for row in made.rows]


def test_columns_are_the_metrics_in_their_order_grouped_by_dataset(comparison: Comparison) -> None:
    made = table(comparison, "precision", "auc", "macs", intervals=False)
    assert [(column.group, column.head) for column in made.columns] == [
        ("", "tracker"), ("FIRST", "P"), ("FIRST", "AUC"), ("Second-10k", "P"), ("Second-10k", "AUC"), ("", "MACs (M)")
    ]  # fmt: skip


def test_the_best_tracker_comes_first_unless_an_order_is_given(comparison: Comparison) -> None:
    best = table(comparison, "precision", intervals=False)
    assert [row[0] for row in texts(best)] == ["strong", "weak_1", "paper"], "those without a value come last"
    given = table(comparison, "precision", order="given")
    assert [row[0] for row in texts(given)] == ["weak_1", "strong", "paper"]


def test_fractions_become_percentages_and_counts_do_not(comparison: Comparison) -> None:
    made = table(comparison, "auc", "failures", percent=True, order="given")
    assert texts(made)[0] == ["weak_1", "40.0 [35.0, 45.0]", "12 [12, 12]", "50.0 [45.0, 55.0]"]
    assert "Scores in percent." in made.title
    plain = table(comparison, "auc", intervals=False, order="given")
    assert texts(plain)[0] == ["weak_1", "0.400", "0.500"]


def test_published_values_stand_in_for_trackers_without_results_and_are_never_best(comparison: Comparison) -> None:
    made = table(comparison, "auc", "macs", percent=True, intervals=False)
    rows = {row[0].text: row for row in made.rows}
    assert [cell.text for cell in rows["paper"]] == ["paper", "70.0†", "-", "20,300†"]
    assert [cell.mark for cell in rows["paper"]] == ["", "", "", ""]
    assert rows["strong"][1].mark == "best"
    assert made.notes == ("† as published.",)


def test_a_metric_that_nothing_has_is_refused_with_those_that_exist(comparison: Comparison) -> None:
    with pytest.raises(UnknownName, match=r"no score of this comparison has the metric 'aux' \(expected auc.*Did you"):
        table(comparison, "aux")
    with pytest.raises(EvalkitError, match=r"none of these metrics has a score on second .*leave out --dataset second"):
        table(comparison, "failures")


def test_latex_has_a_head_for_each_group_and_escapes_names(comparison: Comparison) -> None:
    text = latex_paper_table(table(comparison, "auc", "precision", "macs", percent=True, intervals=False))
    assert r" & \multicolumn{2}{c}{FIRST} & \multicolumn{2}{c}{Second-10k} &  \\" in text
    assert r"\cmidrule(lr){2-3}\cmidrule(lr){4-5}" in text
    assert r"weak\_1 & " in text
    assert r"strong & \textbf{60.0} & \textbf{60.0} & " in text
    assert r"\begin{table}[t]" in text


def test_latex_takes_the_page_where_a_column_is_too_narrow(comparison: Comparison) -> None:
    many = tuple(replace(tiny_dataset(), name=f"set{number}", directory=f"Set-{number}") for number in range(8))
    scores = tuple(score("one", one.name, metric, 0.5) for one in many for metric in ("auc", "precision"))
    wide = table(Comparison(("one",), many, scores), "auc", "precision", intervals=False)
    assert r"\begin{table*}[t]" in latex_paper_table(wide)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not on the path; Debian: texlive-latex-base")
def test_latex_compiles_in_two_columns_without_a_warning(comparison: Comparison, tmp_path: Path) -> None:
    for place, options in enumerate(({"intervals": False, "percent": True}, {"intervals": True})):
        text = latex_paper_table(table(comparison, "auc", "precision", "macs", **options))
        (tmp_path / f"table{place}.tex").write_text(text.replace("tab:paper", f"tab:{place}"))
    long = {one: f"{one}, with a label too long for one line" for one in {score.tracker for score in comparison.scores}}
    renamed = replace(
        comparison,
        trackers=tuple(sorted(long.values())),
        scores=tuple(replace(one, tracker=long[one.tracker]) for one in comparison.scores),
    )
    text = latex_paper_table(table(renamed, "auc", percent=True, intervals=False))
    assert r"\raggedright" in text
    (tmp_path / "table2.tex").write_text(text.replace("tab:paper", "tab:2"))
    (tmp_path / "paper.tex").write_text(
        r"\documentclass[twocolumn]{article}\usepackage{booktabs}\begin{document}\input{table0}\input{table1}"
        r"\input{table2}\end{document}"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    for _ in range(2):  # the first time LaTeX asks for a second one, because of the labels
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    assert "Warning" not in done.stdout
    assert "full" not in done.stdout, "neither overfull nor underfull"


@pytest.fixture
def results(tiny: Dataset, tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    api.run(["identity"], ["tiny"], results=folder)
    return folder


def test_the_command_writes_the_table_alone(results: Path, tmp_path: Path) -> None:
    output = tmp_path / "table.md"
    arguments = ["report", "--dataset", "tiny", "--results", str(results), "--output", str(output)]
    done = CliRunner().invoke(cli, [*arguments, "--metrics", "auc,fps", "--percent", "--no-intervals"])
    assert done.exit_code == 0, done.output
    text = output.read_text(encoding="utf-8")
    assert "| tracker | tiny AUC ↑ | fps ↑ |" in text
    assert "Timing" not in text
    assert CliRunner().invoke(cli, [*arguments, "--percent"]).exit_code == 2


@pytest.mark.parametrize("suffix", ["html", "xlsx"])
def test_other_formats_hold_the_table_too(results: Path, tmp_path: Path, suffix: str) -> None:
    compared = evalkit.compare(datasets="tiny", results=results)
    evalkit.report(compared, tmp_path / f"table.{suffix}", metrics="auc", percent=True)
    assert (tmp_path / f"table.{suffix}").stat().st_size > 500
    with pytest.raises(EvalkitError, match=r"this format has no table of chosen metrics.*\.tex"):
        evalkit.report(compared, tmp_path / "table.json", metrics="auc")
