from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from evalkit.errors import EvalkitError
from evalkit.results import layouts
from evalkit.results.layouts._otb_shapes import boxes_of
from evalkit.types import Annotation, FrameState, Sequence, Trajectory

SIZE = np.array([20.0, 10.0])


def video(name: str = "Jogging-1", rows: int = 2) -> Sequence:
    return Sequence(name, lambda: Annotation(np.ones((rows, 4))))


def cell(**fields: object) -> np.ndarray:
    inside = np.empty((1, 1), dtype=object)
    inside[0, 0] = fields
    return inside


def test_mat_files_are_found_by_the_names_that_the_matlab_toolkit_gives(tmp_path: Path) -> None:
    folder = tmp_path / "CSK"
    folder.mkdir()
    savemat(folder / "jogging_1_CSK.mat", {"results": cell(res=[[1, 2, 3, 4], [2, 3, 4, 5]], type="rect", len=2)})
    savemat(folder / "jogging_2_CSK.mat", {"results": cell(res=[[9, 9, 9, 9]] * 2, type="rect", len=2)})
    (found,) = layouts.get("otb-mat").read(folder, video(), "one_pass")
    assert found.boxes.tolist() == [[1, 2, 3, 4], [2, 3, 4, 5]]
    assert found.tracker == "CSK"


def test_the_folder_tells_which_of_several_trackers_is_meant(tmp_path: Path) -> None:
    for name in ("OPE", "CSK"):
        (tmp_path / name).mkdir()
        for tracker, x in (("CSK", 1), ("TLD", 2)):
            content = {"results": cell(res=[[x, 2, 3, 4]] * 2, type="rect")}
            savemat(tmp_path / name / f"Jogging-1_{tracker}.mat", content)
    (found,) = layouts.get("otb-mat").read(tmp_path / "CSK", video(), "one_pass")
    assert found.boxes[0, 0] == 1
    with pytest.raises(EvalkitError, match="several files could be the result"):
        layouts.get("otb-mat").read(tmp_path / "OPE", video(), "one_pass")


def test_a_bare_matrix_is_a_result(tmp_path: Path) -> None:
    savemat(tmp_path / "Jogging-1.mat", {"result": [[1, 2, 3, 4], [2, 3, 4, 5]]})
    (found,) = layouts.get("otb-mat").read(tmp_path, video(), "one_pass")
    assert found.boxes[1].tolist() == [2, 3, 4, 5]


def test_the_python_toolkits_json_is_read_with_null_for_nan(tmp_path: Path) -> None:
    content = [{"seqName": "Jogging-1", "resType": "rect", "res": [[1, 2, 3, 4], [None] * 4], "evalType": "OPE"}]
    (tmp_path / "jogging-1.json").write_text(json.dumps(content))
    (found,) = layouts.get("otb-json").read(tmp_path, video(), "one_pass")
    np.testing.assert_array_equal(found.boxes, [[1, 2, 3, 4], [np.nan] * 4])


@pytest.mark.parametrize(
    ("suffix", "content"),
    [(".mat", b"MATLAB 5.0 MAT-file, not"), (".mat", b""), (".json", b"[{"), (".json", b"[]"), (".json", b'[{"a": 1}]'),
     (".json", b'[{"res": [[1, 2]]}]'), (".json", b'[{"res": [[1, 2, 3, 4], [1]]}]'), (".json", b'[{"res": "x"}]')],
)  # fmt: skip
def test_damaged_mat_and_json_files_are_an_error_with_their_name(tmp_path: Path, suffix: str, content: bytes) -> None:
    (tmp_path / f"Jogging-1{suffix}").write_bytes(content)
    with pytest.raises(EvalkitError, match=f"Jogging-1{suffix}"):
        layouts.get(f"otb-{suffix[1:]}").read(tmp_path, video(), "one_pass")


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("rect", [[1, 2, 3, 4]], [1, 2, 3, 4]),
        # Corners in two rows, x above y; both ends are inside.
        ("4corner", [[1, 5, 5, 1], [2, 2, 8, 8]], [1, 2, 5, 7]),
        # Centre (30, 40), unrotated, scale 1: a template 20 wide and 10 high around it.
        ("ivtAff", [[30, 40, 1, 0, 0, 1]], [20, 35, 20, 10]),
        # Rows then columns: the template of 20 rows and 10 columns moved by (3, 5).
        ("L1Aff", [[1, 0, 0, 1, 3, 5]], [6, 4, 10, 20]),
        # The identity is added to the parameters; 20 is the height here.
        ("LK_Aff", [[0, 0, 3], [0, 0, 5]], [4, 6, 10, 20]),
        ("SIMILARITY", [[2, 0, 3, 5]], [5, 7, 19, 39]),
    ],
)
def test_transformations_become_boxes(kind: str, values: object, expected: list[float]) -> None:
    (box,) = boxes_of(kind, np.array(values, dtype=np.float64), SIZE)
    assert box.tolist() == expected


