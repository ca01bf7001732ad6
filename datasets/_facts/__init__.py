"""Published facts about the benchmarks, one JSON file each: names, row counts, frame ranges, attributes, sizes."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def read_facts(benchmark: str) -> Any:
    """Return the content of ``<benchmark>.json`` in this folder; its key ``sources`` names where it is from."""
    return json.loads((Path(__file__).parent / f"{benchmark}.json").read_text(encoding="utf-8"))
