"""Check that results of all sequences of a dataset can have files of their own."""

from __future__ import annotations

import os
from pathlib import Path

from evalkit.errors import EvalkitError
from evalkit.results import run_record
from evalkit.types import Dataset

MAX_NAME_BYTES = 215
"""Longest name of a sequence; file systems allow 255 bytes, and file names have further parts around it."""


def refuse_impossible_names(dataset: Dataset) -> None:
    """Raise an error for a sequence whose files of results could not be told from others, or could not exist.

    Raises:
        EvalkitError: A name is that of another file of the results folder, or is too long.
    """
    reserved = _reserved(dataset)
    for sequence in dataset.sequences:
        where = f"{dataset.name}/{sequence.name}"
        if sequence.name in reserved:
            raise EvalkitError(
                "results of this sequence would have the name of another file of the results folder", where=where,
                hint="Rename the sequence, or choose another layout",
            )  # fmt: skip
        size = len(os.fsencode(sequence.name))
        if size > MAX_NAME_BYTES:
            raise EvalkitError(
                "the name of this sequence is too long for files of results", where=where, found=f"{size} bytes",
                expected=f"at most {MAX_NAME_BYTES}", hint="Rename the sequence, or leave it out with --sequences",
            )  # fmt: skip


def _reserved(dataset: Dataset) -> set[str]:
    reserved = {*dataset.protocols[1:]}
    if dataset.layout == "otb-json":
        reserved.add(Path(run_record.FILE).stem)
    if dataset.layout == "pytracking":  # times are next to the boxes
        reserved.update(f"{sequence.name}_time" for sequence in dataset.sequences)
    return reserved
