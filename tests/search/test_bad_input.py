"""Invalid requests: each is an ``EvalkitError`` that says what to do."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_search import ToySearch, toy_search

from evalkit.errors import EvalkitError
from evalkit.io.file_lock import exclusive_lock
from evalkit.search.ledger import LEDGER, Ledger
from evalkit.search.limits import parse_limits
from evalkit.search.options import SearchOptions
from evalkit.search.run import run_search


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("macs", "has the form COST=NUMBER"),
        ("mac=600M", "cannot be limited.*Did you mean 'macs'"),
        ("macs=many", "not a positive number"),
        ("macs=-1", "not a positive number"),
        ("macs=nan", "not a positive number"),
        ("macs=infG", "not a positive number"),
        ("macs=", "not a positive number"),
    ],
)
def test_an_invalid_limit_is_rejected(limit: str, message: str) -> None:
    with pytest.raises(EvalkitError, match=message):
        parse_limits([limit], ["macs", "parameters"])


@pytest.mark.parametrize("text", ["latency=8ms", "latency=8", "latency = 8.0ms"])
def test_a_latency_can_have_its_unit(text: str) -> None:
    assert parse_limits([text], ["latency"]) == {"latency": 8.0}


def test_another_cost_has_no_unit() -> None:
    with pytest.raises(EvalkitError, match="not a positive number"):
        parse_limits(["macs=8ms"], ["macs"])


def test_a_limit_that_excludes_nothing_is_noted(tmp_path: Path) -> None:
    result = toy_search(tmp_path / "wide", limits=("macs=120", "parameters=3"))
    assert result.notes == (
        "--limit macs=120 excludes nothing: the architectures of the search space have at most 120",
    )
    assert toy_search(tmp_path / "narrow", limits=("macs=119",)).notes == ()


def test_two_limits_of_one_cost_are_rejected() -> None:
    with pytest.raises(EvalkitError, match="two limits"):
        parse_limits(["macs=1M", "macs=2M"], ["macs"])


def test_a_limit_that_nothing_meets_names_the_smallest(tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match=r"no architecture .* is within this limit.*at least 1, its smallest macs"):
        toy_search(tmp_path, limits=("macs=0.5",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"evaluations": 10}, "fewer evaluations than the population"),
        ({"population": 7}, "even number from 4 on"),
        ({"population": 2}, "even number from 4 on"),
        ({"method": "annealing"}, "no such search method"),
        ({"against": "joules"}, "no such cost"),
        ({"runtime": "onnxruntime"}, "for a limit of the latency only"),
        ({"latency_table": Path("x.json")}, "for a limit of the latency only"),
        ({"precision": "bf16"}, "for a limit of the latency only.*--training-precision"),
        ({"engine": "threads"}, "no such engine"),
        ({"address": "ray://host:1"}, "by --engine ray only"),
        ({"radius": 2}, "Add --within"),
        ({"weights": Path("x.pth")}, "--within"),
        ({"sequences": ("A",)}, "Add --fitness DATASET"),
        ({"supernet": Path("x.pth"), "training": {"steps": 3}}, "Leave out --steps"),
        ({"supernet": Path("x.pth"), "training": {"precision": "bf16"}}, "Leave out --training-precision"),
    ],
)
def test_contradictory_options_are_rejected(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(EvalkitError, match=message):
        toy_search(tmp_path, **options)


def test_resuming_needs_a_search_and_a_new_one_needs_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match=r"no search to resume.*Leave out --resume"):
        toy_search(tmp_path, resume=True)
    toy_search(tmp_path)
    with pytest.raises(EvalkitError, match=r"contains a search already.*Add --resume"):
        toy_search(tmp_path)


def test_a_search_that_could_not_be_prepared_leaves_its_folder_to_the_next(tmp_path: Path) -> None:
    def fail() -> ToySearch:
        raise EvalkitError("no such file")

    def fail_late() -> ToySearch:
        (tmp_path / "checkpoint.pt").touch()
        return fail()

    options = SearchOptions(tmp_path, evaluations=8, population=4)
    for prepare in (fail, fail_late):
        with pytest.raises(EvalkitError, match="no such file"):
            run_search(prepare, options)
    with pytest.raises(EvalkitError, match=r"contains a search already.*Add --resume"):
        run_search(ToySearch, options)
    run_search(ToySearch, replace(options, resume=True))


@pytest.mark.parametrize(("name", "value"), [("seed", 2), ("limits", ("macs=50",)), ("method", "random")])
def test_a_search_with_other_options_is_not_mixed_in(tmp_path: Path, name: str, value: object) -> None:
    toy_search(tmp_path)
    with pytest.raises(EvalkitError, match=f"has another {name}"):
        toy_search(tmp_path, resume=True, **{name: value})


def test_a_search_with_other_weights_is_not_mixed_in(tmp_path: Path) -> None:
    toy_search(tmp_path)
    with pytest.raises(EvalkitError, match="has another weights"):
        toy_search(tmp_path, ToySearch(weights="others"), resume=True)


@pytest.mark.parametrize(
    "line",
    [b"{}", b"[1]", b"not JSON", b'{"path": "1-2", "measure": "pairs", "value": 7}', b'{"path": "1", "other": 1}'],
)
def test_a_damaged_line_of_the_ledger_is_named(tmp_path: Path, line: bytes) -> None:
    toy_search(tmp_path)
    content = (tmp_path / LEDGER).read_bytes().splitlines(keepends=True)
    (tmp_path / LEDGER).write_bytes(b"".join([*content[:2], line + b"\n", *content[2:]]))
    with pytest.raises(EvalkitError, match=r"ledger\.jsonl:3: this line of the ledger is damaged"):
        toy_search(tmp_path, resume=True)


def test_any_bytes_in_a_ledger_give_an_error_or_a_ledger(tmp_path: Path) -> None:
    import random

    generator = random.Random(4)
    toy_search(tmp_path, evaluations=12)
    content = (tmp_path / LEDGER).read_bytes()
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(generator.randint(1, 8)):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        (tmp_path / LEDGER).write_bytes(bytes(damaged))
        try:
            Ledger(tmp_path / LEDGER)
        except EvalkitError as error:
            assert "ledger.jsonl" in str(error)


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    toy_search(tmp_path)
    (tmp_path / "search.json").write_text("{", encoding="utf-8")
    with pytest.raises(EvalkitError, match=r"search\.json: this file is damaged"):
        toy_search(tmp_path, resume=True)
    (tmp_path / "search.json").write_text(json.dumps({"version": 9, "identity": {}}), encoding="utf-8")
    with pytest.raises(EvalkitError, match="another version"):
        toy_search(tmp_path, resume=True)


def test_two_searches_do_not_use_one_folder_at_the_same_time(tmp_path: Path) -> None:
    with exclusive_lock(tmp_path / "search.json"), pytest.raises(EvalkitError, match="another search uses this folder"):
        toy_search(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(EvalkitError, match="cannot write"):
        toy_search(tmp_path)


def test_a_ledger_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    (tmp_path / LEDGER).mkdir(parents=True)
    with pytest.raises(EvalkitError, match="contains a search already"):
        toy_search(tmp_path)


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EvalkitError, match="cannot write"):
        toy_search(tmp_path / "file" / "below")


def test_a_reference_that_fails_does_not_end_the_search(tmp_path: Path) -> None:
    reference = "0-" * 24 + "3"
    result = toy_search(tmp_path, ToySearch(reference=reference, trouble={reference: "nan"}))
    assert result.records[-1]["path"] == reference
    assert result.records[-1]["fitness"] == 0
