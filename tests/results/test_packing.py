from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from evalkit.cli.pack import pack_command
from evalkit.errors import EvalkitError
from evalkit.results import layouts
from evalkit.results.packing import check, pack
from evalkit.types import Annotation, Boxes, Dataset, FrameState, Sequence, Trajectory

NAMES = ("one", "two")


def benchmark(name: str = "got10k-test", layout: str = "got10k", protocol: str = "one_pass") -> Dataset:
    annotation = Annotation(np.array([[10.0, 20, 30, 40], [np.nan] * 4, [np.nan] * 4]))
    sequences = tuple(Sequence(name, lambda: annotation) for name in NAMES)
    family = name.rstrip("0123456789").partition("-")[0]
    return Dataset(name, "TINY", "1", 1, sequences, NAMES, (protocol,), ("got10k",), layout, family)


def answer(name: str, *, boxes: Boxes | None = None, seconds: float = 0.123456789, **fields: object) -> Trajectory:
    rows = np.array([[10.0, 20, 30, 40], [10.12345, 20, 30, 40], [11, 21, 30, 1 / 3]]) if boxes is None else boxes
    states = np.full(len(rows), FrameState.TRACKED, dtype=np.int8)
    states[0] = FrameState.INITIALIZED
    values = {"protocol": "one_pass", "regions": None, "confidence": np.full(len(rows), np.nan), **fields}
    return Trajectory("mine", name, boxes=rows, seconds=np.full(len(rows), seconds), states=states, **values)  # type: ignore[arg-type]


def store(results: Path, dataset: Dataset, *trajectories: Trajectory) -> None:
    for trajectory in trajectories:
        layouts.writer(dataset.layout).write(results / "TINY" / "mine", trajectory)


