"""The section of a report that shows a search."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from toy_search import ToySearch, ToySpace, toy_search

from evalkit import api
from evalkit.cli import cli
from evalkit.comparison import Comparison
from evalkit.errors import EvalkitError, MissingResults
from evalkit.reports.document.view import View
from evalkit.reports.figures.theme import PAGE, theme
from evalkit.reports.sections.search import search_sections
from evalkit.search.stored import load_search

REFERENCE = ToySpace().path(ToySpace().canonical((*[2] * 24, 20)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search") / "toy"
    toy_search(folder, ToySearch(reference=REFERENCE), limits=("macs=60",))
    return folder


def test_a_section_shows_everything_evaluated_the_front_and_the_reference(folder: Path) -> None:
    comparison = api.add_searches(Comparison(()), [folder])
    (section,) = search_sections(View(comparison, ()))
    search = load_search(folder)
    assert section.title == "Search toy"
    assert "60 architectures were evaluated by nsga2, 0 of them failed" in section.introduction[0]
    (table,), (figure,) = section.tables, section.figures
    assert len(table.rows) == len(search.records)
    assert table.rows[0][0].text == "1"
    assert (table.rows[-1][0].text, table.rows[-1][-1].text) == ("-", REFERENCE)
    assert len(figure.data["points"]) == 60
    with theme(PAGE):
        (axes,) = figure.draw(PAGE).axes
    drawn = {artist.get_gid(): artist for artist in [*axes.lines, *axes.collections]}
    assert drawn.keys() == {"evaluated", "front", "limit", "reference"}
    assert drawn["limit"].get_xdata()[0] == 60 / 1e6
    assert list(drawn["front"].get_ydata()) == sorted(drawn["front"].get_ydata())


def test_the_figure_explains_what_it_shows(folder: Path, tmp_path: Path) -> None:
    toy_search(tmp_path / "bare", evaluations=12)
    comparison = api.add_searches(Comparison(()), [folder, tmp_path / "bare"])
    marked, bare = (section.figures[0].description for section in search_sections(View(comparison, ())))
    assert marked.endswith(". The star is the reference. The dashed line is the limit.")
    assert "star" not in bare
    assert "dashed" not in bare


def test_a_report_is_written_with_a_search(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    runner.invoke(cli, ["run", "--tracker", "identity", "--sequences", "scale"], catch_exceptions=False)
    arguments = ["report", "--dataset", "synthetic", "--allow-partial", "--search", str(folder)]
    for name in ("report.html", "report.md", "report.xlsx"):
        answer = runner.invoke(cli, [*arguments, "--output", name], catch_exceptions=False)
        assert answer.exit_code == 0, answer.output
    assert "Search toy" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "## Search toy" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_a_report_on_a_search_alone_needs_no_results(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    answer = runner.invoke(cli, ["report", "--search", str(folder), "--output", "report.md"], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert page.startswith("# Search toy\n")
    assert "## Search toy" in page
    assert "Summary" not in page
    assert "Results and definitions" not in page  # of no tracker and no metric
    answer = runner.invoke(cli, ["report", "--output", "report.md"])
    assert isinstance(answer.exception, MissingResults)
    answer = runner.invoke(cli, ["report", "--search", str(folder), "--tracker", "mosse", "--output", "report.md"])
    assert isinstance(answer.exception, EvalkitError)


def test_measured_latencies_have_a_column(folder: Path) -> None:
    search = load_search(folder)
    timed = replace(search, records=tuple({**one, "latency_measured": 7.25} for one in search.records))
    comparison = replace(Comparison(()), searches=(timed,))
    ((table,),) = [section.tables for section in search_sections(View(comparison, ()))]
    place = [column.head for column in table.columns].index("latency (ms)")
    assert {row[place].text for row in table.rows} == {"7.25"}


def test_differences_have_a_column_if_there_is_a_reference(folder: Path) -> None:
    search = load_search(folder)
    for difference in (None, 0.01):
        records = tuple({**one, "difference": difference, "difference_low": 0.0, "difference_high": 0.02}
                        for one in search.records)  # fmt: skip
        comparison = replace(Comparison(()), searches=(replace(search, records=records),))
        ((table,),) = [section.tables for section in search_sections(View(comparison, ()))]
        heads = [column.head for column in table.columns]
        assert ("difference to the reference" in heads) == (difference is not None)


def test_a_folder_without_a_finished_search_is_an_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match="contains no search"):
        load_search(tmp_path)
    toy_search(tmp_path / "cut", evaluations=12)
    (tmp_path / "cut" / "front.json").unlink()
    with pytest.raises(EvalkitError, match=r"not finished.*--resume"):
        load_search(tmp_path / "cut")
    (tmp_path / "cut" / "front.json").write_text("{}", encoding="utf-8")
    with pytest.raises(EvalkitError, match=r"front\.json: this file is damaged"):
        load_search(tmp_path / "cut")
