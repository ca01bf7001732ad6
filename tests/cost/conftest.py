"""Fixtures for the costs of networks that evalkit does not execute itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_networks import NETWORK

from evalkit.cost import latency
from evalkit.cost.latency import Rules


@pytest.fixture
def own_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write ``nets.py`` into a new current folder, and time few queries."""
    monkeypatch.setitem(latency.RULES, "quick", Rules("quick", warmup=1, queries=5, seconds=0.0))
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(NETWORK)
