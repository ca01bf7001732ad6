"""The choice between several measured or counted values of the same cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evalkit.types import Cost

TRACKING = "tracking"
"""Convention of times stored with results: initialize and update are timed, decoding is not."""

MACS_CONVENTIONS = ("thop-2020", "conv", "all")
"""In order of preference; the first one is what papers on Siamese trackers print. See ``_LEFT_OUT_ABOVE``."""

_LEFT_OUT_ABOVE = 2.0
"""Where ``all`` is more than this times the preferred count, it is used instead: the others leave out the matrix
products, of which a transformer consists and which papers on transformers count, and correlations."""

PARAMETER_CONVENTIONS = ("distinct", "all")
"""In order of preference."""

_CONVENTIONS = {"macs": MACS_CONVENTIONS, "parameters": PARAMETER_CONVENTIONS}


def is_invalid(cost: Cost) -> bool:
    """Return whether a measurement was declared invalid when it was made, as on a busy machine."""
    return any(remark.startswith("invalid") for remark in cost.not_counted)


def chosen_cost(
    costs: Iterable[Cost], label: str, quantity: str, conventions: Sequence[str] | None = None
) -> Cost | None:
    """Return the cost of a tracker by the first of these conventions that it has a value for; None without a value.

    Measurements that were declared invalid are used only if there are no others.

    Args:
        costs: Costs of any trackers.
        label: Label of the tracker.
        quantity: E.g. ``macs``.
        conventions: In order of preference; by default those of the quantity, ``tracking`` for times.
    """
    own = [cost for cost in costs if (cost.tracker, cost.quantity) == (label, quantity) and cost.value is not None]
    valid_first = sorted(own, key=is_invalid)
    wanted = conventions or _CONVENTIONS.get(quantity, (TRACKING,))
    chosen = _first_of(valid_first, wanted)
    whole = _first_of(valid_first, ("all",)) if quantity == "macs" and "all" in wanted else None
    return whole if chosen and whole and _leaves_out_most(chosen, whole) else chosen


def _first_of(costs: Sequence[Cost], conventions: Sequence[str]) -> Cost | None:
    return next((cost for name in conventions for cost in costs if cost.convention == name), None)


def _leaves_out_most(chosen: Cost, whole: Cost) -> bool:
    """Return whether a count has less than half of the operations of another one, on the same input."""
    same_input = chosen.input == whole.input
    return same_input and (whole.value or 0.0) > _LEFT_OUT_ABOVE * (chosen.value or 0.0)
