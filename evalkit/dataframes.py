"""Convert scores, costs and findings to pandas tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from evalkit.types import Score, finite_or_none

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS = ("value", "low", "high")


class Recorded(Protocol):
    """Anything that the command line prints as a row: ``Score``, ``Cost``, findings of ``doctor`` or ``data check``."""

    def record(self) -> dict[str, Any]:
        """Return the flat JSON record."""


def frame(rows: Iterable[Recorded]) -> pd.DataFrame:
    """Return a table with one row each and the columns that ``--format json`` prints; values that do not exist are NaN.

    >>> from evalkit.types import Cost
    >>> frame([Cost("mine", "macs", "conv", 528.9e6, ""), Cost("other", "macs", "conv", None, "")])["value"].tolist()
    [528900000.0, nan]
    """
    return _numeric([row.record() for row in rows])


def by_sequence(scores: Iterable[Score]) -> pd.DataFrame:
    """Return a table with one row per score and sequence: the columns of ``frame`` that apply, and ``sequence``.

    Scores without a value per sequence (EAO) have no rows.
    """
    return _numeric(sequence_records(scores))


def sequence_records(scores: Iterable[Score]) -> list[dict[str, Any]]:
    """Return one flat record per score and sequence; scores without a value per sequence (EAO) have none."""
    return [
        {**_kind(score), "sequence": name, "value": value}
        for score in scores
        if score.attribute is None
        for name, value in score.per_sequence.items()
    ]


def curve_records(scores: Iterable[Score]) -> list[dict[str, Any]]:
    """Return one flat record per point of every score's curve: ``x`` is the threshold, or a length for EAO.

    Scores without a curve have none. Points without a value are None.
    """
    return [
        {**_kind(score), "x": finite_or_none(x), "y": finite_or_none(y)}
        for score in scores
        if score.attribute is None and score.curve is not None
        for x, y in zip(*score.curve, strict=True)
    ]


_KIND = ("tracker", "dataset", "protocol", "metric", "profile", "metric_version", "unit", "higher_is_better", "fps")


def _kind(score: Score) -> dict[str, Any]:
    """Return the part of a score's record that says what the score is."""
    record = score.record()
    return {name: record[name] for name in _KIND if name in record}


def _numeric(records: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(records)
    return table.astype({column: float for column in _NUMBERS if column in table})
