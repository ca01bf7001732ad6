"""Costs in files of `evalkit profile`, and the labels that they belong to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.comparison import Comparison, collect
from evalkit.types import Cost, Dataset


@pytest.fixture
def place(tiny: Dataset, tmp_path: Path) -> Path:
    """Results of ``MyNano``, and a file with costs of ``nanotrack-v2``."""
    folder = tmp_path / "results" / "tiny" / "MyNano"
    folder.mkdir(parents=True)
    for sequence in tiny.sequences:
        (folder / f"{sequence.name}.txt").write_text("1,2,16,12\n" * len(sequence))
    cost = Cost("nanotrack-v2", "latency_p50", "tracking", 8.0, "ms", "")
    (tmp_path / "costs.json").write_text(json.dumps({"version": 1, "records": [cost.record()]}))
    return tmp_path


def compare(place: Path, **more: object) -> Comparison:
    return collect(None, "tiny", results=place / "results", costs=[place / "costs.json"], **more)  # type: ignore[arg-type]


def test_costs_that_belong_to_no_label_are_named(place: Path) -> None:
    (sentence,) = [one for one in compare(place).notices if "costs" in one]
    assert sentence == (
        f"{place}/costs.json: the costs of nanotrack-v2 belong to no label here (MyNano); "
        "--published LABEL=nanotrack-v2 names the tracker of a label"
    )


def test_costs_of_the_tracker_that_a_label_stands_for_are_shown_under_the_label(place: Path) -> None:
    compared = compare(place, names={"MyNano": "nanotrack-v2"})
    assert [(cost.tracker, cost.value) for cost in compared.costs if cost.quantity == "latency_p50"] == [
        ("MyNano", 8.0)
    ]
    assert not [one for one in compared.notices if "costs" in one]
