"""A search as found on disk: for reports, without a tracker or torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError
from evalkit.search.ledger import LEDGER, Evaluation, Ledger
from evalkit.search.record import FRONT, load_record


@dataclass(frozen=True)
class StoredSearch:
    """The content of a search's folder.

    Attributes:
        name: Name of the folder.
        identity: What determines the search, from ``search.json``.
        evaluations: What was evaluated during the search, by its fitness.
        records: Members of the front and the reference, from ``front.json``.
    """

    name: str
    identity: Mapping[str, Any]
    evaluations: tuple[Evaluation, ...]
    records: tuple[Mapping[str, Any], ...]


def load_search(folder: Path) -> StoredSearch:
    """Read a finished search.

    Raises:
        EvalkitError: The folder holds no search, or one that is not finished, or a file is damaged.
    """
    record = load_record(folder)
    if record is None or record["identity"] is None:
        raise EvalkitError("this folder contains no search", where=folder, hint="Start one with `evalkit search`")
    path = folder / FRONT
    if not path.is_file():
        raise EvalkitError(
            "this search is not finished", where=folder, hint="Continue it with `evalkit search --resume`"
        )
    try:
        records = tuple(dict(one) for one in json.loads(path.read_text(encoding="utf-8"))["records"])
    except (ValueError, KeyError, TypeError) as error:
        raise EvalkitError(
            f"this file is damaged: {error}", where=path, hint="Write it again with `evalkit search --resume`"
        ) from error
    identity = record["identity"]
    measured = (one for one in Ledger(folder / LEDGER) if one.measure == identity["fitness"] and one.generation >= 0)
    return StoredSearch(folder.resolve().name, identity, tuple(measured), records)
