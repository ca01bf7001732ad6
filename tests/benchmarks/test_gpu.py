"""The script for a GPU machine works: on the CPU it measures little of everything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = {
    "lockstep": {"fps", "most_px"},
    "precisions": {"precision", "AUC", "fps"},
    "decoding": {"what", "fps"},
    "training": {"what", "pairs_per_second"},
    "families": {"tracker", "fps", "most_px"},
    "parity": {"tracker", "runtime", "precision", "difference", "network_ms"},
}
"""Columns that every row of a section has."""


@pytest.mark.slow
def test_all_sections_are_measured_on_the_cpu(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--cpu", "--output", str(tmp_path / "gpu.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert {section["name"]: section["error"] for section in report["sections"]} == dict.fromkeys(SECTIONS)
    for section in report["sections"]:
        assert section["rows"]
        for row in section["rows"]:
            assert row["section"] == section["name"]
            assert row.keys() >= SECTIONS[section["name"]]
            assert not {value for key, value in row.items() if key == "most_px" and value > 0.01}
    table = (tmp_path / "gpu.md").read_text()
    assert "| lighttrack-m | torch | fp32 | 0 |" in table
    assert "located" in table
