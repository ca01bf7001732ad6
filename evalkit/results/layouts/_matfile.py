"""Read MATLAB files of level 5, as far as results need them: numbers, text, cells and structures.

SciPy's reader is not used because it trusts the sizes in the file: a damaged file can crash the process. Here every
size is checked against the length of the file. Source: MathWorks, MAT-File Format.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from evalkit.errors import DamagedResults

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMBERS = range(6, 16)
_SKIPPED = (3, 16, 17)  # objects and function handles, which files of a whole workspace contain next to the results
_STORED = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_TEXT = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_COMPLEX = 0x08
_MAX_BYTES = 2**28  # of one variable, decompressed
_MAX_DEPTH = 16


def read_mat(data: bytes, where: object = None) -> dict[str, Any]:
    """Read the variables of a file.

    Returns:
        The variables by name: numbers as float64 arrays of their own shape, text as str, cells as flat lists, a
        structure as a dict, an array of structures as a list of dicts, objects and function handles as None.

    Raises:
        DamagedResults: The file is damaged, of another format (version 7.3 is HDF5), or holds something else.
    """
    if len(data) < _HEADER or data[126:128] not in (b"IM", b"MI"):
        newer = data[:8] == b"\x89HDF\r\n\x1a\n" or b"MATLAB 7.3" in data[:20]
        raise DamagedResults(
            "not a MATLAB file of a supported version", where=where,
            hint="Save it in MATLAB with save(..., '-v7')" if newer else None,
        )  # fmt: skip
    reader = _Reader("<" if data[126:128] == b"IM" else ">")
    try:
        return dict(reader.variable(content) for content in reader.matrices(data[_HEADER:]))
    except (struct.error, zlib.error, ValueError, IndexError, RecursionError, MemoryError) as error:
        raise DamagedResults(f"damaged MATLAB file: {error}", where=where) from error


class _Reader:
    """Reads files of one byte order; damage raises ``ValueError`` or ``struct.error``."""

    def __init__(self, order: str) -> None:
        self._order = order

    def matrices(self, data: bytes) -> Iterator[bytes]:
        """Yield the contents of the top-level matrices, decompressed."""
        for kind, content in self._elements(data, padded=False):
            if kind == _COMPRESSED:
                yield from self.matrices(_decompressed(content))
            elif kind == _MATRIX:
                yield content

    def _elements(self, data: bytes, *, padded: bool = True) -> Iterator[tuple[int, bytes]]:
        offset = 0
        while offset < len(data):
            (kind,) = struct.unpack_from(f"{self._order}I", data, offset)
            if kind >> 16:  # up to four bytes are stored in the tag itself
                kind, size, start, end = kind & 0xFFFF, kind >> 16, offset + 4, offset + 8
            else:
                (size,) = struct.unpack_from(f"{self._order}I", data, offset + 4)
                start = offset + 8
                end = start + (size if kind == _COMPRESSED and not padded else -(-size // 8) * 8)
            if start + size > len(data):
                raise ValueError("an element is longer than the file")
            yield kind, data[start : start + size]
            offset = end

    def variable(self, content: bytes, depth: int = 0) -> tuple[str, Any]:
        """Return name and value of a matrix."""
        if not content:
            return "", np.zeros((0, 0))
        if depth > _MAX_DEPTH:
            raise ValueError("structures are nested too deep")
        (_, flags), (_, dimensions), (_, name), *parts = self._elements(content)
        word = struct.unpack_from(f"{self._order}I", flags)[0]
        shape = tuple(int(size) for size in np.frombuffer(dimensions, f"{self._order}i4"))
        if any(size < 0 for size in shape):
            raise ValueError("a size is negative")
        return name.decode("latin-1"), self._value(word & 0xFF, bool(word >> 8 & _COMPLEX), shape, parts, depth)

    def _value(
        self, kind: int, is_complex: bool, shape: tuple[int, ...], parts: list[tuple[int, bytes]], depth: int
    ) -> Any:
        if kind == _CELL:
            return [self.variable(content, depth + 1)[1] for _, content in parts]
        if kind == _STRUCT:
            return self._structures(parts, depth)
        if kind == _CHAR:
            return self._text(*parts[0]) if parts else ""
        if kind in _SKIPPED:
            return None
        if kind in _NUMBERS and not is_complex:
            return self._numbers(*parts[0]).reshape(shape, order="F")
        raise ValueError(f"unsupported type of variable {kind}")

    def _structures(self, parts: list[tuple[int, bytes]], depth: int) -> Any:
        width = int(np.frombuffer(parts[0][1], f"{self._order}i4")[0])
        if width < 1:
            raise ValueError("the length of field names is not positive")
        names = [
            parts[1][1][start : start + width].partition(b"\0")[0].decode("latin-1")
            for start in range(0, len(parts[1][1]), width)
        ]
        values = [self.variable(content, depth + 1)[1] for _, content in parts[2:]]
        if not names or len(values) % len(names):
            raise ValueError("fields of a structure are missing")
        found = [
            dict(zip(names, values[start : start + len(names)], strict=True))
            for start in range(0, len(values), len(names))
        ]
        return found[0] if len(found) == 1 else found

    def _numbers(self, kind: int, content: bytes) -> Any:
        if kind not in _STORED:
            raise ValueError(f"unknown number type {kind}")
        return np.frombuffer(content, self._order + _STORED[kind]).astype(np.float64)

    def _text(self, kind: int, content: bytes) -> str:
        if kind not in _TEXT:
            raise ValueError(f"unknown text encoding {kind}")
        suffix = {"<": "-le", ">": "-be"}[self._order] if kind not in (1, 2, 16) else ""
        return content.decode(_TEXT[kind] + suffix)


def _decompressed(content: bytes) -> bytes:
    stream = zlib.decompressobj()
    data = stream.decompress(content, _MAX_BYTES)
    if stream.unconsumed_tail or not stream.eof:
        raise ValueError("a compressed variable is truncated or too large")
    return data
