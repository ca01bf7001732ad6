"""The loops that numba compiles give the same results as NumPy code, run as plain Python and compiled."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

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
def test_decimals_equal_the_floats_that_python_reads(rows: list[tuple[str, str]], separator: str) -> None:
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
def test_any_other_text_is_left_to_the_caller(data: bytes) -> None:
    assert parsed(data, 2) is None


def test_carriage_returns_are_skipped() -> None:
    assert np.array_equal(parsed(b"1,2\r\n3,4\r\n", 2), [[1, 2], [3, 4]])


@given(
    arrays.arrays(
        np.float64, st.integers(0, 40), elements=st.floats(-2, 2) | st.sampled_from([np.nan, np.inf, -np.inf, 0.65])
    ),
    st.sampled_from([success.THRESHOLDS, success.MATLAB_THRESHOLDS, np.arange(51.0)]),
)
def test_the_histogram_equals_comparisons(values: np.ndarray, thresholds: np.ndarray) -> None:
    counts = np.zeros(thresholds.size + 1, dtype=np.int64)
    loops.histogram(values, thresholds, counts)
    expected = [(values <= threshold).sum() for threshold in thresholds]
    assert np.cumsum(counts[:-1]).tolist() == expected


corners = arrays.arrays(
    np.int64, st.tuples(st.integers(1, 4), st.sampled_from([3, 4, 5, 6]), st.just(2)), elements=st.integers(-6, 20)
)


@settings(deadline=None)
@given(corners, corners, st.sampled_from(list(scanline.Rule)), st.integers(1, 16), st.integers(1, 16))
def test_pixels_equal_those_counted_with_arrays(
    a: np.ndarray, b: np.ndarray, rule: scanline.Rule, width: int, height: int
) -> None:
    pairs = min(len(a), len(b))
    size = np.tile([[width, height]], (pairs, 1))
    counts = np.empty((pairs, 3), dtype=np.int64)
    scratch = np.empty((5, 6), dtype=np.int64)
    loops.count_pixels(a[:pairs], b[:pairs], size, rule == scanline.Rule.TOOLKIT, counts, scratch)
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


COMPARE = """
import numpy as np
from evalkit import compiled
from evalkit.compiled import loops

random = np.random.default_rng(0)
text = "".join(f"{x:.3f},{-y:.4f}\\n" for x, y in random.uniform(0, 999, (300, 2))) + "nan,5.\\n7,-0\\r\\n"
for data in (text, text + "x,1\\n", text + "1\\n", text + "1,2"):
    bytes_ = np.frombuffer(data.encode(), np.uint8)
    plain, fast = np.zeros(len(data)), np.zeros(len(data))
    counts = [function(bytes_, 2, values) for function, values in
              ((loops.parse_decimals, plain), (compiled.kernel("parse_decimals"), fast))]
    assert counts[0] == counts[1], counts
    assert (counts[0] == 604) == (data == text), counts
    assert plain.tobytes() == fast.tobytes()

values, thresholds = random.uniform(-1, 2, 500), np.linspace(0, 1, 21)
plain, fast = np.zeros(22, np.int64), np.zeros(22, np.int64)
loops.histogram(values, thresholds, plain)
compiled.kernel("histogram")(values, thresholds, fast)
assert plain.tolist() == fast.tolist()

polygons = random.integers(-6, 40, (200, 4, 2))
x, y, width, height = random.integers(-6, 20, (4, 200))
rectangles = np.stack([np.stack([x, y], -1), np.stack([x + width, y], -1), np.stack([x + width, y + height], -1),
                       np.stack([x, y + height], -1)], 1)
size, scratch = np.tile([[32, 24]], (200, 1)), np.empty((5, 4), np.int64)
for a, b in ((polygons, polygons[::-1].copy()), (polygons, rectangles), (rectangles, rectangles[::-1].copy())):
    for toolkit in (False, True):
        plain, fast = np.empty((200, 3), np.int64), np.empty((200, 3), np.int64)
        loops.count_pixels(a, b, size, toolkit, plain, scratch)
        compiled.kernel("count_pixels")(a, b, size, toolkit, fast, scratch)
        assert plain.tolist() == fast.tolist()
        assert plain[:, 2].any()
print("equal")
"""


@pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed")
def test_machine_code_gives_the_same_bits_as_plain_python() -> None:
    # In another process: once numba is imported, all tests after this one would use machine code.
    done = subprocess.run([sys.executable, "-c", COMPARE], capture_output=True, text=True, check=False)
    assert done.stdout == "equal\n", done.stderr
