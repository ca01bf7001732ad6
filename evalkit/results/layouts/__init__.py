"""How result files lie on disk: each benchmark's and toolkit's own form, read and written.

``folder`` is always one tracker's folder on one benchmark, ``<results>/<BENCHMARK>/<tracker>``. Writers put times and
confidences down first and the regions last, each file atomically: where the regions are, all is.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

from evalkit.errors import EvalkitError
from evalkit.results.layouts.base import Layout
from evalkit.types import Dataset, Sequence, Trajectory

__all__ = ["ALIASES", "NAMES", "Layout", "get", "read"]

_WHERE = {
    "plain": ("plain", "LAYOUT"),
    "got10k": ("got10k", "LAYOUT"),
    "vot": ("vot", "LAYOUT"),
    "vot-bin": ("vot", "BINARY"),
    "pytracking": ("pytracking", "LAYOUT"),
    "lasot-matlab": ("lasot_matlab", "LAYOUT"),
    "otb-mat": ("otb_struct", "MAT"),
    "otb-json": ("otb_struct", "JSON"),
}
NAMES = tuple(_WHERE)
ALIASES = {"otb": "plain", "lasot": "plain", "trackingnet": "plain", "pysot": "plain"}


def get(name: str) -> Layout:
    """The layout of that name.

    Raises:
        EvalkitError: There is none.
    """
    key = ALIASES.get(name, name)
    if key not in _WHERE:
        raise EvalkitError(f"no result layout is named {name!r}", expected=", ".join((*NAMES, *ALIASES)))
    module, attribute = _WHERE[key]
    layout: Layout = getattr(import_module(f"{__name__}.{module}"), attribute)
    return layout


def read(
    folder: Path, dataset: Dataset, sequence: Sequence, protocol: str, *, tracker: str | None = None
) -> list[Trajectory]:
    """Everything stored for a sequence, in whatever layout it lies there; the benchmark's own is tried first.

    Returns:
        One trajectory per repetition or anchor; empty when there is nothing.

    Raises:
        EvalkitError: A file is there and cannot be understood.
    """
    own = ALIASES.get(dataset.layout, dataset.layout)
    for name in (own, *(other for other in NAMES if other != own)):
        found = get(name).read(folder, sequence, protocol)
        if found:
            return [replace(one, tracker=tracker) for one in found] if tracker else found
    return []
