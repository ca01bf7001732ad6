from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import EvalkitError
from evalkit.results import layouts
from evalkit.types import Annotation, Box, FrameState, Mask, Polygon, Region, Sequence, Trajectory

NUMBER = st.floats(-1e4, 1e4)
BOX = st.builds(Box, NUMBER, NUMBER, NUMBER, NUMBER)
POLYGON = st.lists(st.tuples(NUMBER, NUMBER), min_size=3, max_size=6).map(lambda points: Polygon(np.array(points)))
MASK = st.builds(lambda bits: Mask(np.array(bits).reshape(2, 3), 4, 5), st.lists(st.booleans(), min_size=6, max_size=6))
ANSWER = st.one_of(st.sampled_from([FrameState.INITIALIZED, FrameState.FAILED, FrameState.SKIPPED]), BOX, POLYGON, MASK)
MAYBE = st.one_of(st.just(float("nan")), st.floats(0, 10))

SEQUENCE = Sequence("bag", lambda: Annotation(np.ones((3, 4))))


def answers(items: list[Region | FrameState], *, protocol: str = "supervised", **fields: object) -> Trajectory:
    regions = tuple(None if isinstance(item, FrameState) else item for item in items)
    states = np.array([item if isinstance(item, FrameState) else FrameState.TRACKED for item in items], dtype=np.int8)
    unknown = np.full(len(items), np.nan)
    values = {"confidence": unknown, "seconds": unknown, "boxes": np.full((len(items), 4), np.nan), **fields}
    return Trajectory(tracker="mine", sequence="bag", protocol=protocol, regions=regions, states=states, **values)  # type: ignore[arg-type]


def assert_same(a: Region | None, b: Region | None, *, tolerance: float = 0.0) -> None:
    assert type(a) is type(b)
    if isinstance(a, Polygon) and isinstance(b, Polygon):
        np.testing.assert_allclose(a.points, b.points, rtol=tolerance, atol=tolerance)
    elif isinstance(a, Mask) and isinstance(b, Mask):
        assert (a.x, a.y) == (b.x, b.y)
        np.testing.assert_array_equal(a.bitmap, b.bitmap)
    elif isinstance(a, Box) and isinstance(b, Box):
        np.testing.assert_allclose(a.array(), b.array(), rtol=tolerance, atol=tolerance)


@given(
    st.lists(st.tuples(ANSWER, MAYBE, MAYBE), min_size=1, max_size=6),
    st.sampled_from(["vot", "vot-bin"]),
    st.sampled_from(["supervised", "realtime", "unsupervised", "longterm", "multistart"]),
    st.integers(1, 15),
)
@settings(max_examples=60, deadline=None)
def test_all_regions_and_codes_are_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[Region | FrameState, float, float]],
    name: str,
    protocol: str,
    number: int,
) -> None:
    folder = tmp_path_factory.mktemp("results") / "mine"
    seconds, confidence = (np.array([row[column] for row in rows]) for column in (1, 2))
    which = {"anchor": number} if protocol == "multistart" else {"repetition": number}
    given_ = answers([row[0] for row in rows], protocol=protocol, seconds=seconds, confidence=confidence, **which)
    layouts.get(name).write(folder, given_)
    (back,) = layouts.get(name).read(folder, SEQUENCE, protocol)
    assert back.states.tolist() == given_.states.tolist()
    np.testing.assert_array_equal(back.seconds, seconds)
    np.testing.assert_array_equal(back.confidence, confidence)
    assert (back.repetition, back.anchor) == (given_.repetition, given_.anchor)
    for index in range(len(rows)):
        assert_same(back.region(index), given_.region(index), tolerance=1e-6 if name == "vot-bin" else 0.0)


def test_the_files_are_those_of_the_official_toolkits(tmp_path: Path) -> None:
    rows: list[Region | FrameState] = [FrameState.INITIALIZED, Box(1.5, 2, 3, 4), FrameState.FAILED, FrameState.SKIPPED]
    seconds = np.array([0.5, 0.25, 0.125, np.nan])
    layouts.get("vot").write(tmp_path, answers(rows, seconds=seconds, repetition=2))
    layouts.get("vot").write(tmp_path, answers(rows[:2], protocol="longterm", confidence=np.array([np.nan, 0.5])))
    place = tmp_path / "baseline" / "bag"
    assert (place / "bag_002.txt").read_text() == "1\n1.5,2,3,4\n2\n0\n"
    assert (place / "bag_time.txt").read_text() == "nan,0.5\nnan,0.25\nnan,0.125\nnan,nan\n"
    assert (tmp_path / "longterm" / "bag" / "bag_001.txt").read_text() == "1\n1.5,2,3,4\n"
    assert (tmp_path / "longterm" / "bag" / "bag_001_confidence.value").read_text() == "\n0.5\n"


def test_published_results_are_read(data: Path) -> None:
    folder = data / "results" / "VOT2018" / "LightTrack"
    (found,) = layouts.get("vot").read(folder, SEQUENCE, "supervised")
    assert len(found) == 196
    assert found.states[0] == FrameState.INITIALIZED
    assert np.isfinite(found.boxes[1:]).all()


def test_repetitions_are_in_order_and_kept_apart_from_anchors(tmp_path: Path) -> None:
    place = tmp_path / "baseline" / "bag"
    place.mkdir(parents=True)
    for name in ("bag_002.txt", "bag_001.bin", "bag_00000007.txt", "bag_time.txt", "bag_2.txt", "other_003.txt"):
        (place / name).write_text("1\n0\n")
    (place / "bag_001.bin").write_bytes(b"\x01\x00\x02\x00\x00\x00" + b"\x00\x01\x00\x00\x00" + b"\x00\x00\x00\x00\x00")
    (place / "bag_time.txt").write_text("1,2\n3,4\n")
    assert [one.repetition for one in layouts.get("vot").read(tmp_path, SEQUENCE, "supervised")] == [1, 2]
    assert [one.anchor for one in layouts.get("vot").read(tmp_path, SEQUENCE, "multistart")] == [7]


def test_an_unknown_code_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "baseline" / "bag").mkdir(parents=True)
    (tmp_path / "baseline" / "bag" / "bag_001.txt").write_text("1\n7\n")
    with pytest.raises(EvalkitError, match=r"bag_001.txt:2: unknown code \(found 7, expected 0, 1 or 2\)"):
        layouts.get("vot").read(tmp_path, SEQUENCE, "supervised")


@given(st.binary(max_size=200), st.sampled_from([".txt", ".bin", "_time.txt", "_001_confidence.value"]))
@settings(max_examples=100, deadline=None)
def test_damaged_files_are_an_error_with_their_name(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    folder = tmp_path_factory.mktemp("results")
    place = folder / "longterm" / "bag"
    place.mkdir(parents=True)
    (place / "bag_001.txt").write_text("1\n1,2,3,4\n0\n")
    target = place / (f"bag_001{suffix}" if suffix in (".txt", ".bin") else f"bag{suffix}")
    target.write_bytes(content)
    try:
        found = layouts.get("vot").read(folder, SEQUENCE, "longterm")
    except EvalkitError as error:
        assert "bag" in str(error)
    else:
        assert [len(one.seconds) for one in found] == [len(one) for one in found]
