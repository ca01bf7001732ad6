"""Options of `evalkit search` as the search receives them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from evalkit import api
from evalkit.cli import cli
from evalkit.errors import EvalkitError


def test_a_number_of_steps_that_is_zero_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    received = []

    def search(options: api.SearchOptions, **_: object) -> None:
        received.append(options)
        raise EvalkitError("not searched")

    monkeypatch.setattr(api, "search", search)
    command = ["search", "--output", str(tmp_path / "out"), "--limit", "macs=600M"]
    CliRunner().invoke(cli, command)
    CliRunner().invoke(cli, [*command, "--imitation", "0", "--settling", "0"])
    assert [dict(one.training) for one in received] == [{}, {"imitation": 0, "settling": 0}]
