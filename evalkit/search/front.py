"""The Pareto front of a cost, lower is better, and a value, higher is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
Point = tuple[float, float]
"""Cost and value."""


def pareto_front(items: Sequence[T], point: Callable[[T], Point]) -> list[T]:
    """Return the items that no other item dominates, by rising cost.

    An item dominates another if neither its cost is higher nor its value lower, and one of the two is better. Of items
    with equal cost and value, the first is kept.

    >>> pareto_front([(3, 0.5), (1, 0.2), (2, 0.1)], lambda item: item)
    [(1, 0.2), (3, 0.5)]
    """
    front: list[T] = []
    best = float("-inf")
    for item in sorted(items, key=lambda one: (point(one)[0], -point(one)[1])):
        value = point(item)[1]
        if value > best:
            front.append(item)
            best = value
    return front


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """Return the area that points dominate, up to a reference point.

    Args:
        points: Costs and values.
        reference: Cost and value that bound the area; points of higher cost or lower value do not count.

    >>> hypervolume([(1, 0.5), (2, 1.0)], (3, 0.0))
    1.5
    >>> hypervolume([(1, 0.0)], (3, 0.0))
    0.0
    """
    inside = [point for point in points if point[0] < reference[0] and point[1] > reference[1]]
    if not inside:
        return 0.0
    front = pareto_front(inside, lambda point: point)
    ends = [*(cost for cost, _ in front[1:]), reference[0]]
    return float(sum((end - cost) * (value - reference[1]) for (cost, value), end in zip(front, ends, strict=True)))


def spread_over_costs(front: Sequence[T], most: int, cost: Callable[[T], float]) -> list[T]:
    """Return at most ``most`` members of a front, evenly spread over the costs, with the first and the last.

    Args:
        front: Members by rising cost.
        most: Largest number of members to return.
        cost: Returns the cost of a member.
    """
    if len(front) <= most:
        return list(front)
    if most == 1:
        return [front[-1]]
    low, high = cost(front[0]), cost(front[-1])
    goals = [low + (high - low) * index / (most - 1) for index in range(most)]
    chosen = dict.fromkeys(min(range(len(front)), key=lambda place: abs(cost(front[place]) - goal)) for goal in goals)
    return [front[place] for place in sorted(chosen)]
