"""Limits of the costs of an architecture: ``macs=600M``, ``latency=8ms``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from evalkit.errors import EvalkitError, suggestion
from evalkit.search.space import SearchSpace

SUFFIXES = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}
"""Suffixes of numbers."""
UNITS = {"latency": "ms"}
"""Units that can be written after the number, by the name of the cost."""


def parse_limits(texts: Iterable[str], known: Sequence[str]) -> dict[str, float]:
    """Return limits by the name of the cost.

    Args:
        texts: Each ``COST=NUMBER``; the number may end with k, M or G, a latency with ms.
        known: Names of the costs that can be limited.

    Raises:
        EvalkitError: A cost is unknown or limited twice, or the number is not a positive finite number.

    >>> parse_limits(["macs=600M", "parameters=2M"], ["macs", "parameters"])
    {'macs': 600000000.0, 'parameters': 2000000.0}
    """
    limits: dict[str, float] = {}
    for text in texts:
        name = limited_cost(text)
        _, separator, number = text.partition("=")
        where = f"--limit {text}"
        if not separator:
            raise EvalkitError("a limit has the form COST=NUMBER", where=where, expected="e.g. macs=600M")
        if name not in known:
            raise EvalkitError(
                "this cost cannot be limited", where=where, found=name, expected=", ".join(known),
                hint=suggestion(name, known),
            )  # fmt: skip
        if name in limits:
            raise EvalkitError("this cost has two limits", where=where, hint="Give each cost one limit")
        limits[name] = _parse_number(number.strip().removesuffix(UNITS.get(name, "")), where)
    return limits


def _parse_number(text: str, where: str) -> float:
    suffix = text[-1:] if text[-1:] in SUFFIXES else ""
    try:
        value = float(text.removesuffix(suffix)) * SUFFIXES[suffix]
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise EvalkitError(
            "the limit is not a positive number", where=where, found=text, expected="e.g. 600M, 2M, 8 or 7.5"
        )
    return value


def limited_cost(text: str) -> str:
    """Return the name of the cost in ``COST=NUMBER``."""
    return text.partition("=")[0].strip()


def within(costs: Mapping[str, float], limits: Mapping[str, float]) -> bool:
    """Return whether no cost is over its limit."""
    return all(costs[name] <= limit for name, limit in limits.items())


def check_satisfiable(space: SearchSpace, limits: Mapping[str, float]) -> None:
    """Check that architectures of the space can be within each limit and within all of them.

    Raises:
        EvalkitError: None of the smallest architectures is within the limits; the smallest value is named.
    """
    smallest = [space.costs(genes) for genes in space.smallest()]
    for name, limit in limits.items():
        least = min(costs[name] for costs in smallest)
        if least > limit:
            raise EvalkitError(
                "no architecture of the search space is within this limit", where=f"--limit {name}={limit:g}",
                expected=f"at least {least:,.10g}, its smallest {name}",
            )  # fmt: skip
    if not any(within(costs, limits) for costs in smallest):
        raise EvalkitError(
            "no architecture of the search space is within all limits together",
            where=", ".join(f"--limit {name}={limit:g}" for name, limit in limits.items()), hint="Raise one of them",
        )  # fmt: skip


def limits_without_effect(space: SearchSpace, limits: Mapping[str, float]) -> list[str]:
    """Return a note on each limit that no architecture of the space exceeds."""
    largest = [space.costs(genes) for genes in space.largest()]
    notes = []
    for name, limit in limits.items():
        most = max(costs[name] for costs in largest)
        if most <= limit:
            text = f"--limit {name}={limit:g} excludes nothing: the architectures of the search space have at most"
            notes.append(f"{text} {most:,.6g}")
    return notes
