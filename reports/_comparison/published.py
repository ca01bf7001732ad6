"""Numbers printed in papers and model zoos, beside ours: cited, never mixed with measurements."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from evalkit.errors import EvalkitError

FOLDER = Path(__file__).resolve().parents[1] / "published"
_FIELDS = ("tracker", "benchmark", "metric", "value", "unit", "certainty", "source", "note")
_FACTORS = {"K": 1e3, "M": 1e6, "G": 1e9, "%": 0.01}


@dataclass(frozen=True)
class Published:
    """One published number.

    Attributes:
        benchmark: evalkit's dataset name, ``cost``, or ``speed: <device>``.
        value: In the unit of its source.
        certainty: How it is known: read in the source, quoted by another paper, ...
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
        """The value in evalkit's unit: fractions, single MACs and parameters."""
        return self.value * _FACTORS.get(self.unit, 1.0)


@cache
def load(folder: Path = FOLDER) -> tuple[Published, ...]:
    """All published numbers that come with evalkit, in the order of their files.

    Raises:
        EvalkitError: A file lacks a column or holds a value that is no number.
    """
    return tuple(row for path in sorted(folder.glob("*.csv")) for row in _read(path))


def _read(path: Path) -> list[Published]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = []
    for number, row in enumerate(rows, start=2):
        try:
            texts = {name: (row[name] or "").strip() for name in _FIELDS}
            found.append(Published(**{**texts, "value": float(texts["value"])}))  # type: ignore[arg-type]
        except (KeyError, ValueError) as error:
            raise EvalkitError(f"this is no published number: {error}", where=f"{path}:{number}",
                               expected=", ".join(_FIELDS)) from error  # fmt: skip
    return found


def of(rows: tuple[Published, ...], tracker: str, benchmark: str, metric: str) -> list[Published]:
    """Numbers of one kind, those read in the source itself first."""
    found = [row for row in rows if (row.tracker, row.benchmark, row.metric) == (tracker, benchmark, metric)]
    return sorted(found, key=lambda row: _RANK.get(row.certainty, 9))


_RANK = {"read": 0, "ran": 1, "paper-copy": 2, "issue": 3, "other": 4}


def cost(rows: tuple[Published, ...], tracker: str, quantity: str) -> Published | None:
    """Published MACs (``flops``, the papers' word) or parameters (``params``) of a tracker."""
    found = of(rows, tracker, "cost", quantity)
    return found[0] if found else None
