"""Stored results in another toolkit's layout: what is written is read back equal, or left out and reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from evalkit import registry
from evalkit.errors import EvalkitError, MissingResults, UnknownName
from evalkit.results import layouts
from evalkit.results.converting import convert
from evalkit.results.store import Store
from evalkit.types import Annotation, Dataset, FrameState, Mask, Polygon, Sequence, Trajectory

LAYOUTS = [entry.name for entry in registry.layout.entries() if entry.writes]
BOXES = np.array([[1.5, 2.0, 3.25, 4.0], [1.0 / 3.0, -2.0, 1e-7, 5.0], [np.nan] * 4])
SECONDS = np.array([0.5, 0.25, 0.125])
CONFIDENCE = np.array([np.nan, 0.1, 0.30000000000000004])


def benchmark(protocol: str = "one_pass", layout: str = "plain") -> Dataset:
    sequences = tuple(Sequence(name, lambda: Annotation(np.ones((3, 4)))) for name in ("walk", "run"))
    return Dataset("tiny", "TINY", "1", 0, sequences, ("walk", "run", "lost"), (protocol,), ("pysot",), layout)


def answer(sequence: str = "walk", **fields: object) -> Trajectory:
    states = np.full(3, FrameState.TRACKED, dtype=np.int8)
    states[0] = FrameState.INITIALIZED
    unknown = np.full(3, np.nan)
    values = {"protocol": "one_pass", "regions": None, "confidence": unknown, "seconds": unknown, "boxes": BOXES}
    return Trajectory("mine", sequence, **{**values, "states": states, **fields})  # type: ignore[arg-type]


def store(results: Path, dataset: Dataset, *trajectories: Trajectory) -> None:
    Store(results, dataset, "mine", dataset.protocols[0]).write(trajectories)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_converted_results_are_read_back_equal(tmp_path: Path, layout: str) -> None:
    dataset = benchmark()
    store(tmp_path / "results", dataset, answer("walk"), answer("run"))
    converted = convert(dataset, "mine", tmp_path / "results", layout, tmp_path / "out")
    assert (converted.sequences, converted.missing) == (("walk", "run"), ("lost",))
    assert converted.files == len([path for path in (tmp_path / "out").rglob("*") if path.is_file()]) == 2
    for sequence in dataset.sequences:
        (found,) = layouts.get(layout).read(tmp_path / "out" / "mine", sequence, "one_pass")
        first = 1 if layout.startswith("vot") else 0  # VOT's files have a code where the tracker was initialised
        np.testing.assert_allclose(found.boxes[first:], BOXES[first:], rtol=1e-6 if layout == "vot-bin" else 0)
        assert found.tracker == "mine"


@pytest.mark.parametrize(
    ("layout", "lost"),
    [
        ("plain", []),
        ("got10k", []),
        ("lasot-matlab", []),
        ("pytracking", ["confidences"]),
        ("otb-mat", ["the times of single frames", "confidences"]),
        ("otb-json", ["the times of single frames", "confidences"]),
        ("vot", ["boxes of frames where the tracker was initialised"]),
        ("vot-bin", ["boxes of frames where the tracker was initialised",
                     "all digits of coordinates, which were rounded to 32 bits"]),
    ],
)  # fmt: skip
def test_what_a_layout_has_no_place_for_is_reported(tmp_path: Path, layout: str, lost: list[str]) -> None:
    store(tmp_path / "results", benchmark(), answer(seconds=SECONDS, confidence=CONFIDENCE))
    converted = convert(benchmark(), "mine", tmp_path / "results", layout, tmp_path / "out")
    assert converted.notes == tuple(f"layout {layout} has no place for {kind}" for kind in lost)
    (found,) = layouts.get(layout).read(tmp_path / "out" / "mine", benchmark().sequence("walk"), "one_pass")
    if "times" not in str(lost):
        np.testing.assert_array_equal(found.seconds, SECONDS)
    if "confidences" not in lost:
        np.testing.assert_array_equal(found.confidence, CONFIDENCE)


@pytest.mark.parametrize("layout", ["plain", "got10k", "pytracking", "vot", "lasot-matlab"])
def test_all_repetitions_are_converted(tmp_path: Path, layout: str) -> None:
    store(tmp_path / "results", benchmark(), answer(), answer(repetition=2, boxes=BOXES + 1, seconds=SECONDS))
    convert(benchmark(), "mine", tmp_path / "results", layout, tmp_path / "out")
    found = layouts.get(layout).read(tmp_path / "out" / "mine", benchmark().sequence("walk"), "one_pass")
    assert [(one.repetition, one.boxes[1, 1]) for one in found] == [(1, -2.0), (2, -1.0)]
    np.testing.assert_array_equal(found[1].seconds, SECONDS)


REGIONS = (None, Polygon(np.array([[1.0, 2], [5, 2], [3, 9]])), Mask(np.eye(3, dtype=bool), 4, 5))


@pytest.mark.parametrize("layout", ["vot-bin", "vot"])
def test_masks_polygons_and_failures_of_vot_are_converted(tmp_path: Path, layout: str) -> None:
    dataset = benchmark("supervised", "vot")
    boxes = np.array([[np.nan] * 4, [1, 2, 4, 7], [4, 5, 3, 3]])
    masked = answer("walk", protocol="supervised", regions=REGIONS, boxes=boxes)
    states = np.array([FrameState.INITIALIZED, FrameState.FAILED, FrameState.SKIPPED], dtype=np.int8)
    failed = answer("run", protocol="supervised", boxes=np.full((3, 4), np.nan), states=states)
    store(tmp_path / "results", dataset, masked, failed)
    converted = convert(dataset, "mine", tmp_path / "results", layout, tmp_path / "out")
    assert converted.notes == ()
    (found,) = layouts.get(layout).read(tmp_path / "out" / "mine", dataset.sequence("walk"), "supervised")
    assert found.regions is not None
    assert isinstance(found.regions[1], Polygon) and isinstance(found.regions[2], Mask)


@pytest.mark.parametrize(
    ("layout", "complaint"),
    [("plain", "layout plain cannot hold this result"), ("pytracking", "only hold results of the one-pass protocol"),
     ("otb-mat", "only hold results of the one-pass protocol")],
)  # fmt: skip
def test_results_that_a_layout_cannot_hold_are_an_error_and_nothing_is_written(
    tmp_path: Path, layout: str, complaint: str
) -> None:
    dataset = benchmark("supervised", "vot")
    restarted = np.array([FrameState.INITIALIZED, FrameState.FAILED, FrameState.INITIALIZED], dtype=np.int8)
    boxes = np.full((3, 4), np.nan)
    store(tmp_path / "results", dataset, answer(protocol="supervised", boxes=boxes, states=restarted))
    with pytest.raises(EvalkitError, match=rf"^tiny/walk: .*{complaint}"):
        convert(dataset, "mine", tmp_path / "results", layout, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_second_repetition_cannot_be_written_for_otbs_toolkit(tmp_path: Path) -> None:
    store(tmp_path / "results", benchmark(), answer(), answer(repetition=2))
    with pytest.raises(EvalkitError, match=r"tiny/walk: this layout can only hold one repetition \(found repetition 2"):
        convert(benchmark(), "mine", tmp_path / "results", "otb-json", tmp_path / "out")


def test_a_mask_too_large_for_the_binary_form_is_an_error(tmp_path: Path) -> None:
    dataset = benchmark("supervised", "vot")
    mask = Mask(np.ones((1, 1), dtype=bool), 40_000, 5)
    boxes = np.array([[np.nan] * 4, [40_000, 5, 1, 1], [40_000, 5, 1, 1]])
    store(tmp_path / "results", dataset, answer(protocol="supervised", boxes=boxes, regions=(None, mask, mask)))
    with pytest.raises(EvalkitError, match=r"tiny/walk: .*mask .*Use the layout `vot`"):
        convert(dataset, "mine", tmp_path / "results", "vot-bin", tmp_path / "out")


def test_files_of_an_earlier_conversion_are_not_mixed_in(tmp_path: Path) -> None:
    store(tmp_path / "results", benchmark(), answer())
    for layout in ("otb-mat", "lasot-matlab"):
        convert(benchmark(), "mine", tmp_path / "results", layout, tmp_path / "out")
    before = sorted(tmp_path.rglob("*"))
    for layout in ("pytracking", "lasot-matlab"):
        with pytest.raises(EvalkitError, match="this folder already exists"):
            convert(benchmark(), "mine", tmp_path / "results", layout, tmp_path / "out")
    assert sorted(tmp_path.rglob("*")) == before


def test_missing_results_and_unknown_layouts_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingResults, match="there are no results of mine on tiny"):
        convert(benchmark(), "mine", tmp_path / "results", "otb-mat", tmp_path / "out")
    with pytest.raises(UnknownName, match="Did you mean 'otb-mat'"):
        convert(benchmark(), "mine", tmp_path / "results", "otb-matt", tmp_path / "out")


def test_scipy_reads_the_mat_files_as_matlab_would(tmp_path: Path) -> None:
    store(tmp_path / "results", benchmark(), answer(seconds=SECONDS))
    convert(benchmark(), "mine", tmp_path / "results", "otb-mat", tmp_path / "out")
    (cell,) = loadmat(str(tmp_path / "out" / "mine" / "walk_mine.mat"))["results"].ravel()
    segment = cell[0, 0]
    np.testing.assert_array_equal(segment["res"], BOXES)
    assert (segment["type"][0], segment["len"].item(), segment["startFrame"].item()) == ("rect", 3, 1)
    assert segment["fps"].item() == 3 / SECONDS.sum()
