"""Numbers published in papers and model zoos, which a report shows next to measured ones but never mixes with them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from evalkit.errors import EvalkitError

FOLDER = Path(__file__).resolve().parents[1] / "published"
"""Folder of the CSV files that come with evalkit."""

_FIELDS = ("tracker", "benchmark", "metric", "value", "unit", "certainty", "source", "note")
_FACTORS = {"K": 1e3, "M": 1e6, "G": 1e9, "%": 0.01}
_RANK = {"read": 0, "ran": 1, "paper-copy": 2, "issue": 3, "other": 4}


@dataclass(frozen=True)
class PublishedNumber:
    """One published number.

    Attributes:
        tracker: evalkit's name of the tracker.
        benchmark: evalkit's name of the dataset, ``cost``, or ``speed: <device>``.
        value: The number in the unit of its source.
        certainty: How the number is known: read in the source itself, quoted by another paper, ...
        source: Where the number can be looked up.
        note: What to know before comparing with it.
    """

    tracker: str
    benchmark: str
    metric: str
    value: float
    unit: str
    certainty: str
    source: str
    note: str

    @property
    def plain(self) -> float:
        """The value in evalkit's unit: a fraction, single MACs or parameters."""
        return self.value * _FACTORS.get(self.unit, 1.0)


@cache
def load_published(folder: Path = FOLDER) -> tuple[PublishedNumber, ...]:
    """Return all published numbers in a folder's CSV files, in the order of the files.

    Raises:
        EvalkitError: A file lacks a column, or a value is not a number.
    """
    return tuple(row for path in sorted(folder.glob("*.csv")) for row in _read_file(path))


def _read_file(path: Path) -> list[PublishedNumber]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [_published_number(row, f"{path}:{line}") for line, row in enumerate(rows, start=2)]


def _published_number(row: dict[str, str | None], where: str) -> PublishedNumber:
    try:
        texts = {name: (row[name] or "").strip() for name in _FIELDS}
        return PublishedNumber(**{**texts, "value": float(texts["value"])})  # type: ignore[arg-type]
    except (KeyError, ValueError) as error:
        raise EvalkitError(
            f"invalid published number: {error}", where=where,
            expected=f"a number as value, and the columns {', '.join(_FIELDS)}",
            hint="reports/published/README.md describes the columns",
        ) from error  # fmt: skip


def find_published(
    numbers: tuple[PublishedNumber, ...], tracker: str, benchmark: str, metric: str
) -> list[PublishedNumber]:
    """Return the numbers of one tracker, benchmark and metric, the most certain ones first."""
    found = [one for one in numbers if (one.tracker, one.benchmark, one.metric) == (tracker, benchmark, metric)]
    return sorted(found, key=lambda one: _RANK.get(one.certainty, len(_RANK)))


def published_cost(numbers: tuple[PublishedNumber, ...], tracker: str, quantity: str) -> PublishedNumber | None:
    """Return the most certain published cost of a tracker.

    Args:
        quantity: ``flops``, as papers call multiply-accumulates, or ``params``.
    """
    found = find_published(numbers, tracker, "cost", quantity)
    return found[0] if found else None
