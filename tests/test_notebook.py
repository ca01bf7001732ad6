"""The notebook of the documentation, cell by cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

NOTEBOOK = Path(__file__).resolve().parents[1] / "docs" / "python.ipynb"


def cells() -> list[dict[str, Any]]:
    return [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mpl.use("agg")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "notebook"}
    for number, cell in enumerate(cells(), start=1):
        exec(compile("".join(cell["source"]), f"cell {number} of {NOTEBOOK.name}", "exec"), names)
    assert not names["report"].failures
    assert set(names["auc"].index) == {"identity", "Shrinking"}
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert len(names["figure"].axes) == 2


def test_no_output_of_one_machine_is_kept() -> None:
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells())
