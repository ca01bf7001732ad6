"""Find the registered report or video format for an output file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.registry import ReportEntry


def format_of(output: Path, kind: Literal["suffix", "video"] = "suffix") -> ReportEntry:
    """Return the registered format that writes files of this suffix.

    Args:
        kind: ``suffix`` for reports, ``video`` for replays.

    Raises:
        EvalkitError: No format has this suffix.
    """
    found = {suffix: entry for entry in registry.report.entries() if (suffix := getattr(entry, kind)) is not None}
    if output.suffix.lower() not in found:
        raise EvalkitError("unsupported report format", where=f"--output {output}", expected=", ".join(sorted(found)))
    return found[output.suffix.lower()]
