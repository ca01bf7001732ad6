"""Limits that a variable raises, and the whole numbers that they are."""

from __future__ import annotations

import pytest

from evalkit.errors import EvalkitError
from evalkit.io.limits import limit
from evalkit.io.whole_numbers import whole_number


def test_a_limit_is_the_variables_value(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limit("EVALKIT_MAX_TEST", 7) == 7
    monkeypatch.setenv("EVALKIT_MAX_TEST", "")
    assert limit("EVALKIT_MAX_TEST", 7) == 7
    monkeypatch.setenv("EVALKIT_MAX_TEST", "12")
    assert limit("EVALKIT_MAX_TEST", 7) == 12


@pytest.mark.parametrize("value", ["8 GB", "1e9", "-1", "²", "9" * 5000])
def test_another_value_is_an_error_that_names_the_variable(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("EVALKIT_MAX_TEST", value)
    with pytest.raises(EvalkitError, match=r"^\$EVALKIT_MAX_TEST: "):
        limit("EVALKIT_MAX_TEST", 7)


@pytest.mark.parametrize("text", ["", "+", "+-1", " 1", "1_0", "²", "\u0661", "1.0", "0x1", "1234567890"])
def test_other_texts_are_not_whole_numbers(text: str) -> None:
    assert whole_number(text, signed=True) is None


def test_whole_numbers_have_a_sign_where_it_is_allowed() -> None:
    assert [whole_number(text, signed=True) for text in ("+1", "-1", "007")] == [1, -1, 7]
    assert whole_number("+1") is None
    assert whole_number("1234567890", digits=10) == 1234567890
