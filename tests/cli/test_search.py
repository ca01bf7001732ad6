"""Options of `evalkit search` as the search receives them."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from evalkit import api
from evalkit.cli import cli, search
from evalkit.errors import EvalkitError
from evalkit.search import evolution, options
from evalkit.trackers._lighttrack.training import path_sampling, step, supernet_training

COMMAND = ("search", "--limit", "macs=600M", "--output")


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[api.SearchOptions]:
    """Options of the searches that commands would have started."""
    found: list[api.SearchOptions] = []

    def search(options: api.SearchOptions, **_: object) -> None:
        found.append(options)
        raise EvalkitError("not searched")

    monkeypatch.setattr(api, "search", search)
    return found


def test_a_number_that_is_zero_is_passed_on(tmp_path: Path, received: list[api.SearchOptions]) -> None:
    command = [*COMMAND, str(tmp_path / "out")]
    CliRunner().invoke(cli, command)
    CliRunner().invoke(cli, [*command, "--imitation", "0", "--settling", "0", "--grown", "0"])
    assert [dict(one.training) for one in received] == [{}, {"imitation": 0, "settling": 0, "grown": 0}]


def test_the_precision_of_training_is_not_that_of_latencies(tmp_path: Path, received: list[api.SearchOptions]) -> None:
    CliRunner().invoke(cli, [*COMMAND, str(tmp_path / "out"), "--training-precision", "bf16", "--precision", "fp16"])
    assert [(dict(one.training), one.precision) for one in received] == [({"precision": "bf16"}, "fp16")]


def test_the_least_numbers_of_layers_are_passed_on(tmp_path: Path, received: list[api.SearchOptions]) -> None:
    command = [*COMMAND, str(tmp_path / "out")]
    CliRunner().invoke(cli, command)
    CliRunner().invoke(cli, [*command, "--least-layers", "5", "7"])
    assert [one.least_layers for one in received] == [api.SearchOptions.least_layers, (5, 7)]


def test_choices_and_names_are_those_of_the_search() -> None:
    offered = {
        one.name: set(one.type.choices)
        for one in search.search_command.params
        if isinstance(one.type, click.Choice) and one.name != "text_format"
    }
    assert offered == {
        "method": set(evolution.METHODS), "engine": set(options.ENGINES), "sampling": set(path_sampling.SAMPLINGS),
        "layout": set(supernet_training.LAYOUTS), "training_precision": set(step.PRECISIONS),
    }  # fmt: skip
    assert search.BUNDLED == options.BUNDLED
