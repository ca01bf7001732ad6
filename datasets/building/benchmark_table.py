"""Benchmarks described by a table: one annotation file per sequence, in its folder or in a folder of annotations."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from evalkit.errors import EvalkitError, suggestion
from evalkit.io import toml
from evalkit.types.datasets import Family

RowKind: TypeAlias = Literal["boxes", "vatic"]
"""``boxes``: ``x, y, width, height``. ``vatic``: the rows of the VATIC annotation tool, with corners."""

UNVERIFIED = "layout not verified against the original"
"""Added to the summary of a benchmark whose original files were not seen."""

_HINT = "evalkit.datasets.building.TableBenchmark describes the keys"


@dataclass(frozen=True, kw_only=True)
class TableBenchmark:
    """One benchmark, as the table describes it.

    Paths are patterns relative to the benchmark's folder, with the placeholders ``{name}`` (the sequence), ``{folder}``
    (the folder of its images, from the list of sequences) and ``{group}`` (the part of the name before the last dash;
    in benchmarks without a list of sequences, any folder). Where several patterns are given, the annotations are
    joined by ``join_forms``, and of the others the first that exists is used.

    Attributes:
        name: evalkit's name.
        title: One line for ``evalkit list datasets``.
        directory: Folder of its results.
        folders: Usual names of its folder.
        annotations: Patterns of the annotation files, one for each form in which the benchmark is distributed.
        images: Patterns of the folders of images.
        source: Where the facts are from.
        aliases: Further names of the dataset; toolkits of other authors may use them for folders of results.
        origin: Coordinate of the top left pixel, 0 or 1.
        sequences: CSV file with a column ``name`` and optionally ``folder``, ``first`` (number of the first image),
            ``rows`` (number of annotated rows), ``attributes`` (separated by spaces) and others, which become
            ``Sequence.meta``; None where the sequences are those of the folder.
        listed_by: Pattern of the files that tell which sequences there are, where ``sequences`` is None; by default the
            first annotation pattern.
        usual_folders_only: True where the patterns fit other benchmarks too, so that the folder's name must tell.
        index: Name of a JSON index as published with pysot, without ``.json``.
        rows: Kind of the rows of annotations with the first pattern; those of other patterns are boxes.
        every: Take each n-th of rows of kind ``vatic``, unless there are not as many as that gives.
        cut: Leave out rows beyond the official number, and flags beyond the rows.
        surplus: Number of images that may follow the last annotated one.
        digits: Digits of image numbers, for rendered trees.
        image_prefix: Text before image numbers, for rendered trees.
        separator: Separator of annotation rows, for rendered trees.
        decimals: Decimals of annotation rows, for rendered trees.
        absent_row: Row written where the target is absent, for rendered trees.
        absent_rows_are_flags: True where the official toolkit takes ``absent_row`` as the mark of absent frames.
        flags: By name (``absent``, ``full_occlusion``, ``out_of_view``), patterns of files with a flag per frame.
            Without ``absent``, a frame with any of the flags is absent.
        attributes: Names of a sequence's attributes, in the order of the flags of ``attribute_file``.
        attribute_file: Pattern of files with one row of flags, used where ``sequences`` has no attributes.
        language: Pattern of files with a sentence that describes the target.
        prefix: Text before sequence names in results of pytracking and toolkits made from it.
        family: See ``evalkit.types.Dataset``.
        profiles: Metric profiles, the official one first.
        fps: Frame rate of all videos.
        unverified: True where no original file was seen.
    """

    name: str
    title: str
    directory: str
    folders: tuple[str, ...]
    annotations: tuple[str, ...]
    images: tuple[str, ...]
    source: str
    origin: int
    aliases: tuple[str, ...] = ()
    sequences: Path | None = None
    listed_by: str | None = None
    usual_folders_only: bool = False
    index: str | None = None
    rows: RowKind = "boxes"
    every: int = 1
    cut: bool = False
    surplus: int = 0
    digits: int = 8
    image_prefix: str = ""
    separator: str = ","
    decimals: int = 2
    absent_row: str = "0,0,0,0"
    absent_rows_are_flags: bool = False
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    attribute_file: str | None = None
    language: str | None = None
    prefix: str = ""
    family: Family | None = None
    profiles: tuple[str, ...] = ("otb-matlab", "pysot", "pytracking", "got10k")
    fps: float | None = None
    unverified: bool = False

    @property
    def summary(self) -> str:
        """The title, followed by a remark where the layout is not verified."""
        return f"{self.title}; {UNVERIFIED}" if self.unverified else self.title

    @cached_property
    def listed(self) -> Mapping[str, Mapping[str, str]] | None:
        """By name, in order, the rows of ``sequences``; None without such a file."""
        if self.sequences is None:
            return None
        with self.sequences.open(encoding="utf-8", newline="") as stream:
            return {row["name"]: row for row in csv.DictReader(stream)}


def read_benchmarks(path: Path) -> dict[str, TableBenchmark]:
    """Read a TOML file with one table per benchmark, named like it.

    The file ``sequences/<name>.csv`` next to it is its list of sequences, where there is one.

    Raises:
        EvalkitError: The file is missing or damaged, a key is unknown or missing, or a value has the wrong type.
    """
    tables = toml.read(path, missing="this table of benchmarks is missing", hint=_HINT)
    return {name: _benchmark(name, table, path) for name, table in tables.items()}


def _benchmark(name: str, table: Any, path: Path) -> TableBenchmark:
    where = f"{path}, [{name}]"
    if not isinstance(table, dict):
        raise EvalkitError("not a table", where=where, expected=f"[{name}] and its keys", hint=_HINT)
    known = {one.name: one for one in fields(TableBenchmark) if one.name not in ("name", "sequences")}
    for key in table:
        if key not in known:
            raise EvalkitError("unknown key", where=where, found=key, hint=suggestion(key, known) or _HINT)
    sequences = path.parent / "sequences" / f"{name}.csv"
    values = {key: _checked(value, str(known[key].type), f"{where} {key}") for key, value in table.items()}
    try:
        benchmark = TableBenchmark(name=name, sequences=sequences if sequences.is_file() else None, **values)
    except TypeError as error:
        raise EvalkitError(f"a key is missing: {error}", where=where, hint=_HINT) from error
    if benchmark.rows not in get_args(RowKind) or benchmark.family not in (None, *get_args(Family)):
        raise EvalkitError("unknown kind of rows, or unknown family", where=where, hint=_HINT)
    return benchmark


_TYPES: Mapping[str, type | tuple[type, ...]] = {"str": str, "int": int, "bool": bool, "float": (int, float)}


def _checked(value: Any, annotation: str, where: str) -> Any:
    """Return a value as the field's type has it: arrays as tuples.

    Raises:
        EvalkitError: It has another type.
    """
    kind = annotation.removesuffix(" | None")
    if kind.startswith("tuple"):
        right = isinstance(value, list) and all(isinstance(item, str) for item in value)
        value = tuple(value) if right else value
    elif kind.startswith("Mapping"):
        right = isinstance(value, dict) and all(isinstance(item, list) for item in value.values())
        value = {key: tuple(item) for key, item in value.items()} if right else value
    else:
        right = isinstance(value, _TYPES.get(kind, str)) and isinstance(value, bool) == (kind == "bool")
    if not right:
        raise EvalkitError("a value has the wrong type", where=where, found=repr(value), expected=kind, hint=_HINT)
    return value
