"""Benchmarks described by a table: one annotation file per sequence, in its folder or in a folder of annotations."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

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
        every: Take each n-th of rows of kind ``vatic``, unless a file has only about as many as frames.
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
        attributes: Names of a sequence's attributes, in the order of the flags of ``attribute_file``; none where
            ``sequences`` has the attributes.
        attribute_file: Pattern of files with one row of flags; None where ``sequences`` has the attributes.
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
    profiles: tuple[str, ...] = ("otb-matlab", "pysot", "pytracking", "ostrack", "got10k")
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
    """Read a TOML file with one table ``[[benchmark]]`` per benchmark, whose keys are the fields of ``TableBenchmark``.

    The file ``sequences/<name>.csv`` next to it is a benchmark's list of sequences, where there is one.

    Raises:
        EvalkitError: The file is missing or damaged, a key is unknown or missing, or a value has the wrong type.
    """
    tables = toml.load_table(path, missing="this table of benchmarks does not exist", hint=_HINT)
    benchmarks = [_benchmark(table, path.parent / "sequences") for table in tables.tables("benchmark")]
    tables.reject_unknown_keys()
    return {benchmark.name: benchmark for benchmark in benchmarks}


def _benchmark(table: toml.StrictTable, lists: Path) -> TableBenchmark:
    values = {one.name: _value(table, one) for one in fields(TableBenchmark) if one.name != "sequences"}
    table.reject_unknown_keys()
    for key, choices in (("rows", get_args(RowKind)), ("family", (None, *get_args(Family)))):
        if values[key] not in choices:
            raise table.invalid(key, values[key], " or ".join(choice for choice in choices if choice))
    path = lists / f"{values['name']}.csv"
    return TableBenchmark(**values, sequences=path if path.is_file() else None)


def _value(table: toml.StrictTable, key: Field[Any]) -> Any:
    """Read the value of a field; the default where it is optional and missing."""
    default = key.default_factory() if key.default_factory is not MISSING else key.default
    if key.name == "flags":
        flags = table.table("flags")
        patterns = {flag: names for flag in _FLAGS if (names := flags.names(flag)) is not None}
        flags.reject_unknown_keys()
        return patterns
    kind = _KINDS.get(str(key.type).removesuffix(" | None"), str)
    if kind is list:
        names = table.names(key.name)
        if names is None and default is MISSING:
            table.require(key.name, list)
        return default if names is None else names
    return table.require(key.name, kind) if default is MISSING else table.get(key.name, kind, default)


_KINDS: Mapping[str, type] = {"int": int, "bool": bool, "float": float, "tuple[str, ...]": list}
"""Type in TOML by the annotation of a field; all others are text."""

_FLAGS = ("absent", "full_occlusion", "out_of_view")
