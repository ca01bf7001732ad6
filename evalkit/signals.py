"""Names of the operating system's signals, for messages about processes that one of them has ended."""

from __future__ import annotations

import signal


def signal_name(number: int) -> str:
    """Return the name of a signal; most real-time signals have only a number.

    >>> signal_name(9), signal_name(40)
    ('SIGKILL', 'signal 40')
    """
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
