"""Progress of long work: what is being done and how far it is, told to a listener.

Code that takes long calls ``tell``, or iterates over ``each``. Nothing happens unless a caller listens::

    with evalkit.listening(print):
        evalkit.compare(datasets=["lasot"])
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Step:
    """What is being done now.

    Attributes:
        text: E.g. ``lasot: reading DiMP50``.
        done: Number of parts of the work that are complete.
        total: Number of all parts; None where there is no such number.
        timed: Times are being measured: the listener must use the processor only while it is called.
        stays: It is a message on the work rather than a part of it, to be shown until the reader has read it.
    """

    text: str
    done: int = 0
    total: int | None = None
    timed: bool = False
    stays: bool = False

    def __str__(self) -> str:
        """Return the text with the number of the part that is being done: ``lasot: reading DiMP50 (2 of 8)``."""
        if self.total is None or self.total < 2:
            return self.text
        return f"{self.text} ({min(self.done + 1, self.total)} of {self.total})"


Listener: TypeAlias = Callable[[Step], None]
"""Called at the beginning of each step."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call a listener with each step of what is done inside the context, in this thread.

    Args:
        listener: Called often and inside the work: it should be fast.
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(text: str, done: int = 0, total: int | None = None, *, timed: bool = False) -> None:
    """Tell the listener what is done next; the arguments are the attributes of ``Step``."""
    listener = _listener.get()
    if listener is not None:
        listener(Step(text, done, total, timed))


def announce(text: str) -> None:
    """Tell the listener a message that stays, e.g. how long the work takes."""
    listener = _listener.get()
    if listener is not None:
        listener(Step(text, stays=True))


def each(
    items: Iterable[Item], text: str | Callable[[Item], str], total: int | None = None, *, timed: bool = False
) -> Iterator[Item]:
    """Yield the items, and tell the listener about each before it is yielded.

    Args:
        text: What is done with an item.
        total: Number of items; by default their length, where they have one.

    >>> with listening(print):
    ...     for name in each(["a", "b"], lambda name: f"reading {name}"):
    ...         pass
    reading a (1 of 2)
    reading b (2 of 2)
    """
    if total is None and hasattr(items, "__len__"):
        total = len(items)  # type: ignore[arg-type]
    for number, item in enumerate(items):
        tell(text if isinstance(text, str) else text(item), number, total, timed=timed)
        yield item
