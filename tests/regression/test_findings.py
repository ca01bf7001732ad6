"""Findings and the verdict of a report."""

from __future__ import annotations

from .sample_report import ALL, FINE, SKIPPED, UNSURE, report


def test_the_worst_verdict_decides() -> None:
    assert ALL.exit_code() == 1
    assert report(UNSURE, FINE).exit_code() == 3
    assert report(UNSURE, FINE).exit_code(strict=True) == 1
    assert report(SKIPPED, FINE).exit_code() == 0
