"""Convert the transformations of early trackers' OTB results to boxes.

Source: OTB's MATLAB toolkit, ``rstEval/calcSeqErrRobust.m`` and what it calls, roundings included.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evalkit.errors import DamagedResults
from evalkit.types import Boxes, Floats


def boxes_of(kind: str, values: Floats, template: Floats, *, where: object = None) -> Boxes:
    """Return one box a frame, shape (N, 4), with the top left pixel at 1.

    Args:
        kind: ``rect``, ``ivtAff``, ``L1Aff``, ``LK_Aff``, ``4corner``, ``affine`` or ``SIMILARITY``.
        values: The stored rows: one a frame, or two where each frame is a matrix.
        template: Size of the template that a transformation maps; each kind reads its two numbers in its own way.

    Raises:
        DamagedResults: The kind is unknown, or the numbers do not have its shape.
    """
    if kind not in _KINDS:
        raise DamagedResults("unknown type of result", where=where, found=repr(kind), expected=", ".join(_KINDS))
    rows, columns, convert = _KINDS[kind]
    flat = kind in ("rect", "4corner", "affine")
    if values.ndim != 2 or len(values) % rows or (columns and values.shape[1] != columns):
        raise DamagedResults(f"invalid shape for results of type {kind}", where=where, found=values.shape)
    if not flat and template.size != 2:
        raise DamagedResults(f"results of type {kind} need `tmplsize`", where=where, found=f"{template.size} numbers")
    frames = values.reshape(len(values) // rows, rows, values.shape[1])
    return np.array([convert(frame, template) for frame in frames], dtype=np.float64).reshape(-1, 4)


def _rectangle(frame: Floats, template: Floats) -> Floats:
    row: Floats = frame[0]
    return row


def _around(points: Floats) -> Floats:
    """Return the rounded bounding box of 2 x K points, both ends included."""
    low, high = points.min(axis=1), points.max(axis=1)
    return _round(np.array([*low, *(high - low + 1)]))


def _corners(frame: Floats, template: Floats) -> Floats:
    return _around(frame)


def _ivt(frame: Floats, template: Floats) -> Floats:
    p, (width, height) = frame[0], template.ravel()
    x, y = width / 2, height / 2
    points = np.array([[1, -x, -y], [1, x, -y], [1, x, y], [1, -x, y]]).T
    first, _, third, _ = np.floor(np.array([[p[0], p[2], p[3]], [p[1], p[4], p[5]]]) @ points).T
    return np.array([*first, *(third - first)])


def _l1(frame: Floats, template: Floats) -> Floats:
    a, (rows, columns) = frame[0], template.ravel()
    corners = np.array([[1, rows], [1, columns], [1, 1]])
    top_left, bottom_right = _round(np.array([[a[0], a[1], a[4]], [a[2], a[3], a[5]]]) @ corners).T
    return np.array([*top_left[::-1], *(bottom_right - top_left + 1)[::-1]])


def _template_corners(template: Floats) -> Floats:
    height, width = template.ravel()
    return np.array([[1, 1, width, width], [1, height, height, 1], [1, 1, 1, 1]])


def _lucas_kanade(frame: Floats, template: Floats) -> Floats:
    return _around((frame + np.array([[1, 0, 0], [0, 1, 0]])) @ _template_corners(template))


def _similarity(frame: Floats, template: Floats) -> Floats:
    scale, angle, x, y = frame[0]
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    return _around(np.array([[cosine, -sine, x], [sine, cosine, y]]) @ _template_corners(template))


def _round(values: Floats) -> Floats:
    """Round as MATLAB does, half away from zero."""
    return np.trunc(values + np.copysign(0.5, values))


# Rows per frame, columns (0: any), conversion.
_KINDS: dict[str, tuple[int, int, Callable[[Floats, Floats], Floats]]] = {
    "rect": (1, 4, _rectangle),
    "ivtAff": (1, 6, _ivt),
    "L1Aff": (1, 6, _l1),
    "LK_Aff": (2, 3, _lucas_kanade),
    "4corner": (2, 0, _corners),
    "affine": (2, 0, _corners),
    "SIMILARITY": (1, 4, _similarity),
}
