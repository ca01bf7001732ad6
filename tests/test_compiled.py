"""The loops that numba compiles give what their NumPy forms give; they are run here as plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evalkit import compiled
from evalkit.compiled import loops
from evalkit.io.rows import parse_rows
from evalkit.metrics import scanline, success


def parsed(data: bytes, columns: int) -> np.ndarray | None:
    values = np.empty(len(data) // 2 + 1)
    count = loops.parse_decimals(np.frombuffer(data, np.uint8), columns, values)
    return None if count < 0 else values[:count].reshape(-1, columns)


numbers = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.decimals(-10_000, 10_000, places=4, allow_nan=False).map(str),
    st.sampled_from(["nan", "NaN", "-0.0", ".5", "7.", "0.1234567890123"]),
)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8), st.sampled_from([",", "\t", " ", ";"]))
def test_decimals_are_the_floats_that_python_reads(rows: list[tuple[str, str]], separator: str) -> None:
    data = "".join(separator.join(row) + "\n" for row in rows).encode()
    expected = np.array([[float(value) for value in row] for row in rows])
    assert np.array_equal(parsed(data, 2), expected, equal_nan=True)
    assert np.array_equal(parse_rows(data, columns=2), expected, equal_nan=True)


@pytest.mark.parametrize(
    "data",
    [
        b"1,2\n3\n",
        b"1,,2\n",
        b"1e3,2\n",
        b"1,2",
        b"1,x\n",
        b"-,1\n",
        b"1,2,3\n",
        b"inf,1\n",
        b"1234567890123456,1\n",
        b"\n",
    ],
)
def test_anything_unusual_is_left_to_the_careful_reader(data: bytes) -> None:
    assert parsed(data, 2) is None


def test_carriage_returns_are_skipped() -> None:
    assert np.array_equal(parsed(b"1,2\r\n3,4\r\n", 2), [[1, 2], [3, 4]])


@given(
    arrays.arrays(
        np.float64, st.integers(0, 40), elements=st.floats(-2, 2) | st.sampled_from([np.nan, np.inf, -np.inf, 0.65])
    ),
    st.sampled_from([success.THRESHOLDS, success.MATLAB_THRESHOLDS, np.arange(51.0)]),
)
def test_counts_are_those_of_sorting(values: np.ndarray, thresholds: np.ndarray) -> None:
    counts = np.zeros(thresholds.size + 1, dtype=np.int64)
    loops.histogram(values, thresholds, counts)
    expected = [(values <= threshold).sum() for threshold in thresholds]
    assert np.cumsum(counts[:-1]).tolist() == expected


corners = arrays.arrays(
    np.int64, st.tuples(st.integers(1, 4), st.sampled_from([3, 4, 5, 6]), st.just(2)), elements=st.integers(-6, 20)
)


@settings(deadline=None)
@given(corners, corners, st.sampled_from(list(scanline.Rule)), st.integers(1, 16), st.integers(1, 16))
def test_pixels_are_those_counted_with_arrays(
    a: np.ndarray, b: np.ndarray, rule: scanline.Rule, width: int, height: int
) -> None:
    pairs = min(len(a), len(b))
    size = np.tile([[width, height]], (pairs, 1))
    counts = np.empty((pairs, 3), dtype=np.int64)
    loops.count_pixels(a[:pairs], b[:pairs], size, rule == scanline.Rule.TOOLKIT, counts)
    common, union = scanline.count(a[:pairs], b[:pairs], size, rule)
    assert counts[:, 2].tolist() == common.tolist()
    assert (counts[:, 0] + counts[:, 1] - counts[:, 2]).tolist() == union.tolist()


def test_small_work_is_not_worth_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_installed", lambda: True)
    monkeypatch.setattr(compiled, "_seen_seconds", 0.0)
    monkeypatch.setattr(compiled, "_threshold", lambda: 1.0)
    monkeypatch.delitem(compiled.sys.modules, "numba", raising=False)
    assert [compiled.worthwhile(0.6), compiled.worthwhile(0.6)] == [False, True]
    monkeypatch.setattr(compiled, "_installed", lambda: False)
    assert not compiled.worthwhile(100.0)
