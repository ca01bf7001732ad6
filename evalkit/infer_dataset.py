"""Infer the dataset from a results folder, for commands without ``--dataset``."""

from __future__ import annotations

from pathlib import Path

from evalkit import registry
from evalkit.errors import EvalkitError, MissingResults
from evalkit.results import run_record


def only_benchmark(results: Path) -> str:
    """Return the name of the only dataset that there are results of.

    ``run.json`` names the dataset; a folder that holds only another toolkit's results is identified by its own name.

    Raises:
        MissingResults: There are no results.
        EvalkitError: There are results of several datasets.
    """
    folders = sorted(path for path in results.iterdir() if _is_shown(path)) if results.is_dir() else []
    known = [name for folder in folders for name in _benchmarks(folder)]
    if len(known) == 1:
        return known[0]
    if known:
        raise EvalkitError(
            "there are results of several benchmarks", where=results, found=", ".join(known),
            hint="Say which with --dataset",
        )  # fmt: skip
    raise MissingResults(
        "there are no results", where=results, found=", ".join(path.name for path in folders) or "nothing",
        hint="Run `evalkit run --tracker NAME` first, or give --results and --dataset",
    )  # fmt: skip


def _benchmarks(folder: Path) -> list[str]:
    """Return the datasets that a folder holds results of; without a ``run.json``, those that its name may stand for."""
    if not any(_is_shown(path) for path in folder.iterdir()):
        return []
    if recorded := _recorded_datasets(folder):
        return recorded
    names = registry.dataset.names()
    exact = [name for name in names if _key(name) == _key(folder.name)]
    return exact or [name for name in names if _key(name).startswith(_key(folder.name))]


def _recorded_datasets(folder: Path) -> list[str]:
    """Return the datasets that the ``run.json`` files of a folder name, sorted."""
    # A further protocol's results have a run.json of their own, one folder deeper.
    records = [
        run_record.load(path.parent) for place in ("*", "*/*") for path in folder.glob(f"{place}/{run_record.FILE}")
    ]
    return sorted({str(one["identity"]["dataset"]) for one in records if one and "dataset" in one["identity"]})


def _is_shown(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _key(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
