"""Open and register the benchmarks that a table describes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalkit import registry
from evalkit.datasets.building.annotations import check_row_count, read_boxes, read_flags, require_rows
from evalkit.datasets.building.benchmark_table import TableBenchmark, read_benchmarks
from evalkit.datasets.building.folders import find_folders, no_sequences_error
from evalkit.datasets.building.forms import AnnotationForm, Source, join_forms
from evalkit.datasets.building.images import FolderImages
from evalkit.datasets.building.json_index import find_json_indices, json_index_form
from evalkit.datasets.building.patterns import Keys, find_paths, list_sequences, sequence_keys
from evalkit.errors import EvalkitError
from evalkit.io.rows import parse_rows, read_bytes, read_values
from evalkit.types import Annotation, Boxes, Dataset

if TYPE_CHECKING:
    from evalkit.rendering.write_as import DatasetLayout

_COLUMNS = ("name", "folder", "first", "rows", "attributes")
"""Columns of the list of sequences that have a meaning here; the others become ``Sequence.meta``."""


def open_table(benchmark: TableBenchmark, root: Path | None) -> Dataset:
    """Open a benchmark from its folder, or from a folder that contains it.

    Raises:
        EvalkitError: There is no such folder, or it has no sequence of the benchmark.
    """
    folders = _folders(benchmark, root)
    sequences = _sequence_keys(benchmark, folders)
    forms = [form for folder in folders for form in _FolderForms(benchmark, folder, sequences).forms()]
    if benchmark.index is not None:
        indices = find_json_indices(root, folders, [benchmark.index])
        forms += [_with_facts(benchmark, json_index_form(path, sequences)) for path in indices]
    videos = join_forms(sequences, forms)
    if not videos:
        raise no_sequences_error(benchmark.name, root, folders, _expected_paths(benchmark))
    return Dataset(
        name=benchmark.name,
        directory=benchmark.directory,
        version="1",
        origin=benchmark.origin,
        sequences=videos,
        expected=tuple(sequences),
        protocols=("one_pass",),
        profiles=benchmark.profiles,
        layout="plain",
        family=benchmark.family,
        root=root,
    )


def register_benchmarks(path: Path, module: str) -> dict[str, Callable[..., Dataset]]:
    """Register every benchmark of a TOML file as a dataset.

    Args:
        path: See ``read_benchmarks``.
        module: Name of the module that registers them, ``__name__``.

    Returns:
        By name, the registered factories, so that a module can offer one as ``path/to/file.py:<attribute>``.
    """
    return {name: _register(benchmark, module) for name, benchmark in read_benchmarks(path).items()}


def _register(benchmark: TableBenchmark, module: str) -> Callable[..., Dataset]:
    def open_benchmark(root: Path | None) -> Dataset:
        return open_table(benchmark, root)

    open_benchmark.__doc__ = f"Open {benchmark.title}."
    open_benchmark.__module__ = module
    register = registry.dataset(
        benchmark.name, summary=benchmark.summary, aliases=benchmark.aliases, layout=lambda: _layout(benchmark)
    )
    return register(open_benchmark)


def _layout(benchmark: TableBenchmark) -> DatasetLayout:
    from evalkit.datasets.building.table_render import table_layout

    return table_layout(benchmark)


def _folders(benchmark: TableBenchmark, root: Path | None) -> list[Path]:
    folders = find_folders(root, benchmark.folders, dataset=benchmark.name)
    if not benchmark.usual_folders_only:
        return folders
    usual = {name.casefold() for name in benchmark.folders}
    named = [folder for folder in folders if folder.resolve().name.casefold() in usual]
    if folders and not named:
        raise no_sequences_error(benchmark.name, root, folders, f"a folder with the name {benchmark.folders[0]}")
    return named


def _sequence_keys(benchmark: TableBenchmark, folders: Iterable[Path]) -> dict[str, Keys]:
    """Return the values of the placeholders by sequence name: of the listed sequences, or of those in the folders."""
    if benchmark.listed is not None:
        return {name: sequence_keys(name, row.get("folder", "")) for name, row in benchmark.listed.items()}
    pattern = benchmark.listed_by or benchmark.annotations[0]
    found: dict[str, Keys] = {}
    for folder in folders:
        found.update(list_sequences(folder, pattern))
    return dict(sorted(found.items()))


def _expected_paths(benchmark: TableBenchmark) -> str:
    paths = [pattern.replace("{", "<").replace("}", ">") for pattern in benchmark.annotations]
    return " or ".join([*paths, f"{benchmark.index}.json"] if benchmark.index else paths)


@dataclass(frozen=True)
class _FolderForms:
    """The annotation forms that a folder may have.

    Attributes:
        sequences: By sequence name, the values of its placeholders.
    """

    benchmark: TableBenchmark
    folder: Path
    sequences: Mapping[str, Keys]

    def forms(self) -> list[AnnotationForm]:
        """Return one form for each pattern with files, with the frames, attributes and sentences of the folder."""
        benchmark = self.benchmark
        found = [find_paths(self.folder, pattern, self.sequences) for pattern in benchmark.annotations]
        if not any(found):
            return []
        images = self._first(benchmark.images)
        attributes = self._attributes()
        sentences = self._first((benchmark.language,) if benchmark.language else ())
        forms = []
        for number, paths in enumerate(found):
            read = _read_vatic if number == 0 and benchmark.rows == "vatic" else None
            sources = {
                name: replace(
                    self._source(name, path, read, images.get(name)),
                    frames=FolderImages(images[name]) if name in images else None,
                    attributes=attributes.get(name, frozenset()),
                    language=_text(sentences.get(name)),
                )
                for name, path in paths.items()
            }
            forms.append(_with_facts(benchmark, sources))
        return forms

    def _source(
        self, name: str, path: Path, read_rows: Callable[[Path, int], Boxes] | None, images: Path | None
    ) -> Source:
        def read() -> Annotation:
            boxes = read_boxes(path) if read_rows is None else read_rows(path, self._step(name, path, images))
            return Annotation(boxes, flags=self._flags(name, boxes))

        return Source(path, read)

    def _step(self, name: str, path: Path, images: Path | None) -> int:
        """Return which rows of the faster video are taken: each n-th, or all where there are only as many as frames."""
        every = self.benchmark.every
        if every == 1:
            return 1
        official = int((self.benchmark.listed or {}).get(name, {}).get("rows") or 0)
        frames = len(FolderImages(images).names()) if images is not None else official
        # Files are a few rows shorter or longer than that, not half as long or twice.
        return 1 if frames / 2 < _row_count(path) < frames * 2 else every

    def _flags(self, name: str, boxes: Boxes) -> dict[str, NDArray[np.bool_]]:
        keys = {name: self.sequences[name]}
        flags: dict[str, NDArray[np.bool_]] = {}
        for flag, patterns in self.benchmark.flags.items():
            paths = [path for pattern in patterns for path in find_paths(self.folder, pattern, keys).values()]
            if paths:
                flags[flag] = self._flag_column(paths[0], len(boxes))
        if "absent" not in flags and len(flags) == len(self.benchmark.flags) > 0:
            flags["absent"] = np.any(list(flags.values()), axis=0)
        if "absent" not in flags and self.benchmark.absent_rows_are_flags:
            row = np.array([float(value) for value in self.benchmark.absent_row.split(",")])
            flags["absent"] = (boxes == row).all(axis=1)
        return flags

    def _flag_column(self, path: Path, rows: int) -> NDArray[np.bool_]:
        values = read_values(path)
        if self.benchmark.cut and len(values) > rows:
            return values[:rows] > 0
        return read_flags(path, rows) > 0

    def _attributes(self) -> dict[str, frozenset[str]]:
        """Return the attributes by sequence name, from files."""
        pattern = self.benchmark.attribute_file
        paths = find_paths(self.folder, pattern, self.sequences) if pattern is not None else {}
        return {name: _flagged(path, self.benchmark.attributes) for name, path in paths.items()}

    def _first(self, patterns: Iterable[str]) -> dict[str, Path]:
        """Return the first path that exists, by sequence name."""
        found: dict[str, Path] = {}
        for pattern in patterns:
            rest = {name: keys for name, keys in self.sequences.items() if name not in found}
            found.update(find_paths(self.folder, pattern, rest) if rest else {})
        return found


def _flagged(path: Path, names: tuple[str, ...]) -> frozenset[str]:
    flags = read_values(path)
    if len(flags) != len(names):
        raise EvalkitError("wrong number of attribute flags", where=path, found=len(flags), expected=len(names))
    return frozenset(name for name, flag in zip(names, flags, strict=True) if flag > 0)


def _text(path: Path | None) -> str | None:
    return path.read_text(encoding="utf-8-sig", errors="replace").strip() or None if path else None


def _row_count(path: Path) -> int:
    return sum(1 for line in read_bytes(path).splitlines() if line.strip())


def _read_vatic(path: Path, every: int) -> Boxes:
    """Read rows of the VATIC annotation tool: track, left, top, right, bottom, frame, three flags, "label"."""
    data = b"\n".join(line.partition(b'"')[0].strip() for line in read_bytes(path).splitlines())
    corners = require_rows(parse_rows(data, columns=9, where=path), path)[::every, 1:5]
    return np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])


def _with_facts(benchmark: TableBenchmark, form: AnnotationForm) -> AnnotationForm:
    listed = benchmark.listed or {}
    return {name: _source_with_facts(benchmark, name, source, listed.get(name, {})) for name, source in form.items()}


def _source_with_facts(benchmark: TableBenchmark, name: str, source: Source, row: Mapping[str, str]) -> Source:
    """Return the source with what the list of sequences says; its rows are cut and counted, its images matched."""
    rows = int(row["rows"]) if row.get("rows") else None
    first = int(row["first"]) if row.get("first") else None
    images = source.frames.folder if isinstance(source.frames, FolderImages) else None

    def read() -> Annotation:
        annotation = source.read()
        if rows is not None:
            if benchmark.cut:
                annotation = _cut(annotation, rows)
            check_row_count(len(annotation.boxes), rows, source.where, images)
        return annotation

    return replace(
        source,
        read=read,
        frames=_frames(images, lambda: len(read().boxes), first, benchmark.surplus) if images else None,
        attributes=frozenset(row["attributes"].split()) if "attributes" in row else source.attributes,
        fps=benchmark.fps,
        official_rows=rows,
        other_names=(f"{benchmark.prefix}{name}",) if benchmark.prefix else (),
        meta={key: value for key, value in row.items() if key not in _COLUMNS and value},
    )


def _frames(images: Path, rows: Callable[[], int], first: int | None, surplus: int) -> FolderImages:
    return FolderImages(images, rows=rows, first=first, surplus=surplus)


def _cut(annotation: Annotation, rows: int) -> Annotation:
    flags = {name: flag[:rows] for name, flag in annotation.flags.items()}
    return Annotation(annotation.boxes[:rows], flags=flags)
