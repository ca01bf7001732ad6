"""Print tables: to a terminal in its width and with the best values in bold, elsewhere as plain text."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

import click

from evalkit.cli.terminal import is_dumb, unprotected


def print_numbers(text_format: str, **content: Any) -> None:
    """Print scores, costs or records in a format of ``evalkit.api.render``, which has the same arguments."""
    from evalkit import api

    style = terminal_style() if text_format in ("table", "profile") else {}
    text = api.render(text_format, **content, **style)
    if style.get("bold"):
        # Names have no control characters in such a text; the stream would write out its escape sequences.
        click.echo(text, file=unprotected(sys.stdout))
    else:
        click.echo(text)


def terminal_style() -> dict[str, Any]:
    """Return ``width`` and ``bold`` of tables on standard output; no values if it is not a terminal."""
    if sys.stdout is None or not sys.stdout.isatty():
        return {}
    bold = not is_dumb() and not os.environ.get("NO_COLOR")
    return {"width": shutil.get_terminal_size().columns, "bold": bold}