def test_transformations_that_cannot_be_read_are_an_error() -> None:
    with pytest.raises(EvalkitError, match="unknown type of result"):
        boxes_of("mesh", np.zeros((1, 4)), SIZE)
    with pytest.raises(EvalkitError, match="need `tmplsize`"):
        boxes_of("ivtAff", np.zeros((1, 6)), np.zeros(0))
    with pytest.raises(EvalkitError, match="invalid shape"):
        boxes_of("ivtAff", np.zeros((1, 4)), SIZE)


def test_numbered_folders_of_pytracking_are_repetitions(tmp_path: Path) -> None:
    for run, x in ((0, 10), (2, 30)):
        place = tmp_path / "dimp" / f"dimp50_{run:03d}"
        place.mkdir(parents=True)
        (place / "Jogging-1.txt").write_text(f"{x}\t2\t3\t4\n" * 2)
        (place / "Jogging-1_time.txt").write_text("0.5\n0.25\n")
    found = layouts.get("pytracking").read(tmp_path / "dimp", video(), "one_pass")
    assert [(one.repetition, one.boxes[0, 0], one.seconds[1]) for one in found] == [(1, 10, 0.25), (3, 30, 0.25)]
    (alone,) = layouts.get("pytracking").read(tmp_path / "dimp" / "dimp50_002", video(), "one_pass")
    assert alone.boxes[0, 0] == 30


def test_several_parameter_sets_are_not_mixed(tmp_path: Path) -> None:
    for name in ("dimp18_000", "dimp50_000"):
        (tmp_path / name).mkdir()
    assert layouts.get("pytracking").read(tmp_path, video(), "one_pass") == [], "these may be folders of sequences"
    (tmp_path / "dimp18_000" / "Jogging-1.txt").write_text("1\t2\t3\t4\n" * 2)
    with pytest.raises(EvalkitError, match=r"several parameter sets \(found dimp18, dimp50\)"):
        layouts.get("pytracking").read(tmp_path, video(), "one_pass")


def test_lasots_folder_is_found_next_to_the_trackers_and_named_without_its_suffix(tmp_path: Path) -> None:
    place = tmp_path / "MDNet_tracking_result"
    place.mkdir()
    (place / "cup-1.txt").write_text("1,2,3,4\n")
    for folder in (tmp_path / "MDNet", place):
        (found,) = layouts.get("lasot-matlab").read(folder, video("cup-1", 1), "one_pass")
        assert found.tracker == "MDNet"


def test_pytrackings_runs_beyond_the_hundredth_are_told_from_numbers_in_names(tmp_path: Path) -> None:
    layout, folder = layouts.writer("pytracking"), tmp_path / "vitb"
    states = np.array([FrameState.INITIALIZED, FrameState.TRACKED], dtype=np.int8)
    for repetition in (1, 2, 101, 1001):
        boxes, seconds = np.full((2, 4), float(repetition)), np.full(2, np.nan)
        run = Trajectory("vitb", "Jogging-1", "one_pass", boxes, None, seconds, seconds, states, repetition=repetition)
        layout.write(folder, run)
    found = layout.read(folder, video(), "one_pass")
    assert {run.repetition: run.boxes[1, 0] for run in found} == {1: 1, 2: 2, 101: 101, 1001: 1001}
    (folder / "vitb_0064").mkdir()  # runs have three digits, or more without leading zeros
    shutil.copy(folder / "vitb_000" / "Jogging-1.txt", folder / "vitb_0064")
    assert [run.repetition for run in layout.read(folder, video(), "one_pass")] == [1, 2, 101, 1001]
    for number in (0, 1):
        (folder / f"vitb_{number:03d}" / "Jogging-1.txt").unlink()
        (folder / f"vitb_{number:03d}").rmdir()
    assert layout.read(folder, video(), "one_pass") == []
