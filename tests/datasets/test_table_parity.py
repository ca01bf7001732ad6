"""Real annotations and results of the benchmarks in the table, compared with the facts and with MATLAB's output."""

from __future__ import annotations

import csv
import re
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from evalkit import stored
from evalkit.data_check import check_files
from evalkit.factories import open_dataset
from evalkit.metrics import profiles
from evalkit.results.importing import import_results
from evalkit.types import Dataset

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def real(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of the benchmarks' annotations, laid out as their toolkits publish them."""
    source, root = data / "benchmarks", tmp_path_factory.mktemp("real")
    for name in ("uav123", "uavdt", "dtb70"):
        place = root / name.upper()
        shutil.copytree(source / name / "anno", place / "anno")
        suffix = "anno/UAV123/att" if name == "uav123" else "anno/att"
        shutil.copytree(source / name / "att", place / suffix)
    (root / "UAV123" / "anno" / "UAV123").rename(root / "att")
    for part in ("gt_rect", "absent", "att"):
        with zipfile.ZipFile(source / "tnl2k" / f"{part}.zip") as archive:
            archive.extractall(root / "TNL2K" / "annos")
    return root


def table(data: Path, name: str) -> dict[str, dict[str, str]]:
    with (data / "benchmarks" / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return {row["name"]: row for row in csv.DictReader(stream)}


def count(dataset: Dataset) -> tuple[int, int, int, int]:
    """Return the numbers of rows, NaN rows, rows without a positive size, and rows marked as absent."""
    boxes = [sequence.groundtruth for sequence in dataset.sequences]
    absent = sum(int(sequence.flags["absent"].sum()) for sequence in dataset.sequences if "absent" in sequence.flags)
    return (
        sum(map(len, boxes)),
        sum(int(np.isnan(rows).any(axis=1).sum()) for rows in boxes),
        sum(int((rows[:, 2:] <= 0).any(axis=1).sum()) for rows in boxes),
        absent,
    )


@pytest.mark.parametrize(
    ("name", "sequences", "counts"),
    [
        ("uav123", 123, (112_578, 2_683, 0, 0)),
        ("uav20l", 20, (58_670, 2_409, 0, 0)),
        ("uavdt", 50, (37_084, 0, 0, 0)),
        ("dtb70", 70, (15_777, 0, 19, 0)),
        ("tnl2k", 700, (516_038, 0, 65_265, 65_253)),
    ],
)
def test_rows_and_absent_rows_are_those_of_the_facts_sheet_and_the_data_check_passes(
    real: Path, name: str, sequences: int, counts: tuple[int, int, int, int]
) -> None:
    dataset = open_dataset(name, real)
    assert len(dataset.sequences) == len(dataset.expected) == sequences
    assert count(dataset) == counts
    assert list(check_files(dataset)) == []


@pytest.mark.parametrize("name", ["uav123", "uav20l", "uavdt", "dtb70"])
def test_ranges_folders_and_attributes_are_those_of_the_published_tables(data: Path, real: Path, name: str) -> None:
    expected, dataset = table(data, name), open_dataset(name, real)
    assert {sequence.name for sequence in dataset.sequences} == set(expected)
    for sequence in dataset.sequences:
        row = expected[sequence.name]
        assert sequence.attributes == set(row["attributes"].split())
        assert len(sequence) == sequence.official_rows == int(row["rows"])


@pytest.mark.parametrize("name", ["uav123", "uav20l"])
def test_frames_are_cut_from_the_videos_by_the_published_ranges(
    data: Path, real: Path, tmp_path: Path, name: str
) -> None:
    expected = table(data, name)
    shutil.copytree(real / "UAV123" / "anno", tmp_path / "anno")
    last = Counter[str]()
    for row in expected.values():
        last[row["folder"]] = max(last[row["folder"]], int(row["last_image"]))
    for folder, images in last.items():
        place = tmp_path / "data_seq" / "UAV123" / folder
        place.mkdir(parents=True)
        for number in range(1, images + 1):
            (place / f"{number:06d}.jpg").touch()
    for sequence in open_dataset(name, tmp_path).sequences:
        row, frames = expected[sequence.name], sequence.frames
        assert frames is not None
        assert len(frames) == len(sequence)
        names = [frames.path(index).name for index in (0, -1)]  # type: ignore[attr-defined]
        assert names == [f"{int(row[key]):06d}.jpg" for key in ("first_image", "last_image")], sequence.name


NAMES = {
    "uavdt": ("BC", "CM", "OM", "SO", "IV", "OB", "SV", "LT", "LO"),
    "dtb70": ("SV", "ARV", "OCC", "DEF", "FCM", "IPR", "OPR", "OV", "BC", "SOA", "MB"),
}
"""Attributes in the order of the flags of the toolkits' files."""


def test_attributes_read_from_files_are_those_of_the_table(data: Path, real: Path) -> None:
    from dataclasses import replace

    from evalkit.datasets.building import open_table, read_benchmarks
    from evalkit.datasets.building.benchmark_table import TableBenchmark

    facts = Path(__file__).parents[2] / "datasets" / "_facts" / "benchmarks.toml"
    for name in ("uavdt", "dtb70"):
        benchmark: TableBenchmark = read_benchmarks(facts)[name]
        rows = table(data, name).values()
        unlisted = replace(
            benchmark, sequences=None, annotations=(f"anno/{{name}}{'_gt' if name == 'uavdt' else ''}.txt",),
            attributes=NAMES[name], attribute_file=f"anno/att/{{name}}{'_att' if name == 'uavdt' else ''}.txt",
        )  # fmt: skip
        assert {one for row in rows for one in row["attributes"].split()} == set(NAMES[name])
        dataset = open_table(unlisted, real / name.upper())
        found = {sequence.name: sequence.attributes for sequence in dataset.sequences}
        assert found == {key: set(row["attributes"].split()) for key, row in table(data, name).items()}


def test_ten_frames_per_second_are_every_third_row_of_uav123(data: Path, real: Path, tmp_path: Path) -> None:
    expected = table(data, "uav123_10fps")
    assert sum(int(row["rows"]) for row in expected.values()) == 37_607
    whole = open_dataset("uav123", real)
    (tmp_path / "anno" / "UAV123_10fps").mkdir(parents=True)
    for sequence in whole.sequences:
        path = tmp_path / "anno" / "UAV123_10fps" / f"{sequence.name}.txt"
        np.savetxt(path, sequence.groundtruth[::3][: int(expected[sequence.name]["rows"])], "%g", ",")
    dataset = open_dataset("uav123-10fps", tmp_path)
    assert list(check_files(dataset)) == []
    for sequence in dataset.sequences:
        assert sequence.attributes == set(expected[sequence.name]["attributes"].split())


def test_names_that_differ_in_an_underscore_or_in_case_stay_apart(real: Path) -> None:
    uav123 = open_dataset("uav123", real)
    for first, second in (("car1_1", "car11"), ("car1_3", "car13"), ("person2_1", "person21")):
        one, other = uav123.sequence(first), uav123.sequence(second)
        assert one.exact_name and other.exact_name
        assert len(one) == one.official_rows and len(other) == other.official_rows
        assert not np.array_equal(one.groundtruth[:100], other.groundtruth[:100])
    tnl2k = open_dataset("tnl2k", real)
    one, other = (tnl2k.sequence(f"SuperMan_video_01{end}") for end in ("-Done", "_done"))
    assert len(one) == one.official_rows != len(other) == other.official_rows


def by_tracker(folder: Path, kind: str) -> dict[str, Floats]:
    from scipy.io import loadmat

    (path,) = folder.glob(f"*_{kind}_OPE.mat")
    content = loadmat(path)
    names = [str(np.ravel(name)[0]) for name in content["nameTrkAll"].ravel()]
    return dict(zip(names, content["aveSuccessRatePlot"], strict=True))


@pytest.mark.parametrize(
    ("name", "tracker"),
    [("uav123", "ARCF"), ("uav123", "AutoTrack"), ("uavdt", "CFNet"), ("uavdt", "ECO"), ("uavdt", "MDNet")],
)
def test_curves_of_every_sequence_equal_those_that_matlab_computed(
    data: Path, real: Path, tmp_path: Path, name: str, tracker: str
) -> None:
    folder = data / "benchmarks" / name
    dataset = open_dataset(name, real)
    source = folder / "results_mat"
    source = source / tracker if (source / tracker).is_dir() else source
    imported = import_results(source, "otb-mat", dataset, tmp_path, label=tracker)
    assert len(imported.sequences) == len(dataset.expected)
    assert imported.notes == ()
    run = stored.load_run(tmp_path, dataset, tracker)
    measures = {
        one.metric.name: one for one in profiles.measure("otb-matlab", dataset, "one_pass", run.trajectories)[0]
    }
    for metric, kind in (("auc", "overlap"), ("precision", "error")):
        matlab, measure = by_tracker(folder / "perfMat", kind)[tracker], measures[metric]
        order = sequence_order(folder, dataset)
        assert measure.denominator is not None
        found = {
            sequence: numerator / denominator
            for sequence, numerator, denominator in zip(
                measure.sequences, measure.numerator, measure.denominator, strict=True
            )
        }
        np.testing.assert_allclose([found[one] for one in order], matlab, rtol=0, atol=1e-9)


def sequence_order(folder: Path, dataset: Dataset) -> list[str]:
    return list(dataset.expected)


def test_affine_results_are_imported_as_boxes(data: Path, real: Path, tmp_path: Path) -> None:
    dataset = open_dataset("uavdt", real)
    folder = data / "benchmarks" / "uavdt"
    imported = import_results(folder / "results_mat" / "FCNT", "otb-mat", dataset, tmp_path, label="FCNT")
    assert len(imported.sequences) == 50
    run = stored.load_run(tmp_path, dataset, "FCNT")
    for sequence in dataset.sequences:
        boxes = run.trajectories[sequence.name][0].boxes
        assert boxes.shape == (len(sequence), 4)
        assert (boxes[1:, 2:] > 0).all()
    measures = {
        one.metric.name: one for one in profiles.measure("otb-matlab", dataset, "one_pass", run.trajectories)[0]
    }
    for metric, kind in (("auc", "overlap"), ("precision", "error")):
        matlab = by_tracker(folder / "perfMat", kind)["FCNT"].mean(axis=0)
        measure = measures[metric]
        assert measure.denominator is not None
        found = measure.numerator.sum(axis=0) / measure.denominator.sum(axis=0)
        np.testing.assert_allclose(found, matlab, rtol=0, atol=1e-9)


@pytest.mark.parametrize("source", ["ATOM", "CCOT", "UPDT", "DiMP50"])
def test_results_on_nfs_are_imported_with_the_rows_of_the_published_table(
    data: Path, tmp_path: Path, source: str
) -> None:
    expected = table(data, "nfs30")
    anno = tmp_path / "NFS" / "anno"
    anno.mkdir(parents=True)
    for name, row in expected.items():  # no boxes of NfS are at hand
        (anno / f"nfs_{name}.txt").write_text("1\t1\t9\t9\n" * int(row["rows"]))
    dataset = open_dataset("nfs30", tmp_path)
    imported = import_results(data / "benchmarks" / "nfs_results" / "NFS" / source, "pytracking", dataset, tmp_path)
    assert set(imported.sequences) == set(expected)
    assert imported.missing == imported.notes == ()
    run = stored.load_run(tmp_path, dataset, source)
    for name, row in expected.items():
        assert {len(trajectory) for trajectory in run.trajectories[name]} == {int(row["rows"])}
    repetitions = {len(trajectories) for trajectories in run.trajectories.values()}
    assert repetitions == {5 if source == "DiMP50" else 1}


def test_the_lists_contain_the_published_names(data: Path) -> None:
    from evalkit.datasets.building import read_benchmarks

    benchmarks = read_benchmarks(Path(__file__).parents[2] / "datasets" / "_facts" / "benchmarks.toml")
    for name, published in (("tcolor128", "tcolor128"), ("avist", "avist"), ("uav123-10fps", "uav123_10fps")):
        assert set(benchmarks[name].listed or ()) == set(table(data, published))
    lines = {
        "nt-vot211": "tables/nt-vot211.txt",
        "vasttrack": "vasttrack/vasttrack_test_list.txt",
        "tnl2k": "tnl2k/TNL2K_testing_set.txt",
    }
    for name, file in lines.items():
        text = (data / "benchmarks" / file).read_text(encoding="utf-8")
        assert list(benchmarks[name].listed or ()) == [line for line in re.split(r"\r?\n", text) if line.strip()]
