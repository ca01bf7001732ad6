"""Building a document from a comparison, before any format writes it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from moving_square import tiny_dataset

from evalkit import registry
from evalkit.comparison import Comparison
from evalkit.comparison.metric_labels import curve_labels, metric_head
from evalkit.errors import EvalkitError
from evalkit.reports.document.build import CLOSING_SECTIONS, DATASET_SECTIONS, build_document, build_report
from evalkit.reports.document.model import Cell, Column, build_table, counted, row_cells, text_column
from evalkit.reports.document.published import load_published
from evalkit.types import FrameState, Metric, Score, Trajectory

Compare = Callable[..., Comparison]

SECTIONS = Path(__file__).resolve().parents[2] / "reports" / "sections"


def trajectory(sequence: str) -> Trajectory:
    boxes, seconds = np.ones((2, 4)), np.full(2, 0.01)
    states = np.full(2, FrameState.TRACKED, dtype=np.int8)
    return Trajectory("one", sequence, "one_pass", boxes, None, np.full(2, np.nan), seconds, states)


def test_every_file_of_sections_makes_the_section_that_it_is_named_after() -> None:
    named = {build.__name__.removesuffix("_section") for build in (*DATASET_SECTIONS, *CLOSING_SECTIONS)}
    files = {path.stem for path in SECTIONS.glob("*.py") if not path.stem.endswith("_figures")}
    assert files == named | {"summary", "replay", "search"}


def test_a_document_without_a_comparison_has_tables_of_scores_and_costs(
    compare: Compare,
) -> None:
    comparison = compare("one", "two")
    scores = [score for score in comparison.scores if score.attribute is None]
    document = build_document(None, scores, comparison.costs, ["a notice"])
    (table,) = document.tables()
    assert [column.head for column in table.columns] == ["tracker", "AUC", "P", "MACs (M)", "params (M)", "fps",
                                                         "latency p50 (ms)"]  # fmt: skip
    assert (document.tables_only, document.notices) == (True, ("a notice",))


def test_a_document_of_a_comparison_keeps_its_scores_and_costs_as_records(
    compare: Compare,
) -> None:
    comparison = compare("one", "two")
    document = build_document(comparison)
    assert (document.scores, document.costs) == (comparison.scores, comparison.costs)
    assert [section.title for section in document.sections][:2] == ["Summary", "Scores"]


def test_a_page_of_scores_alone_skips_to_a_section_that_it_has(compare: Compare) -> None:
    page = registry.report.find("html").build(scores=compare("one", "two").scores)
    assert '<a class="skip" href="#scores">' in page
    assert '<section id="scores"' in page


def test_results_that_cannot_be_scored_are_reported_with_the_reason_and_their_tracker() -> None:
    dataset = tiny_dataset()
    runs = {("tiny", "one"): {"a": [trajectory("a")]}}
    comparison = Comparison(("one",), (dataset,), runs=runs, unscored={"tiny": "the groundtruth is withheld"})
    document = build_report(comparison, ())
    assert [(one.label, one.origin) for one in document.trackers] == [("one", "imported")]
    scores = next(section for section in document.sections if section.key == "tiny-scores")
    assert scores.skipped == ("No scores: the groundtruth is withheld.",)


def test_results_without_groundtruth_have_costs_and_agreement_but_no_score_anywhere() -> None:
    runs = {("tiny", label): {"a": [trajectory("a")], "b": [trajectory("b")]} for label in ("one", "two")}
    comparison = Comparison(("one", "two"), (tiny_dataset(),), runs=runs, unscored={"tiny": "withheld"})
    document = build_report(comparison, ())
    tables = {table.key: table for table in document.tables()}
    matrix = [[cell.text for cell in row] for row in tables["tiny-agreement"].rows]
    assert matrix == [["one", "", "1.000"], ["two", "1.000", ""]]
    assert [row[0].text for row in tables["tiny-agreement-sequences"].rows] == ["a", "b"]
    assert "confidence interval" not in " ".join(tables["summary"].notes)
    keys = {section.key for section in document.sections}
    assert not keys & {"tiny-significance", "tiny-attributes", "tiny-rates", "tiny-sequences", "cost"}


def test_many_pairs_of_trackers_are_shown_by_the_pair_that_agrees_least() -> None:
    labels = ("one", "two", "three", "four", "five")
    far = replace(trajectory("a"), boxes=np.full((2, 4), 50.0))
    runs = {("tiny", label): {"a": [far if label == "four" else trajectory("a")], "b": [trajectory("b")]}
            for label in labels}  # fmt: skip
    comparison = Comparison(labels, (tiny_dataset(),), runs=runs, unscored={"tiny": "withheld"})
    table = next(one for one in build_report(comparison, ()).tables() if one.key == "tiny-agreement-sequences")
    assert [column.head for column in table.columns] == ["sequence", "mean of all pairs", "lowest",
                                                         "pair with the lowest"]  # fmt: skip
    assert [cell.text for cell in table.rows[0]] == ["a", "0.600", "0.000", "one and four"]


def test_a_benchmark_with_scores_has_no_agreement_section(compare: Compare) -> None:
    assert not [one for one in build_document(compare("one", "two")).sections if one.key == "toy-agreement"]


def test_the_refusal_of_an_unknown_tracker_names_the_reason_why_its_results_are_missing() -> None:
    comparison = Comparison(("one",), (tiny_dataset(),), skipped={("tiny", "one"): "there are no results"})
    with pytest.raises(EvalkitError, match=r"--tracker one: .*\(found tiny: there are no results\)"):
        build_report(comparison, ())


def test_a_metric_is_labelled_as_its_profile_declares_it() -> None:
    score = Score("one", "tiny", "one_pass", "auc", "otb-matlab", 1, 0.5, "fraction", True, 3, 3)
    assert metric_head(score) == "AUC"
    assert metric_head(replace(score, profile="unknown", metric="delay", unit="frames")) == "delay (frames)"
    assert curve_labels(replace(score, metric="delay")) is None
    declared = Metric("auc", "its definition", head="own head", curve=("own title", "x", "y"))
    own = registry.ProfileEntry("own", print, "", protocols=("one_pass",), metrics=(declared,))
    with registry.profile.temporarily(own):
        assert metric_head(replace(score, profile="own")) == "own head"
        assert curve_labels(replace(score, profile="own")) == ("own title", "x", "y")
    assert curve_labels(score) == ("Success plot", "overlap threshold", "success rate")


def test_a_table_has_a_row_for_each_object_and_a_cell_for_each_column() -> None:
    columns = [(text_column("name"), lambda row: Cell(row)), (Column("length"), lambda row: Cell("", len(row)))]
    table = build_table("key", "title", columns, ["a", "bcd"], notes=["note"])
    assert [row[0].text for row in table.rows] == ["a", "bcd"]
    assert [row[1].value for row in table.rows] == [1, 3]
    assert table.notes == ("note",)


@pytest.mark.parametrize(("higher_is_better", "marked"), [(True, [1, 3]), (False, [0])])
def test_the_best_values_of_a_row_are_marked(higher_is_better: bool, marked: list[int]) -> None:
    cells = row_cells([1.0, 2.0, None, 2.0], 1, higher_is_better=higher_is_better)
    assert [place for place, cell in enumerate(cells) if cell.mark == "best"] == marked
    assert not row_cells([1.0, None], 1, higher_is_better=True)[0].mark, "a single value is not the best of anything"


def test_numbers_agree_with_their_nouns() -> None:
    assert (counted(1, "pair"), counted(0, "pair")) == ("1 pair", "0 pairs")


def test_a_file_of_published_numbers_with_a_mistake_is_refused_with_its_line(tmp_path: Path) -> None:
    head = "tracker,benchmark,metric,value,unit,certainty,source,note"
    (tmp_path / "numbers.csv").write_text(f"{head}\nx,lasot,auc,high,%,read,paper,\n", encoding="utf-8")
    with pytest.raises(EvalkitError, match=r"numbers\.csv:2: invalid published number: .*'high'"):
        load_published(tmp_path)


def test_building_a_document_loads_no_library_that_only_some_formats_need() -> None:
    code = (
        "import sys\n"
        "from evalkit.reports.document.build import build_document\n"
        "from evalkit.types import Score\n"
        "one = Score('one', 'toy', 'one_pass', 'auc', 'otb-matlab', 1, 0.5, 'fraction', True, 3, 3)\n"
        "assert build_document(None, [one]).tables()\n"
        "print(*sorted({'matplotlib', 'pandas', 'openpyxl', 'jinja2', 'torch', 'scipy', 'PIL'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == []


def test_a_section_without_content_is_left_out(compare: Compare) -> None:
    scores = compare("one", "two").scores
    sections = build_report(Comparison(("one", "two"), scores=scores), ()).sections
    keys = {section.key for section in sections}
    assert not keys & {"timing", "run-records", "toy-rates", "toy-published", "toy-failures", "cost"}
    assert {"summary", "toy-scores", "results-and-definitions"} <= keys


def test_an_origin_that_all_trackers_share_is_named_once(compare: Compare) -> None:
    document = build_report(Comparison(("one", "two"), scores=compare("one", "two").scores))
    alone = build_report(Comparison(("ocean", "lighttrack-m")))
    assert document.subtitle == "2 trackers on toy"
    assert alone.subtitle == "2 trackers, all published"
    assert not any(one.marked for one in alone.trackers)
    mixed = build_report(Comparison(("one", "ocean"), scores=compare("one").scores))
    assert [one.marked for one in mixed.trackers] == [False, True]
