from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit import registry
from evalkit.errors import DamagedResults, EvalkitError, UnknownName
from evalkit.results import layouts, run_record
from evalkit.results.layouts import WritableLayout
from evalkit.types import Annotation, Dataset, FrameState, Sequence, Trajectory


def video(name: str = "walk", rows: int = 3, **facts: object) -> Sequence:
    return Sequence(name=name, read=lambda: Annotation(np.ones((rows, 4))), **facts)  # type: ignore[arg-type]


def answer(boxes: object, *, repetition: int = 1, **fields: object) -> Trajectory:
    rows = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    states = np.full(len(rows), FrameState.TRACKED, dtype=np.int8)
    states[:1] = FrameState.INITIALIZED
    values = {"confidence": np.full(len(rows), np.nan), "seconds": np.full(len(rows), np.nan), **fields}
    return Trajectory("mine", "walk", "one_pass", rows, None, states=states, repetition=repetition, **values)  # type: ignore[arg-type]


def assert_same(a: Trajectory, b: Trajectory) -> None:
    for name in ("boxes", "confidence", "seconds", "states"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    for name in ("tracker", "sequence", "protocol", "repetition", "anchor"):
        assert getattr(a, name) == getattr(b, name), name


BOXES = [[1.5, 2.0, 3.25, 4.0], [1.0 / 3.0, -2.0, 1e-7, 5.0], [np.nan] * 4]


@pytest.mark.parametrize("name", ["plain", "got10k"])
def test_written_results_are_read_back_exactly(tmp_path: Path, name: str) -> None:
    layout = layouts.get(name)
    confidence = np.array([np.nan, 0.1, 0.30000000000000004])
    for repetition in (1, 2):
        layout.write(
            tmp_path / "mine",
            answer(
                BOXES, repetition=repetition, confidence=confidence, seconds=np.array([0.5, 0.1, 1e-5]) * repetition
            ),
        )
    found = layout.read(tmp_path / "mine", video(), "one_pass")
    assert [one.repetition for one in found] == [1, 2]
    for one in found:
        seconds = np.array([0.5, 0.1, 1e-5]) * one.repetition
        assert_same(one, answer(BOXES, repetition=one.repetition, confidence=confidence, seconds=seconds))


ONE_PASS = ["plain", "got10k", "pytracking", "lasot-matlab", "otb-mat", "otb-json"]


@given(
    st.lists(st.lists(st.floats(allow_infinity=False), min_size=4, max_size=4), min_size=1, max_size=6),
    st.sampled_from(ONE_PASS),
)
@settings(max_examples=50, deadline=None)
def test_any_boxes_survive_the_round_trip(tmp_path_factory: pytest.TempPathFactory, boxes: object, name: str) -> None:
    folder = tmp_path_factory.mktemp("results") / "mine"
    layouts.get(name).write(folder, answer(boxes))
    (back,) = layouts.get(name).read(folder, video(), "one_pass")
    assert_same(back, answer(boxes))


def test_plain_files_are_where_the_toolkits_expect_them(tmp_path: Path) -> None:
    layouts.get("otb").write(tmp_path, answer(BOXES, seconds=np.array([0.5, 0.25, 1.0])))
    assert (tmp_path / "walk.txt").read_text() == "1.5,2,3.25,4\n0.3333333333333333,-2,1e-07,5\nnan,nan,nan,nan\n"
    assert (tmp_path / "times" / "walk_time.txt").read_text() == "0.5\n0.25\n1\n"
    assert not (tmp_path / "confidence").exists()


def test_got10k_times_have_a_column_a_repetition(tmp_path: Path) -> None:
    layout = layouts.get("got10k")
    layout.write(tmp_path, answer(BOXES, seconds=np.array([0.5, 0.25, 1.0])))
    layout.write(tmp_path, answer(BOXES, seconds=np.array([2.0, 3.0, 4.0]), repetition=3))
    assert (tmp_path / "walk" / "walk_time.txt").read_text() == "0.5,nan,2\n0.25,nan,3\n1,nan,4\n"
    assert sorted(path.name for path in (tmp_path / "walk").iterdir()) == [
        "walk_001.txt",
        "walk_003.txt",
        "walk_time.txt",
    ]


@pytest.mark.parametrize("name", ["plain", "got10k"])
def test_a_repetition_is_done_when_its_boxes_exist(tmp_path: Path, name: str) -> None:
    layout = layouts.get(name)
    layout.write(tmp_path, answer(BOXES))
    assert layout.done(tmp_path, video(), "one_pass", 1)
    assert not layout.done(tmp_path, video(), "one_pass", 2)
    assert not layout.done(tmp_path, video("other"), "one_pass", 1)
    assert layout.read(tmp_path, video("other"), "one_pass") == []


def test_a_folder_whose_name_only_begins_like_a_repetition_is_ignored(tmp_path: Path) -> None:
    layout = layouts.get("plain")
    layout.write(tmp_path, answer(BOXES))
    (tmp_path / "repetition_old").mkdir()
    (trajectory,) = layout.read(tmp_path, video(), "one_pass")
    assert trajectory.repetition == 1


def test_other_spellings_of_a_sequence_are_found(tmp_path: Path) -> None:
    (tmp_path / "jogging_1.txt").write_text("1 2 3 4\n")
    (found,) = layouts.get("otb").read(tmp_path, video("Jogging-1"), "one_pass")
    assert found.sequence == "Jogging-1"


def test_two_spellings_at_once_are_refused(tmp_path: Path) -> None:
    (tmp_path / "jogging_1.txt").write_text("1 2 3 4\n")
    (tmp_path / "Jogging.1.txt").write_text("1 2 3 4\n")
    with pytest.raises(EvalkitError, match="several files could be the result of Jogging-1"):
        layouts.get("otb").read(tmp_path, video("Jogging-1"), "one_pass")


def test_rows_before_the_evaluated_part_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "walk.txt").write_text("".join(f"{n},0,5,5\n" for n in range(8)))
    (found,) = layouts.get("otb").read(tmp_path, video(rows=3, omitted_rows=5), "one_pass")
    assert found.boxes[:, 0].tolist() == [5.0, 6.0, 7.0]


