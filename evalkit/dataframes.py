"""Convert scores, costs and findings to pandas tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from evalkit.types import Score

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
    kept = ("tracker", "dataset", "protocol", "metric", "profile", "metric_version", "unit", "higher_is_better", "fps")
    return _numeric(
        [
            {**{column: record[column] for column in kept if column in record}, "sequence": name, "value": value}
            for score in scores
            if score.attribute is None
            for record in (score.record(),)
            for name, value in score.per_sequence.items()
        ]
    )


def _numeric(records: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(records)
    return table.astype({column: float for column in _NUMBERS if column in table})
