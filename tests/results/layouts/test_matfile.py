from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import loadmat, savemat

from evalkit.errors import EvalkitError
from evalkit.results.layouts._matfile import read_mat


def saved(content: dict[str, Any], **options: Any) -> bytes:
    stream: Any = io.BytesIO()
    savemat(stream, content, **options)
    return bytes(stream.getvalue())


def cells(*items: object) -> np.ndarray[Any, Any]:
    inside = np.empty((1, len(items)), dtype=object)
    for index, item in enumerate(items):
        inside[0, index] = item
    return inside


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kind", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_numbers_of_every_type_and_shape_come_back(kind: str, compressed: bool) -> None:
    content = {name: np.arange(size).reshape(shape).astype(kind) for name, size, shape in
               (("one", 1, (1, 1)), ("row", 3, (1, 3)), ("table", 12, (3, 4)), ("cube", 8, (2, 2, 2)))}  # fmt: skip
    found = read_mat(saved(content, do_compression=compressed))
    for name, value in content.items():
        np.testing.assert_array_equal(found[name], value.astype(np.float64))


@pytest.mark.parametrize("compressed", [False, True])
def test_structures_in_cells_come_back(compressed: bool) -> None:
    segment = {"res": np.arange(8.0).reshape(2, 4), "type": "ivtAff", "fps": 12.5, "empty": np.zeros((0, 0))}
    found = read_mat(saved({"results": cells(segment, {"type": "rect"})}, do_compression=compressed))["results"]
    assert [item["type"] for item in found] == ["ivtAff", "rect"]
    np.testing.assert_array_equal(found[0]["res"], segment["res"])
    assert float(found[0]["fps"][0, 0]) == 12.5
    assert found[0]["empty"].size == 0


def test_an_array_of_structures_is_a_list() -> None:
    both = np.array([[(1.0, "a"), (2.0, "b")]], dtype=[("x", object), ("name", object)])
    found = read_mat(saved({"results": both}))["results"]
    assert [item["name"] for item in found] == ["a", "b"]


@given(st.lists(st.lists(st.floats(width=64), min_size=4, max_size=4), min_size=1, max_size=5), st.booleans())
def test_it_reads_what_scipy_reads(rows: list[list[float]], compressed: bool) -> None:
    data = saved({"result": np.array(rows)}, do_compression=compressed)
    expected = loadmat(io.BytesIO(data))["result"]  # type: ignore[arg-type]
    np.testing.assert_array_equal(read_mat(data)["result"], expected)


@given(st.data())
def test_a_file_damaged_anywhere_is_an_error_or_still_a_file(data: st.DataObject) -> None:
    compressed = data.draw(st.booleans())
    whole = bytearray(saved({"results": cells({"res": np.eye(4), "type": "rect"})}, do_compression=compressed))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    for content in (bytes(whole), bytes(whole[:cut])):
        try:
            read_mat(content, "a.mat")
        except EvalkitError as error:
            assert "a.mat" in str(error)


def test_a_newer_format_says_how_to_save_it() -> None:
    with pytest.raises(EvalkitError, match="-v7"):
        read_mat(b"\x89HDF\r\n\x1a\n" + bytes(200))
    with pytest.raises(EvalkitError, match="not a MATLAB file"):
        read_mat(b"")
