"""Which benchmark a folder of results is of, for who did not say."""

from __future__ import annotations

from pathlib import Path

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.results import run_record


def only_benchmark(results: Path) -> str:
    """The one benchmark that there are results of.

    Run cards say which it is; a folder of nothing but strangers' results goes by its name.

    Raises:
        EvalkitError: There are results of none, or of several.
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
    raise EvalkitError(
        "there are no results", where=results, found=", ".join(path.name for path in folders) or "nothing",
        hint="Run `evalkit run --tracker NAME` first, or give --results and --dataset",
    )  # fmt: skip


def _benchmarks(folder: Path) -> list[str]:
    """Names of the benchmarks that a folder holds results of; those it may be of where no run card tells."""
    if not any(_is_shown(path) for path in folder.iterdir()):
        return []
    # A further protocol's results have a card of their own, one folder deeper.
    cards = [
        run_record.load(path.parent) for place in ("*", "*/*") for path in folder.glob(f"{place}/{run_record.FILE}")
    ]
    told = {str(card["identity"]["dataset"]) for card in cards if card is not None and "dataset" in card["identity"]}
    if told:
        return sorted(told)
    names = registry.dataset.names()
    exact = [name for name in names if _key(name) == _key(folder.name)]
    return exact or [name for name in names if _key(name).startswith(_key(folder.name))]


def _is_shown(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _key(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
