"""Read and write regions in VOT's formats: a line of text or a binary record for a box, a polygon, a mask or a code.

Codes are whole numbers: 0 unknown, 1 the tracker was initialised at this frame, 2 it failed at this frame. Source:
the region formats of the VOT toolkit (text since 2015, masks and binary files since 2020).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.geometry import bounding_box
from evalkit.io.limits import limit
from evalkit.io.rows import format_number, number, parse_rows, split, text_lines
from evalkit.io.whole_numbers import whole_number
from evalkit.types import Box, Boxes, Floats, Mask, Polygon, Region

UNKNOWN = 0
"""Code of a frame without a region."""

Code = int
Record = Region | Code
"""Content of one line: a region, or a code."""

_CODE, _BOX, _POLYGON, _MASK, _POINT = range(5)
_BINARY_VERSION = 1
_MAX_RUN = 65025  # longer ones are split by a run of length 0
_CODE_LINE = re.compile(rb"^([012])(?:\.0*)?[ \t]*(?=\r?$)", re.MULTILINE)
_CODE_MARK = -(10**9)  # the height of no box
_MAX_MASK_PIXELS = 2**27  # more would be damage, or an attack on the memory
MAX_FILE_PIXELS = 2**31
"""Largest number of pixels of all masks of a file, which need as many bytes of memory."""
_LIMIT_VARIABLE = "EVALKIT_MAX_MASK_PIXELS"


def parse_line(line: str, where: object = None) -> Record:
    """Parse one line as a region or a code; a line with NaN is ``UNKNOWN``.

    Args:
        where: File and line for error messages.

    Raises:
        EvalkitError: The line is neither.

    >>> parse_line("10,20,30,40")
    Box(x=10.0, y=20.0, width=30.0, height=40.0)
    >>> parse_line("2"), parse_line("nan,nan,nan,nan")
    (2, 0)
    """
    if line[:1] in ("m", "M"):
        return _parse_mask(line[1:], where)
    fields = split(line)
    values = [number(field, where) for field in fields]
    if len(values) == 1 and values[0] >= 0 and values[0].is_integer():
        return int(values[0])
    if len(values) < 4 or len(values) % 2:
        raise EvalkitError(
            "not a valid region", where=where, found=f"{len(values)} values",
            expected="a code, x,y,width,height, the corners of a polygon, or a mask",
        )  # fmt: skip
    return UNKNOWN if any(value != value for value in values) else _region_of(np.array(values))


def parse_text(data: bytes, where: object = None) -> list[Record]:
    """Parse the content of a file with one region or code per line.

    Args:
        where: File name for error messages.

    Raises:
        EvalkitError: A line cannot be read; the message has its number.
    """
    regular = _parse_regular(data)
    if regular is not None:
        return regular
    records = []
    pixels = 0
    for row, line in enumerate(text_lines(data, where), 1):
        records.append(parse_line(line, f"{where}:{row}"))
        pixels = _count_pixels(pixels, records[-1], where)
    return records


def _count_pixels(before: int, record: Record, where: object) -> int:
    """Return the pixels of the masks of a file so far.

    Raises:
        EvalkitError: There are more than fit into the memory; a few bytes can state a large mask.
    """
    pixels = before + (record.bitmap.size if isinstance(record, Mask) else 0)
    most = limit(_LIMIT_VARIABLE, MAX_FILE_PIXELS)
    if pixels > most:
        raise EvalkitError(
            "the masks of this file have more pixels than masks of a sequence can have", where=where,
            expected=f"at most {most} pixels", hint=f"If they are right, set {_LIMIT_VARIABLE} to a larger number",
        )  # fmt: skip
    return pixels


def parse_boxes(data: bytes) -> tuple[Boxes, NDArray[np.int8]] | None:
    """Parse lines that are all boxes or codes up to 2, without a Python loop.

    Returns:
        Boxes, shape (N, 4), NaN rows for codes; and codes, shape (N,), -1 for boxes. A box with NaN has the code
        ``UNKNOWN``. None if a line is anything else.

    >>> boxes, codes = parse_boxes(b"1\\n10,20,30,40\\n2\\n")
    >>> codes.tolist()
    [1, -1, 2]
    """
    marked, count = _CODE_LINE.subn(rb"\1,0,0," + str(_CODE_MARK).encode(), data)
    try:
        rows = parse_rows(marked, columns=4)
    except EvalkitError:
        return None
    is_code = rows[:, 3] == _CODE_MARK
    if is_code.sum() != count:
        return None
    codes = np.where(is_code, rows[:, 0], np.where(np.isnan(rows).any(axis=1), UNKNOWN, -1)).astype(np.int8)
    rows[codes >= 0] = np.nan
    return rows, codes


def _parse_regular(data: bytes) -> list[Record] | None:
    """Parse lines that are all boxes or all polygons of four corners, as in most groundtruth files; else None."""
    columns = len(split(data[:400].partition(b"\n")[0].decode("ascii", "replace")))
    if columns not in (4, 8):
        return None
    try:
        rows = parse_rows(data, columns=columns)
    except EvalkitError:
        return None
    unknown = np.isnan(rows.sum(axis=1))
    return [UNKNOWN if without else _region_of(row) for row, without in zip(rows, unknown, strict=True)]


def _region_of(values: Floats) -> Region:
    return Box(*values.tolist()) if len(values) == 4 else Polygon(values.reshape(-1, 2))


def format_record(record: Record | None) -> str:
    """Return the line of a region or code; None is the code 0.

    >>> format_record(Box(1.5, 2.0, 3.0, 4.0)), format_record(None)
    ('1.5,2,3,4', '0')
    """
    if record is None or isinstance(record, int):
        return str(int(record or 0))
    if isinstance(record, Box):
        return ",".join(map(format_number, (record.x, record.y, record.width, record.height)))
    if isinstance(record, Polygon):
        return ",".join(map(format_number, record.points.ravel().tolist()))
    height, width = record.bitmap.shape
    return "m" + ",".join(map(str, [record.x, record.y, width, height, *runs(record.bitmap)]))


def runs(bitmap: NDArray[np.bool_]) -> list[int]:
    """Return the lengths of alternating runs of unset and set pixels, row by row; the first run is unset, maybe empty.

    >>> runs(np.array([[False, True], [True, False]]))
    [1, 2, 1]
    >>> runs(np.array([[True]]))
    [0, 1]
    """
    flat = np.concatenate(([False], bitmap.ravel()))
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    return [int(length) for length in np.diff(np.concatenate(([0], changes, [bitmap.size])))]


def bitmap_of(lengths: Sequence[int], width: int, height: int, where: object = None) -> NDArray[np.bool_]:
    """Return the mask that runs describe, shape (height, width); pixels after the last run are unset.

    Raises:
        EvalkitError: The size or a run is negative, the mask is too large, or the runs are longer than the mask.
    """
    if width < 0 or height < 0 or width * height > _MAX_MASK_PIXELS or min(lengths, default=0) < 0:
        raise EvalkitError("invalid size or runs of a mask", where=where, found=f"{width} x {height}")
    if sum(lengths) > width * height:
        raise EvalkitError(
            "the runs of a mask are longer than the mask", where=where, found=sum(lengths), expected=width * height
        )
    bitmap = np.zeros(width * height, dtype=bool)
    values = np.arange(len(lengths)) % 2 == 1
    bitmap[: sum(lengths)] = np.repeat(values, lengths)
    return bitmap.reshape(height, width)


def _parse_mask(text: str, where: object) -> Mask:
    fields = [whole_number(field.strip(" \t"), signed=True) for field in text.split(",")]
    numbers = [field for field in fields if field is not None]
    if len(numbers) < max(4, len(fields)):
        raise EvalkitError(
            "invalid mask",
            where=where,
            found=f"m{text[:40]}",
            expected="m followed by x, y, width, height and runs, all whole numbers",
        )
    x, y, width, height, *lengths = numbers
    return Mask(bitmap_of(lengths, width, height, where), x, y)


def parse_binary(data: bytes, where: object = None) -> list[Record]:
    """Parse a ``.bin`` file of the VOT toolkit.

    Args:
        where: File name for error messages.

    Raises:
        EvalkitError: The file is damaged, truncated, or of another version.
    """
    try:
        version, count = struct.unpack_from("<hI", data)
        if version != _BINARY_VERSION:
            raise EvalkitError(
                "not a binary result of a supported version", where=where, found=version, expected=_BINARY_VERSION
            )
        records, offset, pixels = [], 6, 0
        for index in range(count):
            record, offset = _unpack(data, offset, f"{where}, record {index + 1}")
            records.append(record)
            pixels = _count_pixels(pixels, record, where)
    except struct.error:
        raise EvalkitError("truncated binary result", where=where, found=f"{len(data)} bytes") from None
    if offset != len(data):
        raise EvalkitError("data after the end of a binary result", where=where, found=len(data), expected=offset)
    return records


def _unpack(data: bytes, offset: int, where: str) -> tuple[Record, int]:
    kind = data[offset] if offset < len(data) else -1
    offset += 1
    if kind == _CODE:
        return struct.unpack_from("<I", data, offset)[0], offset + 4
    if kind == _BOX:
        values = struct.unpack_from("<4f", data, offset)
        return (UNKNOWN if np.isnan(values).any() else Box(*values)), offset + 16
    if kind == _POLYGON:
        (corners,) = struct.unpack_from("<H", data, offset)
        points = np.array(struct.unpack_from(f"<{2 * corners}f", data, offset + 2)).reshape(-1, 2)
        if corners < 3:
            raise EvalkitError("too few corners of a polygon", where=where, found=corners, expected="3 or more")
        return (UNKNOWN if np.isnan(points).any() else Polygon(points)), offset + 2 + 8 * corners
    if kind == _MASK:
        x, y, width, height, count = struct.unpack_from("<hhHHH", data, offset)
        lengths = struct.unpack_from(f"<{count}H", data, offset + 10)
        return Mask(bitmap_of(lengths, width, height, where), x, y, as_stored=True), offset + 10 + 2 * count
    if kind == -1:
        raise struct.error
    raise EvalkitError("unknown kind of record", where=where, found=kind, expected="0 to 3")


def format_binary(records: Iterable[Record | None]) -> bytes:
    """Return the content of a ``.bin`` file of the VOT toolkit; coordinates are rounded to 32 bits.

    Raises:
        ValueError: The position, size or number of runs of a mask exceeds the 16 bits of the format.
    """
    packed = [_pack(record) for record in records]
    return struct.pack("<hI", _BINARY_VERSION, len(packed)) + b"".join(packed)


def _pack(record: Record | None) -> bytes:
    if record is None or isinstance(record, int):
        return struct.pack("<BI", _CODE, int(record or 0))
    if isinstance(record, Box):
        return struct.pack("<B4f", _BOX, record.x, record.y, record.width, record.height)
    if isinstance(record, Polygon):
        values = record.points.ravel().tolist()
        return struct.pack(f"<BH{len(values)}f", _POLYGON, len(values) // 2, *values)
    height, width = record.bitmap.shape
    lengths = [part for length in runs(record.bitmap) for part in _split_run(length)]
    try:
        return struct.pack(f"<BhhHHH{len(lengths)}H", _MASK, record.x, record.y, width, height, len(lengths), *lengths)
    except struct.error as error:
        raise ValueError(f"a mask exceeds the 16 bits of the binary format: {error}") from error


def _split_run(length: int) -> list[int]:
    parts = [length]
    while parts[-1] > _MAX_RUN:
        parts[-1:] = [_MAX_RUN, 0, parts[-1] - _MAX_RUN]
    return parts


def boxes_of(records: Sequence[Record | None]) -> Boxes:
    """Return the bounding box of each region, shape (N, 4); NaN for codes."""
    boxes = np.full((len(records), 4), np.nan)
    corners: dict[int, list[int]] = {}
    for index, record in enumerate(records):
        if isinstance(record, Polygon):
            corners.setdefault(len(record.points), []).append(index)
        elif record is not None and not isinstance(record, int):
            box = bounding_box(record)
            boxes[index] = box.x, box.y, box.width, box.height
    for alike in corners.values():
        points = np.array([record.points for index in alike if isinstance(record := records[index], Polygon)])
        low, high = points.min(axis=1), points.max(axis=1)
        boxes[alike] = np.hstack([low, high - low])
    return boxes


def regions_of(records: Sequence[Record | None]) -> tuple[Region | None, ...] | None:
    """Return the regions, with None for codes; None if all are boxes, which an array of boxes holds as well."""
    regions = tuple(None if isinstance(record, int) else record for record in records)
    return None if all(region is None or isinstance(region, Box) for region in regions) else regions
