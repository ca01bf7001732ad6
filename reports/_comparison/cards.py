"""What exactly was run, what was found and what was left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evalkit.comparison import Card, is_imported
from evalkit.metrics import profiles
from evalkit.reports._comparison.document import Cell, Column, Section, Table, name_cell
from evalkit.reports._comparison.summary import contenders_table
from evalkit.reports._comparison.view import View, head


def cards_section(view: View) -> Section:
    """One card per run: everything ``run.json`` holds but the counts, which are a table."""
    cards = tuple(
        (f"{label} on {dataset}", tuple(_facts(card))) for (dataset, label), card in view.comparison.cards.items()
    )
    imported = [
        f"{label} on {dataset}"
        for dataset, label in view.comparison.runs
        if (dataset, label) not in view.comparison.cards
    ]
    skipped = (
        (f"No run card, because the results were not made by evalkit: {', '.join(imported)}.",) if imported else ()
    )
    return Section("cards", "Run cards", facts=cards, skipped=skipped)


def _facts(card: Card) -> list[tuple[str, str]]:
    """The run, then its tracker's own card as far as that adds anything, then the machines."""
    identity = dict(card["identity"])
    own = dict(_flat(identity.pop("card", {})))
    run = dict(_flat(identity))
    added = [(f"card.{key}" if key in run else key, text) for key, text in own.items() if run.get(key) != text]
    machines = card["environments"]
    names = [f"machine {number}." if len(machines) > 1 else "" for number in range(1, len(machines) + 1)]
    return [*run.items(), *added, *(row for name, one in zip(names, machines, strict=True) for row in _flat(one, name))]


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, entry in value.items():
        if isinstance(entry, Mapping):
            rows += _flat(entry, f"{prefix}{key}.")
        elif isinstance(entry, list) and any(isinstance(item, Mapping) for item in entry):
            for number, item in enumerate(entry, start=1):
                rows += (
                    _flat(item, f"{prefix}{key} {number}.")
                    if isinstance(item, Mapping)
                    else [(prefix + key, str(item))]
                )
        else:
            text = entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False)
            rows.append((prefix + key, text))
    return rows


def found_section(view: View) -> Section:
    """What was found and skipped, who is who, and what the numbers mean."""
    return Section(
        "found", "Found and skipped", tables=(contenders_table(view.contenders), *_found(view), *_definitions(view)),
    )  # fmt: skip


def _found(view: View) -> list[Table]:
    """How much there is of each tracker on each benchmark."""
    datasets = view.comparison.datasets
    if not datasets:
        return []
    columns = (Column("tracker", numeric=False), *(Column(one.name, numeric=False) for one in datasets))
    rows = tuple(
        (name_cell(one), *(_coverage(view, dataset.name, one.label, len(dataset.expected)) for dataset in datasets))
        for one in view.contenders
    )
    return [Table("found", "Results", columns, rows)]


def _coverage(view: View, dataset: str, label: str, expected: int) -> Cell:
    key = (dataset, label)
    if key not in view.comparison.runs:
        return Cell("skipped", detail=view.comparison.skipped.get(key, ""))
    origin = "imported" if is_imported(view.comparison.cards.get(key)) else "run.json"
    return Cell(f"{len(view.comparison.runs[key])} of {expected}", detail=origin)


def _definitions(view: View) -> list[Table]:
    used = dict.fromkeys((score.profile, score.metric) for score in view.comparison.scores)
    rows = []
    for profile, metric in used:
        known = profiles.PROFILES.get(profile)
        summary = next((one.summary for one in known.metrics if one.name == metric), "") if known else ""
        rows.append((Cell(head(metric)), Cell(profile), Cell(summary), Cell(known.source if known else "")))
    if not rows:
        return []
    columns = tuple(Column(name, numeric=False) for name in ("metric", "profile", "definition", "equals"))
    return [Table("definitions", "What the numbers mean", columns, tuple(rows))]
