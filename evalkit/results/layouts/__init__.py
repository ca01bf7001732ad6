"""Result layouts: how each benchmark and toolkit names and writes result files.

One public file of this folder, of an installed package or of the user registers one layout::

    @registry.layout("mine", summary="one line for `evalkit list layouts`")
    class Mine:
        def read(self, folder, sequence, protocol): ...

``folder`` is always the folder of one tracker on one benchmark, ``<results>/<BENCHMARK>/<tracker>``. Every file is
written atomically, and the boxes of a sequence are written after its times and confidences: a sequence whose boxes
exist is complete. ``evalkit.results.layouts.base`` holds what layouts have in common.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from evalkit import registry
from evalkit.errors import DamagedResults, EvalkitError
from evalkit.registry import LayoutEntry
from evalkit.results.layouts.base import Layout, WritableLayout
from evalkit.types import Dataset, Sequence, Trajectory

__all__ = ["Layout", "WritableLayout", "get", "read", "writer"]

_COMMONEST = "plain"


def get(name: str, *, tracker: str | None = None) -> Layout:
    """Return a layout by its name, one of its aliases, or ``path/to/file.py:Name``.

    Args:
        tracker: Name of the tracker whose files are read where a folder holds files of several; by default that of
            the folder.

    Raises:
        UnknownName: No layout has that name.
    """
    entry = registry.layout.find(name)
    return _build(entry) if tracker is None else entry.build(tracker=tracker)


def writer(name: str) -> WritableLayout:
    """Return a layout that trajectories can be written in.

    Raises:
        UnknownName: No layout has that name.
        EvalkitError: Results in this layout can only be read.
    """
    entry = registry.layout.find(name)
    layout = _build(entry)
    if not entry.writes or not isinstance(layout, WritableLayout):
        writable = (one.name for one in registry.layout.entries() if one.writes and one is not entry)
        raise EvalkitError(
            f"results in layout {entry.name} can be read but not written", expected=f"one of {', '.join(writable)}"
        )
    return layout


def read(
    folder: Path, dataset: Dataset, sequence: Sequence, protocol: str, *, tracker: str | None = None
) -> list[Trajectory]:
    """Read the stored trajectories of a sequence, in whichever layout they are.

    Every registered layout is tried: the dataset's own first, then ``plain``, then the others by name.

    Args:
        tracker: Name of the tracker to put into the trajectories; by default the one that the layout finds.

    Returns:
        One trajectory per repetition or anchor; none if nothing is stored.

    Raises:
        DamagedResults: A file of the sequence exists but cannot be read.
    """
    for entry in _in_order(registry.layout.find(dataset.layout)):
        try:
            found = _build(entry).read(folder, sequence, protocol)
        except DamagedResults:
            raise
        except EvalkitError as error:
            raise DamagedResults(
                error.what, where=error.where, found=error.found, expected=error.expected, hint=error.hint
            ) from error
        if found:
            return [replace(one, tracker=tracker) for one in found] if tracker else found
    return []


def _in_order(own: LayoutEntry) -> Iterator[LayoutEntry]:
    first = dict.fromkeys((own, registry.layout.find(_COMMONEST)))
    yield from first
    yield from (entry for entry in registry.layout.entries() if entry not in first)


@cache
def _build(entry: LayoutEntry) -> Layout:
    layout: Layout = entry.build()
    return layout
