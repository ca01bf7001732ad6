"""LaTeX, Markdown, CSV, XLSX and PDF, also with names that try to break the markup."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from evalkit import comparison as comparisons
from evalkit import registry
from evalkit.comparison import Comparison
from evalkit.reports.document.model import Cell, Column, Table, text_column
from evalkit.reports.latex import latex_table
from evalkit.types import Cost

Compare = Callable[..., Comparison]
_ASCII = ("<script>alert(1)</script>", "../../etc/passwd", "50%_a&b#{x}$y^~\\", "=1+1", "long-" * 20)


def written(form: str, comparison: Comparison) -> str | bytes:
    entry = registry.report.find(form)
    built: str | bytes = entry.build(
        comparison=comparison, scores=comparison.scores, costs=comparison.costs, notices=comparison.notices
    )
    return built


def test_the_best_and_the_second_best_are_marked_by_the_direction_of_their_column() -> None:
    columns = (
        Column("tracker", numeric=False),
        Column("AUC", higher_is_better=True),
        Column("MACs", higher_is_better=False),
    )
    rows = tuple(
        (Cell(name), Cell("", auc), Cell("", macs))
        for name, auc, macs in (("a", 0.5, 9.0), ("b", 0.6, 8.0), ("c", 0.4, 8.0))
    )
    marked = Table("key", "title", columns, rows).with_best_marked()
    assert [[cell.mark for cell in row] for row in marked.rows] == [
        ["", "second", "second"], ["", "best", "best"], ["", "", "best"]
    ]  # fmt: skip


def test_a_cited_value_is_never_best_among_measured_ones() -> None:
    columns = (Column("tracker", numeric=False), Column("MACs", higher_is_better=False))
    rows = ((Cell("a"), Cell("1", 1.0, cited=True)), (Cell("b"), Cell("2", 2.0)), (Cell("c"), Cell("3", 3.0)))
    assert [row[1].mark for row in Table("key", "title", columns, rows).with_best_marked().rows] == [
        "",
        "best",
        "second",
    ]


def test_latex_sets_the_best_in_bold_and_underlines_the_second(compare: Compare) -> None:
    text = str(written("latex", compare("one", "two", "three")))
    assert r"\toprule" in text
    assert re.search(r"one & (\\begin\{tabular\}\[t\]\{@\{\}r@\{\}\})?\\textbf\{0\.\d{3}\}", text)
    assert re.search(r"two & (\\begin\{tabular\}\[t\]\{@\{\}r@\{\}\})?\\underline\{0\.\d{3}\}", text)


def table_of(columns: int, text: str, rows: int = 2, *, detail: str = "") -> str:
    heads = tuple(Column(f"c{place}", numeric=place > 0) for place in range(columns))
    cells = tuple(Cell(text, None if place == 0 else 1.0, detail=detail) for place in range(columns))
    return latex_table(Table("t", "T", heads, (cells,) * rows))


@pytest.mark.parametrize(
    ("columns", "text", "detail", "shown", "absent"),
    [
        (3, "0.123", "", r"\begin{tabular}{lrr}", "tabcolsep"),
        (12, "0.123", "", r"\footnotesize\setlength", "% Wider"),
        (6, "0.123", "[0.100, 0.200]", r"\begin{tabular}[t]{@{}r@{}}0.123\\ {\tiny [0.100, 0.200]}", "% Wider"),
        (
            2,
            "a sentence of several words/and names",
            "",
            r"\raggedright\let\\\tabularnewline a sentence of several words/\allowbreak ",
            "{ll}",
        ),
        (30, "0.123456", "", r"\caption{T (2 of 4)}\label{tab:t-2}", "% Wider"),
        (2, "0.12345678901234567890" * 4, "", "p{", "% Wider"),
    ],
)
def test_latex_sets_a_table_small_enough_for_the_page(
    columns: int, text: str, detail: str, shown: str, absent: str
) -> None:
    made = table_of(columns, text, detail=detail)
    assert shown in made
    assert absent not in made


def test_every_part_of_a_wide_latex_table_begins_with_the_names_of_the_rows() -> None:
    heads = (text_column("name"), text_column("kind"), *(Column(f"value {place}") for place in range(30)))
    rows = tuple((Cell(name), Cell("K"), *(Cell(f"{place}.25") for place in range(30))) for name in "ab")
    made = latex_table(Table("t", "T", heads, rows, notes=("One note.",)))
    parts = made.split(r"\begin{table}")[1:]
    assert len(parts) > 1
    assert all("name & kind & value" in part and "\na & K & " in part for part in parts)
    assert re.findall(r"value \d+", made) == [f"value {place}" for place in range(30)]
    assert ["One note." in part for part in parts] == [*([False] * (len(parts) - 1)), True]


def test_a_long_latex_table_repeats_its_head_but_not_its_caption() -> None:
    made = table_of(2, "x", rows=41)
    assert made.index(r"\caption") < made.index(r"\endfirsthead") < made.index(r"\endhead")
    assert made.count(r"\caption") == 1


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not on the path; Debian: texlive-latex-base")
def test_latex_compiles_with_the_packages_that_it_names(compare: Compare, tmp_path: Path) -> None:
    done, _ = compile_tables(str(written("latex", compare(*_ASCII, "[bracket]"))), tmp_path)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not on the path; Debian: texlive-latex-base")
def test_no_latex_table_of_twenty_trackers_is_wider_than_the_page(compare: Compare, tmp_path: Path) -> None:
    names = [f"LightTrack-Mobile{number}" for number in range(1, 21)]
    done, log = compile_tables(str(written("latex", compare(*names))), tmp_path)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "(2 of " in (tmp_path / "tables.tex").read_text()
    assert "Overfull" not in log


def compile_tables(text: str, folder: Path) -> tuple[subprocess.CompletedProcess[str], str]:
    """Compile tables in an article; return the process and LaTeX's log."""
    (folder / "tables.tex").write_text(text)
    (folder / "paper.tex").write_text(
        r"\documentclass{article}\usepackage{booktabs,longtable}\begin{document}\input{tables}\end{document}"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done, (folder / "paper.log").read_text()


def test_latex_escapes_every_special_character_of_a_name(nasty: Comparison) -> None:
    text = str(written("latex", nasty))
    assert r"50\%\_a\&b\#\{x\}\$y\textasciicircum{}\textasciitilde{}\textbackslash{}" in text
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    commands = re.sub(r"\\[%_&#{}$]", "", body)
    assert "%" not in commands
    for line in commands.splitlines():
        assert line.count("{") == line.count("}"), line


def test_markdown_shows_names_as_text(nasty: Comparison) -> None:
    text = str(written("markdown", nasty))
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    columns = {line.count("|") - line.count("\\|") for line in text.split("## Summary")[1].splitlines()[2:9] if line}
    assert len(columns) == 1, "every row of a table has as many cells as its head"


def test_csv_holds_no_formula(nasty: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(str(written("csv", nasty)))))
    assert len(rows) == len(nasty.scores) + len(nasty.costs)
    assert "'=1+1" in {row["tracker"] for row in rows}
    assert not [value for row in rows for value in row.values() if value.startswith("=")]
    assert float(rows[0]["value"]) == nasty.scores[0].value


