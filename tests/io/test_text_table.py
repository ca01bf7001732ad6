"""Aligned text tables."""

from __future__ import annotations

import pytest

from evalkit.io.text_table import aligned_lines


def test_columns_line_up_and_numbers_end_in_one_column() -> None:
    lines = aligned_lines([("tracker", "fps", "device"), ("mosse", "120.5", "cpu"), ("a", "7.0", "")], right={1})
    assert lines == ["tracker    fps  device", "mosse    120.5  cpu", "a          7.0"]


def test_long_cells_are_cut_off_only_where_that_was_asked_for() -> None:
    rows = [("abcdef", "x"), ("gh", "y")]
    assert aligned_lines(rows, max_width=3) == ["abc  x", "gh   y"]
    assert aligned_lines(rows) == ["abcdef  x", "gh      y"]


def test_no_rows_give_no_lines() -> None:
    assert aligned_lines([]) == []


def test_rows_of_different_lengths_are_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        aligned_lines([("a", "b"), ("c",)])
