"""Run records: what exactly was run, from the ``run.json`` next to each tracker's results."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from evalkit.reports.document.model import Section
from evalkit.reports.document.view import View
from evalkit.results.run_record import RunRecord


def run_records_section(view: View) -> Section:
    """Return one list of properties for each run record: its whole content except the costs, which have tables.

    Empty without records: the table of results says that they were imported.
    """
    records, runs = view.comparison.records, view.comparison.runs
    if not records:
        return Section("run-records", "Run records")
    missing: dict[str, list[str]] = {}
    for dataset, label in runs:
        if (dataset, label) not in records:
            missing.setdefault(dataset, []).append(label)
    named = "; ".join(f"{dataset}: {', '.join(labels)}" for dataset, labels in missing.items())
    skipped = (f"Without a run record, because evalkit did not make the results: {named}.",) if missing else ()
    listed = tuple((f"{label} on {dataset}", _properties(record)) for (dataset, label), record in records.items())
    return Section("run-records", "Run records", properties=listed, skipped=skipped)


def _properties(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """Return the properties of the run, then those of the tracker that differ from them, then those of the machines."""
    identity = dict(record["identity"])
    tracker = dict(_flat(identity.pop("card", {})))
    run = dict(_flat(identity))
    added = [(f"card.{key}" if key in run else key, text) for key, text in tracker.items() if run.get(key) != text]
    return (*run.items(), *added, *_machines(record["environments"]))


def _machines(machines: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for number, machine in enumerate(machines, start=1):
        yield from _flat(machine, f"machine {number}." if len(machines) > 1 else "")


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the names and texts of all values; names in nested mappings are joined by dots, list items numbered."""
    for key, entry in value.items():
        yield from _flat_entry(prefix + key, entry)


def _flat_entry(name: str, entry: Any) -> Iterator[tuple[str, str]]:
    if isinstance(entry, Mapping):
        yield from _flat(entry, f"{name}.")
    elif isinstance(entry, list) and any(isinstance(item, Mapping) for item in entry):
        for number, item in enumerate(entry, start=1):
            yield from _flat(item, f"{name} {number}.") if isinstance(item, Mapping) else [(name, str(item))]
    else:
        yield name, entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False)
