"""Hyperparameters: the published values for each benchmark, and the values that ``--set`` overrides."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from evalkit.errors import EvalkitError, suggestion
from evalkit.factories import CALIBRATION


@dataclass(frozen=True)
class Hyperparameters:
    """Values that the authors of a tracker tune per benchmark; ``--set`` takes the same names.

    Attributes:
        penalty_k: Strength of the penalty for a change of scale and aspect ratio.
        window_influence: Weight of the cosine window, in [0, 1].
        lr: Learning rate of the target's size, in [0, 1].
        small: Side of the search crop, in pixels.
        big: Side of the search crop if the target is small, in pixels.
        template: Side of the template crop, in pixels.
        context: Margin around the target as a fraction of its width plus height.
        ratio: Weight of the plain score in [0, 1]; the rest belongs to a network's second, aligned score.
        lost_below: A long-term tracker is lost if the score falls below this value ...
        found_above: ... until the score exceeds this value.
        lost_size: Side of the search crop while the target is lost; 0 for short-term trackers.
        lost_window_influence: Weight of the window while the target is lost.
    """

    penalty_k: float
    window_influence: float
    lr: float
    small: int
    big: int
    template: int = 127
    context: float = 0.5
    ratio: float = 1.0
    lost_below: float = -math.inf
    found_above: float = math.inf
    lost_size: int = 0
    lost_window_influence: float = 0.001

    @property
    def long_term(self) -> bool:
        """True if the tracker notices that it lost its target, and then searches a larger area."""
        return self.lost_size > 0

    def record(self) -> dict[str, float | int]:
        """Return the values for ``run.json``; infinite thresholds, which JSON cannot express, are left out."""
        return {key: value for key, value in asdict(self).items() if math.isfinite(value)}


@dataclass(frozen=True)
class PublishedHyperparameters:
    """One set of hyperparameters as its authors published it.

    Attributes:
        name: The authors' name for the set, usually that of a benchmark.
        values: The hyperparameters.
        source: Repository, commit and file.
        benchmarks: Patterns for the names of the benchmarks that the set was published for, e.g. ``otb*``.
    """

    name: str
    values: Hyperparameters
    source: str
    benchmarks: tuple[str, ...]

    def applies_to(self, benchmark: str) -> bool:
        """Return whether the set was published for a benchmark, given in lower case."""
        return any(fnmatch.fnmatchcase(benchmark, pattern) for pattern in self.benchmarks)


def resolve_hyperparameters(
    published: Sequence[PublishedHyperparameters], benchmark: str | None, settings: Mapping[str, str] | None
) -> tuple[Hyperparameters, str]:
    """Return the values to use on a benchmark, and a sentence that names their source.

    Args:
        published: All published sets; the first is also used on benchmarks for which none was published.
        benchmark: Name of the benchmark, or None.
        settings: Values that override published ones, by field name.

    Raises:
        EvalkitError: A setting has an unknown name or an invalid value.
    """
    name = (benchmark or "").casefold()
    chosen = next((one for one in published if one.applies_to(name)), None)
    source = (chosen or published[0]).source
    if chosen is None:
        chosen = published[0]
        source += f"; these are the values for {chosen.name}, none are published for {benchmark or 'other benchmarks'}"
    if settings:
        source += f"; set by hand: {', '.join(sorted(settings))}"
    return replace(chosen.values, **_parse(settings or {})), source


def _parse(settings: Mapping[str, str]) -> dict[str, Any]:
    types = {field.name: field.type for field in fields(Hyperparameters)}
    return {key: _parse_value(key, text, types) for key, text in settings.items()}


def _parse_value(key: str, text: str, types: Mapping[str, Any]) -> float | int:
    if key not in types:
        known = (*types, CALIBRATION)
        hint = suggestion(key, known) or f"Valid settings: {', '.join(known)}"
        raise EvalkitError(f"this tracker has no setting {key!r}", where="--set", hint=hint)
    whole = types[key] == "int"
    smallest = 1 if whole and key != "lost_size" else 0
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = math.nan
    if not value >= smallest:
        expected = f"a whole number of at least {smallest}" if whole else "a number that is not negative"
        raise EvalkitError(f"invalid value for {key}", where="--set", found=text, expected=expected)
    return value