def test_a_workbook_holds_numbers_as_numbers_and_names_as_text(nasty: Comparison) -> None:
    content = written("xlsx", nasty)
    assert isinstance(content, bytes)
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell for cell in cells if cell.data_type == "f"], "no formula anywhere"
    assert "=1+1" in {cell.value for cell in cells}
    sheet = book["toy-scores"]
    assert sheet["B2"].value == nasty.scores[0].value
    assert sheet["B2"].font.bold
    assert sheet["B3"].font.underline == "single"


def test_the_drawn_pdf_is_the_same_bytes_twice(compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALKIT_BROWSER", "")
    comparison = compare("one", "two")
    content = written("pdf", comparison)
    assert isinstance(content, bytes)
    assert content.startswith(b"%PDF")
    assert content == written("pdf", comparison)


def test_the_terminal_shows_control_characters_instead_of_obeying_them(compare: Compare) -> None:
    text = str(written("table", compare("red\x1b[31m", "two")))
    assert "\x1b" not in text
    assert "red\\x1b[31m" in text


def test_costs_without_scores_are_not_called_published() -> None:
    entry = registry.report.find("table")
    text = entry.build(costs=[Cost("mine", "fps", "tracking", 20.0, "1/s")])
    assert re.search(r"^mine  +fps", text, re.MULTILINE)


def test_the_suffix_decides_the_format(tmp_path: object) -> None:
    from pathlib import Path

    from evalkit.errors import EvalkitError

    assert comparisons.format_of(Path("a.TEX")).name == "latex"
    with pytest.raises(EvalkitError, match=r"unsupported report format.*expected \.csv, \.html"):
        comparisons.format_of(Path("a.docx"))
