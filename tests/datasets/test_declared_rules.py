"""Every fact and rule that is declared about benchmarks is read by something, and concerns something that exists."""

from __future__ import annotations

import ast
import dataclasses
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest

from evalkit import registry
from evalkit.datasets import lasot, otb
from evalkit.datasets._facts import read_facts
from evalkit.datasets.building import TableBenchmark, read_benchmarks
from evalkit.datasets.building.forms import Source
from evalkit.metrics.one_pass import Toolkit
from evalkit.metrics.profiles import got10k
from evalkit.registry import entries
from evalkit.types import Annotation, Dataset, Metric, Sequence, VotRules
from evalkit.types.datasets import Family

ROOT = Path(registry.__file__).resolve().parents[2]
FACTS = ROOT / "datasets" / "_facts"
BENCHMARKS = read_benchmarks(FACTS / "benchmarks.toml")

FOR_USERS = {
    "meta": "further text of a benchmark, for programs of users",
    "source": "where facts are from",
}
"""Fields that evalkit itself need not read."""

DECLARED: list[type] = [
    TableBenchmark, VotRules, Dataset, Sequence, Annotation, Source, Toolkit, Metric,
    *(one for one in vars(entries).values() if isinstance(one, type) and issubclass(one, entries.Entry)),
]  # fmt: skip


@cache
def trees() -> list[ast.AST]:
    folders = [ROOT / name for name in ("evalkit", "trackers", "datasets", "reports")]
    files = {path.resolve() for folder in folders for path in folder.rglob("*.py")}
    return [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(files)]


@cache
def names_read() -> frozenset[str]:
    """Names of all attributes that code reads, also those read by ``getattr``."""
    nodes = [node for tree in trees() for node in ast.walk(tree)]
    read = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}
    calls = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "getattr"]
    return frozenset(read | {node.args[1].value for node in calls if isinstance(node.args[1], ast.Constant)})


@pytest.mark.parametrize("kind", DECLARED, ids=lambda kind: kind.__name__)
def test_every_field_of_a_declaration_is_read(kind: type) -> None:
    fields = {field.name for field in dataclasses.fields(kind)}
    assert fields - names_read() - set(FOR_USERS) == set()


def test_a_field_that_nothing_reads_would_be_found() -> None:
    assert "a_rule_that_nothing_reads" not in names_read()
    assert {"surplus", "absent_rows_are_flags", "failure_grace", "drop_empty"} <= names_read()


def keys(value: Any) -> Iterator[str]:
    """Keys of the entries of lists: the facts about one sequence."""
    if isinstance(value, list):
        for one in value:
            yield from one if isinstance(one, dict) else ()
    elif isinstance(value, dict):
        for one in value.values():
            yield from keys(one)


@pytest.mark.parametrize("file", sorted(path.name for path in FACTS.glob("*.json")))
def test_every_fact_of_a_file_is_read(file: str) -> None:
    texts = {node.value for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    facts = json.loads((FACTS / file).read_text(encoding="utf-8"))
    declared = {key for name, value in facts.items() if name != "sources" for key in (name, *keys(value))}
    assert declared - texts == set()


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=lambda one: one.name)
def test_no_rule_of_a_table_hides_another(benchmark: TableBenchmark) -> None:
    listed = list((benchmark.listed or {}).values())
    columns = set(listed[0]) if listed else set()
    if "attributes" in columns:
        assert (benchmark.attributes, benchmark.attribute_file) == ((), None)
    assert bool(benchmark.attributes) == (benchmark.attribute_file is not None)
    if benchmark.every > 1:
        assert benchmark.rows == "vatic" and "rows" in columns
    if benchmark.cut:
        assert "rows" in columns or benchmark.flags
    if benchmark.listed_by is not None:
        assert not listed
    if benchmark.absent_rows_are_flags:  # not where another rule gives the flags in any case
        assert set(benchmark.flags) <= {"absent"}
    for column in ("first", "folder"):
        assert column not in columns or any(row[column] for row in listed)


def test_rules_for_single_sequences_concern_sequences_that_exist() -> None:
    facts = read_facts("lasot")
    extension = {f"{name}-{number}" for name in facts["extension_classes"] for number in range(1, 11)}
    assert set(lasot._SCORED_ROWS) <= extension - {entry["name"] for entry in facts["test"]}
    assert set(read_facts("otb")["omitted_rows"]) <= {entry["name"] for entry in read_facts("otb")["sequences"]}
    assert otb.otb100 is registry.dataset.find("otb100").factory


def test_the_experiments_of_got10k_are_those_of_declared_families() -> None:
    assert set(got10k._EXPERIMENTS) <= set(get_args(Family))
    declared = {benchmark.family for benchmark in BENCHMARKS.values()} | {
        "otb",
        "lasot",
        "got10k",
        "trackingnet",
        "vot",
    }
    assert declared - {None} == set(get_args(Family))
