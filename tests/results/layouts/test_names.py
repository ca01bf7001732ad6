"""Which files belong to a sequence, in benchmarks with the names ``car1_1`` and ``car11`` (UAV123) and in others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.results import layouts
from evalkit.results.layouts.base import find_file, find_folder, find_numbered_files
from evalkit.types import Annotation, Dataset, FrameState, Sequence, Trajectory

ANNOTATION = Annotation(np.ones((2, 4)))
WRITABLE = [entry.name for entry in registry.layout.entries() if entry.writes]


def benchmark(*names: str) -> Dataset:
    sequences = tuple(Sequence(name, lambda: ANNOTATION) for name in names)
    return Dataset("uav", "UAV", "1", 0, sequences, names, ("one_pass",), ("pysot",), "plain")


def answer(sequence: str, x: float) -> Trajectory:
    boxes = np.array([[x, 2, 3, 4], [x, 2, 3, 4]])
    unknown = np.full(2, np.nan)
    states = np.array([FrameState.INITIALIZED, FrameState.TRACKED], dtype=np.int8)
    return Trajectory("mine", sequence, "one_pass", boxes, None, unknown, unknown, states)


def places(folder: Path, dataset: Dataset, layout: str) -> dict[str, list[float]]:
    """The last x of the trajectories that a layout finds for each sequence."""
    reader = layouts.get(layout)
    return {
        sequence.name: [float(run.boxes[-1, 0]) for run in reader.read(folder, sequence, "one_pass")]
        for sequence in dataset.sequences
    }


@pytest.mark.parametrize("layout", WRITABLE)
@pytest.mark.parametrize("stored", [("car1_1",), ("car11",), ("car1_1", "car11")])
def test_names_that_differ_only_in_an_underscore_are_kept_apart(
    tmp_path: Path, layout: str, stored: tuple[str, ...]
) -> None:
    dataset = benchmark("car1_1", "car11", "car1", "bike")
    numbers = {"car1_1": 10.0, "car11": 20.0}
    for name in stored:
        layouts.writer(layout).write(tmp_path / "mine", answer(name, numbers[name]))
    expected = {sequence.name: [numbers[sequence.name]] if sequence.name in stored else []
                for sequence in dataset.sequences}  # fmt: skip
    assert places(tmp_path / "mine", dataset, layout) == expected


@pytest.mark.parametrize("layout", WRITABLE)
def test_a_result_in_another_spelling_is_found_where_only_one_sequence_can_have_it(tmp_path: Path, layout: str) -> None:
    layouts.writer(layout).write(tmp_path / "mine", answer("jogging_1", 7.0))
    assert places(tmp_path / "mine", benchmark("Jogging-1", "Jogging-2"), layout) == {
        "Jogging-1": [7.0], "Jogging-2": [],
    }  # fmt: skip


@pytest.mark.parametrize("layout", WRITABLE)
def test_the_exact_name_is_preferred_to_another_spelling(tmp_path: Path, layout: str) -> None:
    for name, x in (("Jogging-1", 1.0), ("jogging_1", 2.0)):
        layouts.writer(layout).write(tmp_path / "mine", answer(name, x))
    assert places(tmp_path / "mine", benchmark("Jogging-1"), layout) == {"Jogging-1": [1.0]}


@pytest.mark.parametrize("layout", WRITABLE)
def test_a_further_name_of_a_sequence_is_found(tmp_path: Path, layout: str) -> None:
    layouts.writer(layout).write(tmp_path / "mine", answer("Human4", 5.0))
    sequence = Sequence("Human4-2", lambda: ANNOTATION, other_names=("Human4",))
    (found,) = layouts.get(layout).read(tmp_path / "mine", sequence, "one_pass")
    assert (found.sequence, found.boxes[-1, 0]) == ("Human4-2", 5.0)


def test_a_tracker_of_a_mat_file_is_not_taken_for_a_part_of_the_sequences_name(tmp_path: Path) -> None:
    folder = tmp_path / "MEEM_v2"
    for name, x in (("car1_1", 10.0), ("car1_2", 20.0), ("bike", 30.0)):
        layouts.writer("otb-mat").write(folder, answer(name, x))
    dataset = benchmark("car1", "car1_1", "car1_2", "bike")
    expected = {"car1": [], "car1_1": [10.0], "car1_2": [20.0], "bike": [30.0]}
    assert places(folder, dataset, "otb-mat") == expected
    folder.rename(tmp_path / "OPE")
    for file in (tmp_path / "OPE").iterdir():
        file.rename(file.with_name(file.name.replace("MEEM_v2", "MEEM")))
    assert places(tmp_path / "OPE", dataset, "otb-mat") == expected, "the only tracker of a folder, whatever its name"


@pytest.mark.parametrize("kind", ["file", "folder", "numbered"])
def test_two_other_spellings_at_once_are_refused(tmp_path: Path, kind: str) -> None:
    (sequence,) = benchmark("Jogging-1").sequences
    for name in ("jogging_1", "Jogging.1"):
        if kind == "folder":
            (tmp_path / name).mkdir()
        else:
            (tmp_path / f"{name}{'_001' if kind == 'numbered' else ''}.txt").touch()
    with pytest.raises(EvalkitError, match=r"several files could be the result of Jogging-1 .*found Jogging.1.*rename"):
        if kind == "file":
            find_file(tmp_path, sequence, ".txt")
        elif kind == "folder":
            find_folder(tmp_path, sequence)
        else:
            find_numbered_files(tmp_path, sequence, digits=3)
