"""Match the names of sequences: exactly first, then by their canonical spelling where that is unambiguous."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

_IGNORED = str.maketrans("", "", "-._")


def canonical(name: str) -> str:
    """Return a sequence's name in lower case without ``-``, ``.`` and ``_``, in which toolkits' spellings differ.

    >>> canonical("Jogging.1") == canonical("jogging_1") == canonical("Jogging-1")
    True
    """
    return name.translate(_IGNORED).casefold()


def ambiguous(names: Iterable[str]) -> frozenset[str]:
    """Return those names that share their canonical spelling with another one (UAV123's ``car1_1`` and ``car11``).

    >>> sorted(ambiguous(["car1_1", "car11", "bike1"]))
    ['car11', 'car1_1']
    """
    unique = set(names)
    counts = Counter(map(canonical, unique))
    return frozenset(name for name in unique if counts[canonical(name)] > 1)


class NameIndex:
    """Find names of one benchmark by any of their spellings.

    Canonical spellings are computed when a name is first asked for that is not an exact one, so that an index of tens
    of thousands of names costs nothing where all are exact.

    Args:
        names: The names to find.
        others: Further names of the benchmark that cannot be found but make a spelling ambiguous.

    >>> index = NameIndex(["car1_1", "car11", "bike_1"])
    >>> index.find("car11"), index.find("Bike-1"), index.find("Car11")
    ('car11', 'bike_1', None)
    """

    def __init__(self, names: Iterable[str], others: Iterable[str] = ()) -> None:
        self._names = dict.fromkeys(names)
        self._others = tuple(others)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def find(self, asked: str) -> str | None:
        """Return the name that was asked for, exactly or in another unambiguous spelling; None if there is none."""
        return asked if asked in self._names else self._by_spelling.get(canonical(asked))

    @cached_property
    def _by_spelling(self) -> Mapping[str, str]:
        unclear = ambiguous([*self._names, *self._others])
        return {canonical(name): name for name in self._names if name not in unclear}


def natural_key(name: str) -> tuple[object, ...]:
    """Return a key that sorts ``2.jpg`` before ``10.jpg``."""
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", name) if part)
