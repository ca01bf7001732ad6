"""Frame rates and sizes that the description files of sequences state."""

from __future__ import annotations

from evalkit.errors import EvalkitError
from evalkit.io.rows import number
from evalkit.io.whole_numbers import whole_number

_LARGEST_SIDE = 10**6  # pixels


def frame_rate(text: str | None) -> float | None:
    """Return a number of frames per second; None if the text is something else than a number above 0."""
    try:
        value = number(text) if text else 0.0
    except EvalkitError:
        return None
    return value if value > 0 else None


def frame_size(width: object, height: object) -> tuple[int, int] | None:
    """Return width and height in pixels, given as text or numbers; None if they are something else."""
    sides = [whole_number(side) if isinstance(side, str) else side for side in (width, height)]
    known = [
        side for side in sides if isinstance(side, int) and not isinstance(side, bool) and 0 < side < _LARGEST_SIDE
    ]
    return (known[0], known[1]) if len(known) == len(sides) else None
