"""Costs in files of `evalkit profile`, under the labels of a comparison that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from evalkit.arguments import Place
from evalkit.cost.recorded import read_costs
from evalkit.errors import listed
from evalkit.types import Cost


def costs_of_files(
    files: Iterable[Place], labels: Sequence[str], names: Mapping[str, str]
) -> tuple[list[Cost], list[str]]:
    """Return the costs in files of `evalkit profile`, under the labels that they belong to.

    Args:
        names: By label, the tracker that it stands for.

    Returns:
        The costs, and a sentence for each file with costs that belong to no label.
    """
    found: list[Cost] = []
    sentences = []
    for file in files:
        costs = read_costs(Path(file))
        standing_for = {cost.tracker: [one for one, name in names.items() if name == cost.tracker] for cost in costs}
        for cost in costs:
            found += [replace(cost, tracker=label) for label in standing_for[cost.tracker]] or [cost]
        unknown = [name for name, stands in standing_for.items() if name not in labels and not stands]
        if unknown:
            sentences.append(
                f"{file}: the costs of {listed(unknown)} belong to no label here ({listed(labels)}); "
                f"--published LABEL={unknown[0]} names the tracker of a label"
            )
    return found, sentences
