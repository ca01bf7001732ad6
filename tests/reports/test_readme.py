"""``reports/README.md`` lists all registered reports, and its examples work."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from evalkit import registry
from evalkit.comparison import Comparison, format_of
from evalkit.registry import Registry, ReportEntry

README = Path(__file__).resolve().parents[2] / "reports" / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)


def test_every_report_is_in_the_readme() -> None:
    listed = re.findall(
        r"^\| `([\w-]+)` \| (.+) \|$", README.read_text(encoding="utf-8").partition("## Registered")[2], re.M
    )
    assert listed == [(entry.name, entry.summary) for entry in registry.report.entries()]


def test_the_example_adds_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Registry("report", ReportEntry, package="evalkit.reports")
    own._discovered = True
    monkeypatch.setattr(registry, "report", own)
    exec(EXAMPLES[0], {})
    entry = format_of(Path("report.txt"))
    assert entry.build(comparison=Comparison(("one", "two")), scores=()) == "one\ntwo"


def test_the_example_adds_a_format_of_whole_documents(
    monkeypatch: pytest.MonkeyPatch, compare: Callable[..., Comparison]
) -> None:
    own = Registry("report", ReportEntry, package="evalkit.reports")
    own._discovered = True
    monkeypatch.setattr(registry, "report", own)
    exec(EXAMPLES[1], {"__name__": "third_party"})
    entry = format_of(Path("report.titles"))
    comparison = compare("one", "two")
    assert (entry.name, entry.module) == ("titles", "third_party")
    assert entry.build(comparison=comparison).splitlines()[0] == "Summary"
    assert entry.build(scores=comparison.scores[:2]) == "toy (3 sequences, one-pass, otb-matlab v1)"
