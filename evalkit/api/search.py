"""Search a tracker family's space of architectures."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from evalkit import registry
from evalkit.arguments import Place
from evalkit.comparison import Comparison
from evalkit.errors import EvalkitError
from evalkit.search.options import SearchOptions
from evalkit.search.run import Generation, Prepared, SearchResult, run_search
from evalkit.search.stored import load_search


def search(
    options: SearchOptions,
    *,
    progress: Callable[[Generation], None] | None = None,
    report: Callable[[dict[str, float]], None] | None = None,
) -> SearchResult:
    """Find the architectures with the best tracking for their cost, within limits.

    Writes ``search.json``, ``ledger.jsonl``, ``front.json`` and the weights of the front into ``options.output``.

    Args:
        options: What is searched for, and how.
        progress: Called after each generation.
        report: Called with the losses of every step, where a supernet is trained.

    Returns:
        The front, as in ``front.json``.

    Raises:
        UnknownName: There is no such tracker or dataset.
        EvalkitError: An option is invalid, the folder holds another search or is in use, or a file cannot be written.
    """
    module, variant = _searchable(options.within)

    def prepare() -> Prepared:
        prepared: Prepared = importlib.import_module(module).prepare(variant, options, report)
        return prepared

    return run_search(prepare, options, progress)


def add_searches(comparison: Comparison, folders: Iterable[Place]) -> Comparison:
    """Return a comparison that also shows searches, for ``evalkit.report``.

    Args:
        comparison: From ``evalkit.compare``; ``Comparison(())`` for a report on searches alone.
        folders: Folders of finished searches.

    Raises:
        EvalkitError: A folder holds no finished search, or a file is damaged.
    """
    return replace(comparison, searches=tuple(load_search(Path(folder)) for folder in folders))


def _searchable(tracker: str | None) -> tuple[str, str | None]:
    """Return the module that prepares a search around a tracker, and the tracker's variant."""
    searchable = [entry for entry in registry.tracker.entries() if entry.search is not None]
    if tracker is None:
        return str(searchable[0].search), None
    entry, variant = registry.tracker.find_variant(tracker)
    if entry.search is None:
        raise EvalkitError(
            "evalkit has no search space for this tracker", where=f"--within {tracker}",
            expected=", ".join(entry.name for entry in searchable),
        )  # fmt: skip
    return entry.search, variant
