"""Benchmarks that a table describes: trees in every layout are read back, and another benchmark is another table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from evalkit import registry
from evalkit.datasets.building import open_table, read_benchmarks, register_benchmarks
from evalkit.datasets.building.benchmark_table import UNVERIFIED, TableBenchmark
from evalkit.datasets.building.patterns import find_paths, list_sequences, sequence_keys
from evalkit.datasets.building.table_render import tree_names, write_table_sequence
from evalkit.errors import EvalkitError
from evalkit.metrics import profiles
from evalkit.types import Annotation, Boxes, Dataset

BENCHMARKS = read_benchmarks(Path(__file__).parents[2] / "datasets" / "_facts" / "benchmarks.toml")
LENGTH = 6


def boxes(seed: int) -> Boxes:
    """Return whole boxes from 0, with the target absent in frame 4."""
    rows = np.random.default_rng(seed).integers(2, 20, (LENGTH, 4)).astype(float)
    rows[3] = np.nan
    return rows


def write_tree(benchmark: TableBenchmark, root: Path, count: int = 3) -> dict[str, Boxes]:
    """Write sequences in the layout of a benchmark; their boxes by name."""
    written = {}
    for seed, (name, keys) in enumerate(tree_names(benchmark, count).items()):
        written[name] = boxes(seed)
        images = [np.full((24 + seed, 32, 3), 40 * number, np.uint8) for number in range(LENGTH)]
        encoded = [cv2.imencode(".jpg", image)[1].tobytes() for image in images]
        write_table_sequence(benchmark, root, keys, Annotation(written[name]), encoded)
    return written


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=lambda one: one.name)
def test_a_tree_in_its_layout_is_read_back(benchmark: TableBenchmark, tmp_path: Path) -> None:
    written = write_tree(benchmark, tmp_path / benchmark.folders[0])
    dataset: Dataset = registry.dataset.find(benchmark.name).build(root=tmp_path)
    assert {sequence.name for sequence in dataset.sequences} == set(written)
    assert set(written) <= set(dataset.expected)
    assert len(dataset.expected) == len(benchmark.listed or written)
    for seed, (name, rows) in enumerate(written.items()):
        sequence = dataset.sequence(name)
        present = ~np.isnan(rows).any(axis=1)
        shift = np.array([dataset.origin, dataset.origin, 0, 0])
        np.testing.assert_array_equal(sequence.groundtruth[present], (rows + shift)[present])
        assert not (sequence.groundtruth[~present][:, 2:] > 0).any()
        assert sequence.frames is not None
        assert len(sequence.frames) == LENGTH
        assert sequence.frames[5].shape == (24 + seed, 32, 3)
        assert abs(int(sequence.frames[5][0, 0, 0]) - 200) < 8
        if "absent" in sequence.flags and "absent" in benchmark.flags:
            np.testing.assert_array_equal(sequence.flags["absent"], ~present)
        if benchmark.language:
            assert sequence.language == "a rendered target"


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=lambda one: one.name)
def test_its_facts_are_consistent(benchmark: TableBenchmark) -> None:
    entry = registry.dataset.find(benchmark.name)
    assert (UNVERIFIED in entry.summary) == benchmark.unverified
    for name in benchmark.profiles:
        assert "one_pass" in profiles.find(name).protocols
    for row in (benchmark.listed or {}).values():
        assert int(row.get("rows") or 1) > 0
    assert all(registry.dataset.find(alias) is entry for alias in benchmark.aliases)


@pytest.mark.parametrize(
    ("name", "sequences"),
    [
        ("uav123", 123), ("uav20l", 20), ("uav123-10fps", 123), ("nfs30", 100), ("nfs240", 100), ("tnl2k", 700),
        ("dtb70", 70), ("uavdt", 50), ("tcolor128", 129), ("avist", 120), ("vasttrack", 3500), ("nt-vot211", 211),
    ],
)  # fmt: skip
def test_all_sequences_of_a_benchmark_open(name: str, sequences: int, tmp_path: Path) -> None:
    benchmark = BENCHMARKS[name]
    assert len(benchmark.listed or ()) == sequences
    for keys in (sequence_keys(one, row.get("folder", "")) for one, row in (benchmark.listed or {}).items()):
        path = tmp_path / benchmark.annotations[0].format(**keys)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        if name != "vasttrack":
            (tmp_path / benchmark.images[0].format(**keys)).mkdir(parents=True, exist_ok=True)
    dataset = open_table(benchmark, tmp_path)
    assert [sequence.name for sequence in dataset.sequences] == list(dataset.expected)
    assert len(dataset.sequences) == sequences


def test_nfs_as_pytracking_has_it_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "anno").mkdir()
    (tmp_path / "anno" / "nfs_Gymnastics.txt").write_text("1\t2\t3\t4\n" * 368)
    (tmp_path / "sequences" / "Gymnastics").mkdir(parents=True)
    for number in range(1, 369):
        (tmp_path / "sequences" / "Gymnastics" / f"{number:05d}.jpg").touch()
    dataset = open_table(BENCHMARKS["nfs30"], tmp_path)
    (sequence,) = dataset.sequences
    assert len(sequence) == len(sequence.frames or ()) == 368
    assert sequence.groundtruth[0].tolist() == [1, 2, 3, 4]
    assert sequence.other_names == ("nfs_Gymnastics",)


def test_rows_of_the_annotation_tool_are_corners_at_240_frames_per_second(tmp_path: Path) -> None:
    for rate, step in ((30, 8), (240, 1)):
        place = tmp_path / "bee" / str(rate)
        (place / "bee").mkdir(parents=True)
        rows = [f'0 {number} 10 {number + 5} 30 {number + 1} 0 1 0 "a bee, far off"' for number in range(16)]
        (place / "bee.txt").write_text("\n".join(rows) + "\n")
        for number in range(16 // step):
            (place / "bee" / f"{number + 1:05d}.jpg").touch()
        dataset = open_table(BENCHMARKS[f"nfs{rate}"], tmp_path)
        (sequence,) = dataset.sequences
        assert sequence.groundtruth.tolist() == [[float(number), 10, 5, 20] for number in range(0, 16, step)]


def test_the_other_spelling_of_a_folder_finds_its_files(tmp_path: Path) -> None:
    (tmp_path / "Yo_yos_ce1" / "img").mkdir(parents=True)
    (tmp_path / "Yo_yos_ce1" / "Yo-yos_ce1_gt.txt").write_text("1,2,3,4\n" * 235)
    (sequence,) = open_table(BENCHMARKS["tcolor128"], tmp_path).sequences
    assert (sequence.name, len(sequence)) == ("Yo-yos_ce1", 235)


def test_the_published_range_is_cut_from_the_video(tmp_path: Path) -> None:
    (tmp_path / "anno").mkdir()
    (tmp_path / "anno" / "car1_2.txt").write_text("1,2,3,4\n" * 877)
    images = tmp_path / "data_seq" / "UAV123" / "car1"
    images.mkdir(parents=True)
    for number in range(1, 2630):
        (images / f"{number:06d}.jpg").touch()
    (sequence,) = open_table(BENCHMARKS["uav123"], tmp_path).sequences
    assert sequence.frames is not None
    assert [sequence.frames.path(index).name for index in (0, -1)] == ["000751.jpg", "001627.jpg"]  # type: ignore[attr-defined]


def test_a_folder_of_another_name_is_not_taken_for_a_benchmark_whose_paths_others_share(tmp_path: Path) -> None:
    write_tree(BENCHMARKS["totb"], tmp_path / "LaSOT")
    with pytest.raises(EvalkitError, match="expected a folder with the name TOTB"):
        open_table(BENCHMARKS["totb"], tmp_path / "LaSOT")


MADE_UP = """
[[benchmark]]
name = "meadow"
title = "Meadow, 3 sequences"
directory = "MEADOW"
folders = ["Meadow"]
annotations = ["boxes/{name}.txt"]
images = ["films/{folder}"]
origin = 1
digits = 4
prefix = "mdw_"
attributes = ["SUN", "RAIN"]
source = "made up"
"""


@pytest.fixture
def made_up(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "table" / "mine.toml"
    (path.parent / "sequences").mkdir(parents=True)
    path.write_text(MADE_UP)
    rows = ["name,folder,first,rows,attributes,weather", f"red cow,herd,5,{LENGTH},SUN,dry", f"red_cow,,1,{LENGTH},,"]
    (path.parent / "sequences" / "meadow.csv").write_text("\n".join([*rows, f"redcow,,1,{LENGTH},RAIN,wet"]) + "\n")
    with registry.dataset.temporarily():
        yield path


def test_another_benchmark_is_a_table_and_a_list_of_its_sequences(made_up: Path, tmp_path: Path) -> None:
    factory: Callable[..., Dataset] = register_benchmarks(made_up, __name__)["meadow"]
    written = write_tree(read_benchmarks(made_up)["meadow"], tmp_path / "Meadow")
    dataset = factory(root=tmp_path)
    assert registry.dataset.find("meadow").factory is factory
    assert dataset.expected == ("red cow", "red_cow", "redcow")
    for name, rows in written.items():
        np.testing.assert_array_equal(dataset.sequence(name).groundtruth[0], rows[0] + [1, 1, 0, 0])
    first = dataset.sequence("red cow")
    assert (first.attributes, first.meta, first.other_names) == ({"SUN"}, {"weather": "dry"}, ("mdw_red cow",))
    assert first.frames is not None
    assert first.frames.path(0).name == "0005.jpg"  # type: ignore[attr-defined]
    assert [sequence.exact_name for sequence in dataset.sequences] == [False, True, True]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('directories = "x"', r"unknown key 'directories'. Did you mean 'directory'\?"),
        ("origin = true", r"invalid value for origin \(found True, expected an integer"),
        ('folders = "x"', r"invalid value for folders \(found 'x', expected a list"),
        ('family = "cows"', r"invalid value for family \(found 'cows', expected otb or lasot"),
        ("", "missing key 'folders'"),
    ],
)
def test_a_wrong_table_is_an_error_that_names_the_key(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    kept = [line for line in MADE_UP.splitlines() if line.partition(" =")[0] != (text.partition(" =")[0] or "folders")]
    path.write_text("\n".join([*kept, text]))
    with pytest.raises(EvalkitError, match=problem):
        read_benchmarks(path)


def test_patterns_find_exact_names_first_and_list_what_exists(tmp_path: Path) -> None:
    for name in ("car1_1", "car11", "Bike-1"):
        (tmp_path / "a" / name).mkdir(parents=True)
        (tmp_path / "a" / name / f"{name}_gt.txt").touch()
    keys = {name: sequence_keys(name) for name in ("car1_1", "car11", "bike_1", "none")}
    found = find_paths(tmp_path, "a/{name}/{name}_gt.txt", keys)
    assert {name: path.parent.name for name, path in found.items()} == {
        "car1_1": "car1_1", "car11": "car11", "bike_1": "Bike-1",
    }  # fmt: skip
    assert list(list_sequences(tmp_path, "{group}/{name}/{name}_gt.txt")) == ["Bike-1", "car11", "car1_1"]
    (tmp_path / "b" / "car11").mkdir(parents=True)
    (tmp_path / "b" / "car11" / "car11_gt.txt").touch()
    with pytest.raises(EvalkitError, match=r"the same name \(found a/car11, b/car11\)"):
        list_sequences(tmp_path, "{group}/{name}/{name}_gt.txt")


@pytest.mark.parametrize(("rows", "expected"), [(368 * 8, 368), (368 * 8 - 5, 368), (368, 368), (369, 368)])
def test_vatic_rows_of_the_slower_video_are_all_taken(tmp_path: Path, rows: int, expected: int) -> None:
    place = tmp_path / "Gymnastics" / "30"
    place.mkdir(parents=True)
    step = 1 if rows < 400 else 8
    lines = (f'0 {number // step} 2 {number // step + 10} 20 {number} 0 0 0 "x"' for number in range(rows))
    (place / "Gymnastics.txt").write_text("\n".join(lines) + "\n")
    (sequence,) = open_table(BENCHMARKS["nfs30"], tmp_path).sequences
    assert sequence.groundtruth[:, 0].tolist() == list(range(expected))
