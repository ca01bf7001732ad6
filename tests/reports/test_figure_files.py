"""Figures as files for a paper."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image as Pillow

import evalkit
from evalkit import api
from evalkit.cli import cli
from evalkit.comparison import Comparison
from evalkit.errors import EvalkitError
from evalkit.reports import figure_files
from evalkit.reports.document.build import build_report
from evalkit.reports.figure_files import width_in_points, write_figures
from evalkit.types import Dataset

Compare = Callable[..., Comparison]


@pytest.fixture
def results(tiny: Dataset, tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    api.run(["identity"], ["tiny"], results=folder)
    return folder


def test_every_figure_of_the_report_is_one_file(compare: Compare) -> None:
    comparison = compare("one", "two")
    files = write_figures(comparison, ("svg",))
    assert list(files) == [f"{figure.key}.svg" for figure in build_report(comparison).figures()]
    assert len(files) > 5


def test_files_have_the_width_that_was_asked_for_and_no_title(compare: Compare) -> None:
    comparison = compare("one", "two")
    for width, points in (("column", 229), ("page", 469), (300, 300)):
        files = write_figures(comparison, ("png", "svg"), width)
        for name, content in files.items():
            if name.endswith(".png"):
                with Pillow.open(io.BytesIO(content)) as picture:
                    assert picture.width == pytest.approx(points / 72 * 300, abs=1)
        assert "Success plot" not in files["toy-otb-matlab-auc-curve.svg"].decode()


def test_the_same_comparison_gives_the_same_bytes(compare: Compare) -> None:
    comparison = compare("one", "two")
    assert write_figures(comparison, ("pdf", "svg")) == write_figures(comparison, ("pdf", "svg"))
    assert write_figures(comparison)["toy-ranking-plot.pdf"].startswith(b"%PDF")


def test_names_of_files_contain_no_separator(compare: Compare) -> None:
    assert figure_files._file_name("../a b/c:d-plot") == "a-b-c-d-plot"
    assert figure_files._file_name("///") == "figure"


@pytest.mark.parametrize("width", ["colum", "10", 1e9, "nan"])
def test_an_impossible_width_is_refused(width: str | float) -> None:
    with pytest.raises(EvalkitError, match=r"--figure-width: invalid width of figures \(found .*expected column, page"):
        width_in_points(width)


def test_an_unknown_format_is_refused(compare: Compare) -> None:
    with pytest.raises(EvalkitError, match=r"unsupported figure format \(found eps, expected pdf, svg, png, pgf\)"):
        write_figures(compare("one", "two"), ("eps",))


def test_pgf_without_latex_says_what_to_install(compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EvalkitError, match=r"PGF figures need LaTeX.*texlive"):
        write_figures(compare("one", "two"), ("pgf",))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not on the path; Debian: texlive-latex-base")
def test_pgf_compiles_in_two_columns_without_a_warning(compare: Compare, tmp_path: Path) -> None:
    files = write_figures(compare("50%_a&b#{x}$y^~\\", "two_2"), ("pgf",))
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    body = "\n".join(rf"\begin{{figure}}\input{{{name}}}\caption{{x}}\end{{figure}}" for name in files)
    (tmp_path / "paper.tex").write_text(
        rf"\documentclass[twocolumn]{{article}}\usepackage{{pgf}}\begin{{document}}{body}\end{{document}}"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "Font Warning" not in done.stdout


def test_the_command_writes_figures_with_or_without_a_report(results: Path, tmp_path: Path) -> None:
    arguments = ["report", "--dataset", "tiny", "--results", str(results)]
    figures = ["--figures", str(tmp_path / "figures"), "--figure-format", "svg", "--figure-format", "png"]
    done = CliRunner().invoke(cli, [*arguments, *figures], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    written = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert "tiny-otb-matlab-auc-curve.svg" in written
    assert str(tmp_path / "figures" / "tiny-otb-matlab-auc-curve.png") in done.output
    both = CliRunner().invoke(cli, [*arguments, *figures, "--output", str(tmp_path / "r.md")], catch_exceptions=False)
    assert both.exit_code == 0
    assert (tmp_path / "r.md").exists()
    neither = CliRunner().invoke(cli, arguments)
    assert neither.exit_code == 2
    assert "Give --output FILE, --figures DIR, or both" in neither.output


def test_python_returns_the_files(results: Path, tmp_path: Path) -> None:
    compared = evalkit.compare(datasets="tiny", results=results)
    paths = evalkit.report_figures(compared, tmp_path / "figures", formats="svg", width="page")
    assert paths
    assert all(path.stat().st_size > 1000 for path in paths)
