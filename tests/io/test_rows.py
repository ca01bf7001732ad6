from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import EvalkitError
from evalkit.io.rows import format_rows, parse_rows, parse_values, read_rows, read_values

ROWS = [[1.0, 2.0, 30.5, 40.0], [2.0, 3.0, 31.0, 41.0]]


@pytest.mark.parametrize(
    "text",
    [
        b"1,2,30.5,40\n2,3,31,41\n",
        b"1\t2\t30.5\t40\r\n2\t3\t31\t41\r\n",
        b"1 2 30.5 40\n2 3 31 41",
        b"1;2;30.5;40\n2;3;31;41\n\n \n",
        b"\xef\xbb\xbf1,2,30.5,40\n2,3,31,41\n",
        b" 1, 2,\t30.5 , 40 ,\n2,3,31,41,\n",
        b"1,2,3.05e1,4E+1\n+2,3.,31,.41e2\n",
        b"1,2,30.5,40\r2,3,31,41\r",
        b"1,2,30.5,40\n2 3,31 41\n",
    ],
)
def test_all_separators_and_line_ends_are_read(text: bytes) -> None:
    np.testing.assert_array_equal(parse_rows(text), ROWS)


@pytest.mark.parametrize("text", [b"nan,nan,nan,nan\n", b"NaN, NaN, NaN, NaN\n", b"NAN\tnan\t-nan\tNaN\n"])
def test_nan_is_read_in_any_case(text: bytes) -> None:
    assert np.isnan(parse_rows(text)).all()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"1,2,3,4\n1,2,3\n", ":2: wrong number of values in a row (found 3, expected 4)"),
        (b"1,2,3,4,5\n", ":1: wrong number of values in a row (found 5, expected 4)"),
        (b"1,2,3,4\n\n1,2,3,4\n", ":2: empty line between rows"),
        (b"1,,3,4\n", ":1: not a number (found '')"),
        (b"1,2,3,x\n", "not a number (found 'x')"),
        ("1,2,3,\u0661\u0662\n".encode(), "not a number (found '\u0661\u0662', expected ASCII digits)"),
        ("1,2,3,4\u00a0\n".encode(), "not a number (found '4\\xa0', expected ASCII digits)"),
        ("1,2,3,\uff11\n".encode(), "expected ASCII digits"),
        (b"1,2,3,0x1A\n", "not a number"),
        (b"1,2,3,1_000\n", "not a number"),
        (b"1,2,3,inf\n", "not a number"),
        (b"1,2,3,1e999\n", "number too large"),
        (b"1,2,3,4-5\n", "not a number"),
        (b"1,2,3,4.5.6\n", "not a number"),
        (b"1,2,3,-\n", "not a number"),
        (b"1,2\n3,4,5,6,7,8\n", "found 2, expected 4"),
        (b"\xff\xfe1\x00,\x002\x00", "not a UTF-8 text file"),
        (b"\x00\x01\x02\x03", "boxes.txt:1"),
    ],
)
def test_invalid_text_is_an_error_with_its_place(tmp_path: Path, text: bytes, complaint: str) -> None:
    path = tmp_path / "boxes.txt"
    path.write_bytes(text)
    with pytest.raises(EvalkitError) as caught:
        read_rows(path)
    assert complaint in str(caught.value)
    assert "boxes.txt" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match=r"absent\.txt: this file does not exist"):
        read_rows(tmp_path / "absent.txt")


def test_an_empty_file_has_no_rows() -> None:
    assert parse_rows(b"").shape == (0, 4)


@pytest.mark.parametrize("text", [b"0,1,1\n", b"0\n1\n1\n", b"0 1 1", b"0,1,1,", b"0\r\n1\r\n1"])
def test_flags_in_one_line_and_one_per_line_are_read(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "flags.txt"
    path.write_bytes(text)
    assert read_values(path).tolist() == [0.0, 1.0, 1.0]


def test_one_flag_and_no_flag_are_read() -> None:
    assert parse_values(b"1\n").tolist() == [1.0]
    assert parse_values(b"").tolist() == []


NUMBERS = st.floats(allow_infinity=False, width=64)


@given(st.lists(st.lists(NUMBERS, min_size=4, max_size=4), max_size=5))
def test_any_floats_survive_a_round_trip_bit_for_bit(rows: list[list[float]]) -> None:
    back = parse_rows(format_rows(np.array(rows).reshape(-1, 4)).encode())
    np.testing.assert_array_equal(back, np.array(rows).reshape(-1, 4))


@given(st.lists(st.decimals(-(10**7), 10**7, places=6), min_size=1, max_size=20))
def test_regular_files_give_the_float_nearest_to_the_decimal(values: list[object]) -> None:
    text = "\n".join(str(value) for value in values).encode()
    assert parse_rows(text, columns=1)[:, 0].tolist() == [float(str(value)) for value in values]


def test_long_decimals_are_read_as_python_reads_them() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.uniform(-2000, 2000, 20_000), rng.uniform(0, 1, 20_000), rng.uniform(0, 1e6, 20_000)])
    texts = [repr(value) for value in values.tolist() if "e" not in repr(value)]
    texts += [str(number) + ".5" for number in range(2**52, 2**52 + 200)]
    texts += [str(number) for number in range(2**53, 2**53 + 200)]
    found = parse_rows("\n".join(texts).encode(), columns=1)[:, 0]
    assert found.tolist() == [float(text) for text in texts]


@given(st.text(alphabet="0123456789.,-+eEnNaA \t\n\r;", max_size=60))
def test_damaged_text_is_read_as_it_is_or_an_error(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            rows = parse_rows(text.encode(), columns=2)
        except EvalkitError:
            return
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    assert len(rows) == (len(lines) if text.strip() else 0)


@given(st.binary(max_size=60))
def test_random_bytes_are_read_or_an_error(data: bytes) -> None:
    try:
        rows = parse_rows(data)
    except EvalkitError:
        return
    assert rows.shape[1] == 4
