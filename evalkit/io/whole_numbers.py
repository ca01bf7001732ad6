"""Parse whole numbers of files and settings that somebody else wrote.

Python's ``int`` also accepts digits of other scripts, blanks and underscores, and fails on very long numbers.
"""

from __future__ import annotations


def whole_number(field: str, *, digits: int = 9, signed: bool = False) -> int | None:
    """Return a whole number of ASCII digits; None if the text is something else.

    Args:
        digits: Largest number of digits.
        signed: Accept a sign.

    >>> whole_number("12"), whole_number("-12"), whole_number("-12", signed=True), whole_number("1.0")
    (12, None, -12, None)
    """
    unsigned = field[1:] if signed and field.startswith(("+", "-")) else field
    return int(field) if unsigned.isascii() and unsigned.isdigit() and len(unsigned) <= digits else None
