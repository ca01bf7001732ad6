"""A dataset outside evalkit, like UAV123: sequences cut from longer videos, with their frame ranges in a table."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from evalkit import registry
from evalkit.datasets.building import FolderImages, Source, find_folders, join_forms, no_sequences_error, text_file_form
from evalkit.types import Dataset

TABLE = Path(__file__).with_suffix(".csv")


@registry.dataset("uav-like", summary="sequences cut from videos of a drone, 4 sequences")
def uav_like(root: Path | None) -> Dataset:
    """Open the annotations in ``anno/<sequence>.txt`` and the images in ``data_seq/<video>/000001.jpg``."""
    folders = find_folders(root, ["UAV_LIKE"], dataset="uav-like")
    with TABLE.open(encoding="utf-8", newline="") as stream:
        table = {row["name"]: row for row in csv.DictReader(stream)}
    sequences = join_forms(table, [_form(folder, table) for folder in folders])
    if not sequences:
        raise no_sequences_error("uav-like", root, folders, "anno/<sequence>.txt")
    return Dataset(
        name="uav-like",
        directory="UAV_LIKE",
        version="1",
        origin=1,
        sequences=sequences,
        expected=tuple(table),
        protocols=("one_pass",),
        profiles=("otb-matlab", "pysot", "pytracking", "got10k"),
        layout="plain",
        family="uav",
        root=root,
    )


def _form(folder: Path, table: dict[str, dict[str, str]]) -> dict[str, Source]:
    annotated = text_file_form(folder / "anno", table)
    return {name: _with_frames(source, folder / "data_seq", table[name]) for name, source in annotated.items()}


def _with_frames(source: Source, videos: Path, row: dict[str, str]) -> Source:
    images, rows = videos / row["video"], int(row["rows"])
    return replace(
        source,
        frames=FolderImages(images, first=int(row["first"]), rows=rows) if images.is_dir() else None,
        attributes=frozenset(row["attributes"].split()),
        official_rows=rows,
    )
