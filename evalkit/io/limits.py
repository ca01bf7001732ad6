"""Limits that protect the memory and the disk from damaged or hostile files, and that a variable can raise."""

from __future__ import annotations

import os

from evalkit.errors import EvalkitError
from evalkit.io.whole_numbers import whole_number


def limit(variable: str, default: int) -> int:
    """Return the value of an environment variable, ``default`` where it is not set.

    Raises:
        EvalkitError: The value is not a whole number.
    """
    chosen = os.environ.get(variable)
    if not chosen:
        return default
    value = whole_number(chosen, digits=18)
    if value is None:
        raise EvalkitError("not a limit", where=f"${variable}", found=chosen, expected="a whole number")
    return value
