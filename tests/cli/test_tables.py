"""Tables on a terminal."""

from __future__ import annotations

import sys

import pytest

from evalkit.cli.tables import terminal_style


@pytest.mark.parametrize(
    ("environment", "bold"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),  # no-color.org: it counts if it is not empty
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_the_best_values_are_bold_where_the_terminal_shows_it(
    environment: dict[str, str], bold: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert terminal_style()["bold"] is bold
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert terminal_style() == {}
