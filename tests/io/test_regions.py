from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import EvalkitError
from evalkit.io.regions import (
    Record,
    boxes_of,
    format_binary,
    format_record,
    parse_binary,
    parse_line,
    parse_text,
    regions_of,
    runs,
)
from evalkit.types import Box, Mask, Polygon


def key(record: Record) -> object:
    """Return a value that compares equal for equal records."""
    if isinstance(record, Polygon):
        return tuple(map(tuple, record.points.tolist()))
    if isinstance(record, Mask):
        return record.x, record.y, record.bitmap.shape, record.bitmap.tobytes()
    return record


NUMBER = st.floats(-1e6, 1e6, width=32)
BOX = st.builds(Box, NUMBER, NUMBER, NUMBER, NUMBER)
POLYGON = st.lists(st.tuples(NUMBER, NUMBER), min_size=3, max_size=9).map(lambda points: Polygon(np.array(points)))
BITMAP = st.integers(1, 8).flatmap(
    lambda width: st.lists(st.lists(st.booleans(), min_size=width, max_size=width), min_size=1, max_size=6)
)
MASK = st.builds(lambda bitmap, x, y: Mask(np.array(bitmap), x, y), BITMAP, st.integers(-50, 50), st.integers(-50, 50))
RECORD = st.one_of(st.sampled_from([0, 1, 2]), BOX, POLYGON, MASK)


@given(st.lists(RECORD, max_size=6))
def test_records_are_read_back_from_text_and_bytes(records: list[Record]) -> None:
    text = "".join(format_record(record) + "\n" for record in records)
    assert [key(record) for record in parse_text(text.encode())] == [key(record) for record in records]
    assert [key(record) for record in parse_binary(format_binary(records))] == [key(record) for record in records]


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1e9))
def test_text_keeps_every_bit_of_a_box(x: float, width: float) -> None:
    assert parse_line(format_record(Box(x, 1 / 3, width, 2.0))) == Box(x, 1 / 3, width, 2.0)


def test_a_mask_is_written_as_runs_beginning_with_unset_pixels() -> None:
    mask = Mask(np.array([[False, True, True], [True, False, False]]), x=5, y=7)
    assert format_record(mask) == "m5,7,3,2,1,3,2"
    back = parse_line("m5,7,3,2,1,3,2")
    assert isinstance(back, Mask)
    np.testing.assert_array_equal(back.bitmap, mask.bitmap)


def test_pixels_after_the_last_run_are_unset() -> None:
    back = parse_line("m0,0,3,2,1,1")
    assert isinstance(back, Mask)
    np.testing.assert_array_equal(back.bitmap, [[False, True, False], [False, False, False]])


def test_a_long_run_is_split_in_bytes_and_read_as_one() -> None:
    mask = Mask(np.ones((400, 400), dtype=bool))
    assert runs(mask.bitmap) == [0, 160_000]
    (back,) = parse_binary(format_binary([mask]))
    assert isinstance(back, Mask)
    assert back.bitmap.all() and back.bitmap.shape == (400, 400)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("1,2,3", "not a valid region"),
        ("1,2", "not a valid region"),
        ("1.5", "not a valid region"),
        ("-1", "not a valid region"),
        ("nan", "not a valid region"),
        ("1,2,3,4,5", "not a valid region"),
        ("a,b,c,d", "not a number"),
        ("", "not a valid region"),
        ("m1,2,3", "invalid mask"),
        ("m1,2,x,4,5", "invalid mask"),
        ("m1,2,3,\u0663,5", "invalid mask"),
        ("m1,2,3,1_0,5", "invalid mask"),
        ("m9999999999999999999,0,2,2,0,4", "invalid mask"),
        ("1,2,3,\u0664", "not a number"),
        ("m0,0,2,2,3,9", "the runs of a mask are longer than the mask"),
        ("m0,0,99999,99999,1", "invalid size or runs of a mask"),
        ("m0,0,-2,-2,1", "invalid size or runs of a mask"),
        ("m0,0,2,2,-1,2", "invalid size or runs of a mask"),
    ],
)
def test_an_invalid_region_is_an_error_with_its_place(line: str, complaint: str) -> None:
    with pytest.raises(EvalkitError, match=r"bag\.txt:2: " + complaint):
        parse_text(f"1\n{line}\n1\n".encode(), "bag.txt")


def test_many_large_masks_are_refused_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALKIT_MAX_MASK_PIXELS", "300")
    mask = "m0,0,10,10,0,100\n"
    assert len(parse_text((mask * 3).encode())) == 3
    with pytest.raises(EvalkitError, match=r"a.txt: the masks .*at most 300 pixels.*EVALKIT_MAX_MASK_PIXELS"):
        parse_text((mask * 4).encode(), "a.txt")
    with pytest.raises(EvalkitError, match="at most 300 pixels"):
        parse_binary(format_binary([Mask(np.ones((10, 10), bool))] * 4))


def test_any_nan_makes_a_region_unknown() -> None:
    assert parse_text(b"nan,nan,nan,nan\n1,2,3,nan\n1,2,3,4,5,6,7,NaN\n") == [0, 0, 0]


@given(st.binary(max_size=80))
def test_random_bytes_are_an_error_of_the_binary_reader(data: bytes) -> None:
    for attempt in (data, b"\x01\x00" + data, b"\x01\x00\x02\x00\x00\x00" + data):
        try:
            parse_binary(attempt, "a.bin")
        except EvalkitError as error:
            assert "a.bin" in str(error)


@given(st.lists(RECORD, min_size=1, max_size=4), st.data())
def test_a_binary_file_cut_anywhere_is_an_error(records: list[Record], data: st.DataObject) -> None:
    whole = format_binary(records)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(EvalkitError):
        parse_binary(whole[:cut])


@given(st.text(alphabet="0123456789.,-nanm eE\n", max_size=40))
def test_damaged_lines_are_an_error_or_keep_their_number(text: str) -> None:
    try:
        records = parse_text(text.encode())
    except EvalkitError:
        return
    assert len(records) == len(text.rstrip().split("\n")) if text.strip() else not records


def test_boxes_bound_the_regions_which_are_none_if_all_are_boxes() -> None:
    polygon = Polygon(np.array([[0.0, 1.0], [4.0, 3.0], [2.0, 9.0]]))
    np.testing.assert_array_equal(
        boxes_of([1, Box(1, 2, 3, 4), polygon, None]), [[np.nan] * 4, [1, 2, 3, 4], [0, 1, 4, 8], [np.nan] * 4]
    )
    assert regions_of([1, Box(1, 2, 3, 4)]) is None
    regions = regions_of([1, polygon])
    assert regions is not None
    assert regions[0] is None and regions[1] is polygon
