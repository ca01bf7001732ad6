"""Each row of the tables in docs/what-a-run-survives.md names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "what-a-run-survives.md"
_ROW = re.compile(r"^\|(?!---)(?P<cells>.*)\|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[str]:
    """Return the rows of the tables of events, without their heads."""
    tables = PAGE.read_text(encoding="utf-8").partition("## Limits")[0]
    return [cells for match in _ROW.finditer(tables) if not (cells := match["cells"]).startswith(" event")]


def functions(path: Path) -> set[str]:
    """Return the names of the test functions of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_event_names_tests_that_exist() -> None:
    found = rows()
    assert len(found) > 20
    for row in found:
        named = _TEST.findall(row)
        assert named, row
        for file, name in named:
            assert name in functions(ROOT / file), row
