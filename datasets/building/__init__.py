"""Functions and classes for dataset files: find the folders, read the annotations, give the frames.

A dataset is a decorated factory (``evalkit.registry.dataset``) that returns an ``evalkit.types.Dataset``. A factory for
a benchmark with a folder ``anno`` of text files, and a folder of images per sequence::

    @registry.dataset("parking", summary="videos of a car park, 2 sequences")
    def parking(root: Path | None) -> Dataset:
        folder = find_folders(root, ["PARKING"], dataset="parking")[-1]
        annotated = text_file_form(folder / "anno", NAMES)
        form = {
            name: replace(source, frames=FolderImages(folder / "images" / name))
            for name, source in annotated.items()
        }
        return Dataset(..., sequences=join_forms(NAMES, [form]), expected=NAMES)

``docs/add-a-dataset.md`` has complete examples.
"""

from __future__ import annotations

from evalkit.datasets.building.annotations import (
    boxes_reader,
    check_row_count,
    extend_first_row,
    read_boxes,
    read_flags,
    require_rows,
)
from evalkit.datasets.building.benchmark_table import TableBenchmark, read_benchmarks
from evalkit.datasets.building.folders import (
    expected_names,
    file_stems,
    find_folders,
    match_names,
    no_sequences_error,
    refuse_broken_links,
)
from evalkit.datasets.building.forms import AnnotationForm, Source, join_forms, text_file_form
from evalkit.datasets.building.images import FolderImages
from evalkit.datasets.building.json_index import find_json_indices, index_boxes, json_index_form, read_json_index
from evalkit.datasets.building.table_forms import open_table, register_benchmarks
from evalkit.io.video import VideoFile

__all__ = [
    "AnnotationForm",
    "FolderImages",
    "Source",
    "TableBenchmark",
    "VideoFile",
    "boxes_reader",
    "check_row_count",
    "expected_names",
    "extend_first_row",
    "file_stems",
    "find_folders",
    "find_json_indices",
    "index_boxes",
    "join_forms",
    "json_index_form",
    "match_names",
    "no_sequences_error",
    "open_table",
    "read_benchmarks",
    "read_boxes",
    "read_flags",
    "read_json_index",
    "refuse_broken_links",
    "register_benchmarks",
    "require_rows",
    "text_file_form",
]
