"""``search.json``: what determines a search, so that two different searches are never mixed in one folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError
from evalkit.io.atomic import write_json
from evalkit.results.run_record import environment
from evalkit.search.ledger import LEDGER

RECORD = "search.json"
"""Name of the file in the folder of a search."""
FRONT = "front.json"
"""Name of the file with the front, in the folder of a search."""
MEMBERS = "front"
"""Name of the folder with the weights of the front's members, in the folder of a search."""
VERSION = 1


def load_record(folder: Path) -> dict[str, Any] | None:
    """Return the record of the search in a folder; None if there is none.

    Raises:
        EvalkitError: The file is damaged or of a newer version.
    """
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = record["version"]
        dict(record["identity"] or {})
    except (ValueError, KeyError, TypeError) as error:
        raise EvalkitError(
            f"this file is damaged: {error}", where=path, hint="Start the search in a new folder"
        ) from error
    if version != VERSION:
        raise EvalkitError("this file has another version", where=path, found=version, expected=VERSION)
    return record


def claim_folder(folder: Path, *, resume: bool) -> None:
    """Check that a folder holds a search exactly if one is to be resumed, and mark a new one.

    A folder with nothing but the mark of a search whose preparation failed is taken as new.

    Raises:
        EvalkitError: The folder holds a search and ``resume`` is False, or the other way round.
    """
    record = load_record(folder)
    exists = record is not None
    if resume and not exists:
        raise EvalkitError("there is no search to resume in this folder", where=folder, hint="Leave out --resume")
    is_begun = record is not None and (record["identity"] is not None or _has_other_files(folder))
    if not resume and (is_begun or (folder / LEDGER).exists()):
        raise EvalkitError("this folder contains a search already", where=folder, hint="Add --resume to continue it")
    if not exists:
        write_json(folder / RECORD, {"version": VERSION, "identity": None, "environments": []})


def _has_other_files(folder: Path) -> bool:
    return any(file.name != RECORD and not file.name.startswith(".") for file in folder.iterdir())


def write_record(folder: Path, identity: Mapping[str, Any]) -> None:
    """Write what determines the search, and the versions of this process.

    Raises:
        EvalkitError: The folder holds a different search.
    """
    record = load_record(folder) or {"identity": None, "environments": []}
    own = json.loads(json.dumps(identity, allow_nan=False))
    if record["identity"] is not None:
        _check_same(folder, record["identity"], own)
    environments = list(record["environments"])
    present = json.loads(json.dumps(environment()))
    if present not in environments:
        environments.append(present)
    write_json(folder / RECORD, {"version": VERSION, "identity": own, "environments": environments})


def _check_same(folder: Path, stored: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    for name in sorted({*stored, *own}):
        if stored.get(name) != own.get(name):
            raise EvalkitError(
                f"the search in this folder has another {name}", where=folder / RECORD, found=stored.get(name),
                expected=own.get(name), hint="Repeat its options, or choose a new folder",
            )  # fmt: skip
