"""Read JSON files that somebody else wrote: limits of size and depth, and one error for everything that is damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_BYTES = 2 * 2**30
"""Largest JSON file that is read; the annotation of the largest benchmark has less than 2**28 bytes."""

_LARGEST_INTEGER = 10**300


class InvalidJsonError(ValueError):
    """A text is not JSON, is nested too deeply, or holds numbers that cannot be represented."""


def parse_json(text: str | bytes) -> Any:
    """Parse JSON of any origin.

    Raises:
        InvalidJsonError: The text is not UTF-8 or not JSON, or it is nested too deeply.
    """
    try:
        return json.loads(text.decode("utf-8-sig") if isinstance(text, bytes) else text)
    except RecursionError:
        raise InvalidJsonError("it is nested too deeply") from None
    except (ValueError, OverflowError) as error:
        raise InvalidJsonError(str(error)) from error


def number_array(value: Any) -> NDArray[np.float64]:
    """Return nested lists of numbers as an array; null is NaN.

    Raises:
        InvalidJsonError: There is anything else than numbers, rows have different lengths, or a number is infinite or
            too large.
    """
    import numpy as np

    try:
        _refuse_other_values(value)
        array = np.array(value, dtype=np.float64)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidJsonError(str(error)) from error
    if np.isinf(array).any():
        raise InvalidJsonError("a number is too large")
    return array


def _refuse_other_values(value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _refuse_other_values(item)
    elif value is not None and type(value) not in (int, float):
        raise InvalidJsonError(f"{value!r:.40} is not a number")


def load_strict_json(path: Path) -> Any:
    """Read a JSON file that evalkit has written: all its numbers are finite and all its texts can be encoded.

    Raises:
        InvalidJsonError, OSError: As ``load_json``.
    """
    content = load_json(path)
    try:
        json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8")
        _check_numbers(content)
    except (ValueError, RecursionError) as error:
        raise InvalidJsonError(str(error) or type(error).__name__) from error
    return content


def _check_numbers(value: Any) -> None:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _check_numbers(item)
    elif isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
        raise InvalidJsonError("an integer has more than 300 digits")


def load_json(path: Path) -> Any:
    """Read a JSON file of any origin.

    Raises:
        InvalidJsonError: As ``parse_json``, or the file is larger than ``MAX_BYTES``.
        OSError: The file cannot be read.
    """
    if path.stat().st_size > MAX_BYTES:
        raise InvalidJsonError(f"it has more than {MAX_BYTES} bytes")
    return parse_json(path.read_bytes())