def test_times_and_boxes_of_different_number_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "walk.txt").write_text("1,2,3,4\n1,2,3,4\n")
    (tmp_path / "times").mkdir()
    (tmp_path / "times" / "walk_time.txt").write_text("0.1\n")
    with pytest.raises(EvalkitError, match=r"walk_time.txt: the number of values differs .* \(found 1, expected 2\)"):
        layouts.get("otb").read(tmp_path, video(rows=2), "one_pass")


def test_results_in_any_layout_are_found(tmp_path: Path) -> None:
    layouts.get("got10k").write(tmp_path / "folder-name", answer(BOXES))
    benchmark = Dataset("otb100", "OTB100", "1", 1, (video(),), ("walk",), ("one_pass",), ("pysot",), "otb")
    (found,) = layouts.read(tmp_path / "folder-name", benchmark, video(), "one_pass", tracker="mine")
    assert_same(found, answer(BOXES))


def test_an_unknown_layout_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(UnknownName, match=r"no layout is named 'otb-matt'\. Did you mean 'otb-mat'"):
        layouts.get("otb-matt")


def test_an_entry_says_whether_its_layout_can_be_written() -> None:
    for entry in registry.layout.entries():
        assert entry.writes == isinstance(layouts.get(entry.name), WritableLayout), entry.name


def test_a_damaged_file_is_an_error_that_programs_can_catch(tmp_path: Path) -> None:
    (tmp_path / "walk.txt").write_text("1,2,3\n")
    benchmark = Dataset("otb100", "OTB100", "1", 1, (video(),), ("walk",), ("one_pass",), ("pysot",), "got10k")
    with pytest.raises(DamagedResults, match=r"walk.txt:1: wrong number of values"):
        layouts.read(tmp_path, benchmark, video(), "one_pass")


def test_the_record_of_a_run_is_not_the_result_of_a_sequence_called_run(tmp_path: Path) -> None:
    run_record.save(tmp_path, {"tracker": "mine"}, [])
    benchmark = Dataset("mine", "MINE", "1", 0, (video("run"),), ("run",), ("one_pass",), ("pysot",), "plain")
    assert layouts.read(tmp_path, benchmark, video("run"), "one_pass") == []