def content(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_got10k_gets_folders_with_rounded_rows_and_times(tmp_path: Path) -> None:
    store(tmp_path, benchmark(), answer("one"), answer("two"), answer("two", repetition=2, seconds=0.5))
    packed = pack(benchmark(), "mine", tmp_path, tmp_path / "out.zip")
    files = content(tmp_path / "out.zip")
    assert sorted(files) == [
        "one/one_001.txt", "one/one_time.txt", "two/two_001.txt", "two/two_002.txt", "two/two_time.txt",
    ]  # fmt: skip
    assert packed.files == 5 and packed.notes == ()
    assert files["one/one_001.txt"] == (
        "10.000,20.000,30.000,40.000\n10.123,20.000,30.000,40.000\n11.000,21.000,30.000,0.333\n"
    )
    assert files["two/two_time.txt"] == "0.12345679,0.50000000\n" * 3
    assert check(tmp_path / "out.zip", benchmark()) == []


def test_the_same_results_give_the_same_archive(tmp_path: Path) -> None:
    store(tmp_path, benchmark(), answer("one"), answer("two"))
    pack(benchmark(), "mine", tmp_path, tmp_path / "a.zip")
    pack(benchmark(), "mine", tmp_path, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_trackingnet_gets_flat_files(tmp_path: Path) -> None:
    dataset = benchmark("trackingnet-test", "trackingnet")
    store(tmp_path, dataset, answer("one", seconds=float("nan")), answer("two"))
    pack(dataset, "mine", tmp_path, tmp_path / "out.zip")
    assert content(tmp_path / "out.zip")["one.txt"] == (
        "10.00,20.00,30.00,40.00\n10.12,20.00,30.00,40.00\n11.00,21.00,30.00,0.33\n"
    )
    assert check(tmp_path / "out.zip", dataset) == []


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({}, "two: no result"),
        ({"boxes": np.ones((2, 4))}, "two: 2 rows, expected 3"),
        ({"boxes": np.array([[1, 2, 3, 4], [1, np.nan, 3, 4], [1, 2, 3, 4]])}, "two: row 2 is not finite"),
        ({"seconds": float("nan")}, "two: times are missing"),
    ],
)
def test_results_that_the_server_would_reject_are_an_error_and_nothing_is_written(
    tmp_path: Path, wrong: dict[str, object], complaint: str
) -> None:
    store(tmp_path, benchmark(), answer("one"), *([answer("two", **wrong)] if wrong else []))  # type: ignore[arg-type]
    with pytest.raises(EvalkitError, match=complaint):
        pack(benchmark(), "mine", tmp_path, tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def test_boxes_with_another_origin_are_reported(tmp_path: Path) -> None:
    shifted = np.array([[9.0, 19, 30, 40]] * 3)
    store(tmp_path, benchmark(), answer("one", boxes=shifted), answer("two", boxes=shifted))
    (note,) = pack(benchmark(), "mine", tmp_path, tmp_path / "out.zip").notes
    assert note == "the first boxes are shifted by (-1, -1) from the groundtruth; got10k-test counts pixels from 1"


def test_vot_gets_experiments_and_a_manifest(tmp_path: Path) -> None:
    dataset = benchmark("vot2018", "vot", "supervised")
    store(tmp_path, dataset, answer("one", protocol="supervised"), answer("two", protocol="supervised"))
    pack(dataset, "mine", tmp_path, tmp_path / "out.zip")
    files = content(tmp_path / "out.zip")
    assert sorted(files) == [
        "baseline/one/one_001.txt", "baseline/one/one_001_time.value", "baseline/two/two_001.txt",
        "baseline/two/two_001_time.value", "manifest.yml",
    ]  # fmt: skip
    assert files["baseline/one/one_001.txt"].startswith("1\n10.12345,20,30,40\n")
    entries = json.loads(files["manifest.yml"])
    assert (entries["identifier"], entries["stack"]) == ("mine", "vot2018")
    assert {"configuration", "timestamp", "platform", "python", "toolkit"} < set(entries)
    assert check(tmp_path / "out.zip", dataset) == []


def test_missing_anchors_are_named(tmp_path: Path) -> None:
    annotation = Annotation(np.ones((3, 4)), anchors=np.array([1, 0, -1]))
    sequences = tuple(Sequence(name, lambda: annotation) for name in NAMES)
    dataset = Dataset("vot2020", "TINY", "1", 0, sequences, NAMES, ("multistart",), ("vot-multistart",), "vot", "vot")
    for name in NAMES:
        store(tmp_path, dataset, answer(name, protocol="multistart", anchor=0))
    store(tmp_path, dataset, answer("one", protocol="multistart", anchor=2))
    with pytest.raises(EvalkitError, match="two: no run from anchor 2"):
        pack(dataset, "mine", tmp_path, tmp_path / "out.zip")


def test_a_benchmark_without_a_server_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match=r"there is no server for otb100.*evalkit score"):
        pack(benchmark("otb100", "otb"), "mine", tmp_path, tmp_path / "out.zip")


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"one/one_001.txt": "1 2 3 4\n" * 3}, "one/one_001.txt: separated by spaces; servers accept commas only"),
        ({"one/one_001.txt": "1\t2\t3\t4\n" * 3}, "separated by tabs"),
        ({"one/one_001.txt": "1,2,3\n" * 3}, "wrong number of values in a row (found 3, expected 4)"),
        ({"one/one_001.txt": "1,2,3,4\n" * 3}, "one: times are missing"),
        ({"one/one_001.txt": "1,2,3,4\n" * 2}, "one: 2 rows, expected 3"),
    ],
)
def test_an_archive_made_elsewhere_is_checked(tmp_path: Path, files: dict[str, str], complaint: str) -> None:
    with zipfile.ZipFile(tmp_path / "theirs.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(f"enclosing/{name}", text)
    problems = check(tmp_path / "theirs.zip", benchmark())
    assert any(complaint in problem for problem in problems), problems
    assert any("two: no result" in problem for problem in problems)


def test_the_command_needs_a_tracker_or_an_archive() -> None:
    result = CliRunner().invoke(pack_command, ["--dataset", "got10k-test"])
    assert result.exit_code == 2
    assert "Give --tracker and --output, or --check." in result.output
