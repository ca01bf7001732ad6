"""Hyperparameters: which published set holds for a benchmark, and what a person overrides."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from evalkit.errors import EvalkitError, suggestion
from evalkit.trackers._siamese.rules import Hyperparameters


@dataclass(frozen=True)
class Published:
    """A set of hyperparameters as its authors published it.

    Attributes:
        name: What they call it.
        values: The set.
        source: Repository, commit and file.
        benchmarks: Patterns of the names of the benchmarks it was published for.
    """

    name: str
    values: Hyperparameters
    source: str
    benchmarks: tuple[str, ...]

    def serves(self, benchmark: str) -> bool:
        return any(fnmatch.fnmatchcase(benchmark, pattern) for pattern in self.benchmarks)


def choose(
    published: Sequence[Published], benchmark: str | None, settings: Mapping[str, str] | None
) -> tuple[Hyperparameters, str]:
    """The values for a benchmark, and where they come from, in words.

    Args:
        published: The first one also serves benchmarks that none was published for.
        benchmark: Name of the benchmark, or None.
        settings: What a person overrides, by field name.

    Raises:
        EvalkitError: A setting is unknown or has no such value.
    """
    name = (benchmark or "").casefold()
    chosen = next((one for one in published if one.serves(name)), None)
    source = (chosen or published[0]).source
    if chosen is None:
        chosen = published[0]
        source += f"; these are the values for {chosen.name}, none are published for {benchmark or 'other benchmarks'}"
    if settings:
        source += f"; set by hand: {', '.join(sorted(settings))}"
    return replace(chosen.values, **_parsed(settings or {})), source


def _parsed(settings: Mapping[str, str]) -> dict[str, Any]:
    types = {field.name: field.type for field in fields(Hyperparameters)}
    return {key: _value(key, text, types) for key, text in settings.items()}


def _value(key: str, text: str, types: Mapping[str, Any]) -> float | int:
    if key not in types:
        hint = suggestion(key, types) or f"There are {', '.join(types)}"
        raise EvalkitError(f"this tracker has no setting {key!r}", where="--set", hint=hint)
    whole = types[key] == "int"
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value) or value < 0 or (whole and key != "lost_size" and value < 1):
        expected = "a whole number above 0" if whole else "a number, not negative"
        raise EvalkitError(f"{key} cannot have this value", where="--set", found=text, expected=expected)
    return value


def record(values: Hyperparameters) -> dict[str, float | int]:
    """What a run records: every value that can be told in JSON; an infinite threshold is one that is never reached."""
    return {key: value for key, value in asdict(values).items() if math.isfinite(value)}
