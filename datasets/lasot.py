"""LaSOT: long sequences in which the target may leave the view; a test split of 280 and an extension of 150.

Coordinates are 1-based; those of the extension, which has boxes at 0, are taken as 0-based. Where the evaluation
toolkit's ``annos/`` and the dataset differ in length, the toolkit is the reference. Fan et al.: LaSOT (CVPR 2019;
IJCV 2021). Lists, row counts and attributes are in ``_facts/lasot.json``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit import registry
from evalkit.datasets._facts import read_facts
from evalkit.datasets._lasot_forms import TOOLKIT_LISTS, folder_form, index_form, toolkit_form
from evalkit.datasets.building import (
    AnnotationForm,
    FolderImages,
    Source,
    check_row_count,
    expected_names,
    find_folders,
    find_json_indices,
    join_forms,
    no_sequences_error,
    text_file_form,
)
from evalkit.types import Annotation, Dataset

DIRECTORIES = ("LaSOT", "LaSOTBenchmark", "LaSOT_Evaluation_Toolkit", "LaSOT_toolkit", "LaSOTTest", "LaSOTTesting")
"""Usual names of the folder of LaSOT, or of its evaluation toolkit."""

EXTENSION_DIRECTORIES = ("LaSOT-ext", "LaSOT_ext", "LaSOText", "LaSOT_extension_subset", "LaSOTExtension", *DIRECTORIES)
"""Usual names of the folder of the extension."""

_PROFILES = ("lasot-matlab", "pysot", "pytracking", "ostrack", "got10k")
_SURPLUS = 1  # some folders hold one image more than there are rows (LaSOT evaluation toolkit, issue 6)
_SCORED_ROWS = {"paddle-1": 2_500}
"""Rows that are scored of a sequence of the extension, which was published with more (evaluation toolkit, issue 18)."""
_MORE_IMAGES = 203
"""Images of that sequence beyond the scored rows: 2,703 were published."""


@registry.dataset("lasot", summary="LaSOT test split, one-pass, 280 sequences", aliases=("lasot-test",))
def lasot(root: Path | None) -> Dataset:
    """Open the test split."""
    names = [entry["name"] for entry in read_facts("lasot")["test"]]
    return _open("lasot", "LaSOT", DIRECTORIES, names, ("testing_set.txt",), root)


@registry.dataset("lasot-train", summary="LaSOT training split, 1,120 sequences")
def lasot_train(root: Path | None) -> Dataset:
    """Open the training split: the first 20 sequences of each class without those of the test split."""
    test = {entry["name"] for entry in read_facts("lasot")["test"]}
    names = [name for name in _numbered(read_facts("lasot")["classes"], 20) if name not in test]
    return _open("lasot-train", "LaSOT-train", DIRECTORIES, names, ("training_set.txt",), root)


@registry.dataset(
    "lasot-ext", summary="LaSOT extension, one-pass, 150 sequences",
    aliases=("lasot_ext", "lasotext", "lasot_extension_subset"),
)  # fmt: skip
def lasot_ext(root: Path | None) -> Dataset:
    """Open the extension: ten sequences of each of 15 further classes."""
    names = _numbered(read_facts("lasot")["extension_classes"], 10)
    lists = ("extension_test_set.txt", "lasot_ext_150.txt")
    return _open("lasot-ext", "LaSOT-ext", EXTENSION_DIRECTORIES, names, lists, root)


def _numbered(classes: Iterable[str], count: int) -> list[str]:
    return [f"{name}-{number}" for name in classes for number in range(1, count + 1)]


def _open(
    name: str, directory: str, directories: tuple[str, ...], names: list[str], lists: tuple[str, ...], root: Path | None
) -> Dataset:
    folders = find_folders(root, directories, dataset=name)
    for file in lists:
        names = expected_names([place for folder in folders for place in (folder, folder / TOOLKIT_LISTS)], file, names)
    sequences = join_forms(names, _forms(root, folders, directories, names))
    if not sequences:
        expected = "<class>/<sequence>/groundtruth.txt, annos/<sequence>.txt or <sequence>.txt"
        raise no_sequences_error(name, root, folders, expected)
    return Dataset(
        name=name,
        directory=directory,
        version="1",
        origin=0 if name == "lasot-ext" else 1,
        sequences=sequences,
        expected=tuple(names),
        protocols=("one_pass",),
        profiles=_PROFILES,
        layout="plain",
        family="lasot",
        root=root,
    )


def _forms(
    root: Path | None, folders: list[Path], directories: tuple[str, ...], names: list[str]
) -> list[AnnotationForm]:
    """Return all annotation forms that exist, the toolkit's first, completed with the published facts."""
    forms: list[AnnotationForm] = [toolkit_form(folder, names) for folder in folders]
    forms += [folder_form(folder, names) for folder in folders]
    forms += [text_file_form(folder, names) for folder in folders]
    forms += [index_form(path, names) for path in find_json_indices(root, folders, directories)]
    official = {entry["name"]: entry for entry in read_facts("lasot")["test"]}
    facts = {name: {**official.get(name, {}), "scored": _SCORED_ROWS.get(name)} for name in names}
    return [{name: _with_facts(source, facts[name]) for name, source in form.items()} for form in forms]


def _with_facts(source: Source, entry: Mapping[str, Any]) -> Source:
    """Return the source with the published facts; its annotation is cut and counted, its images matched with it."""
    rows, scored = entry.get("rows"), entry.get("scored")
    images = source.frames.folder if isinstance(source.frames, FolderImages) else None

    def read() -> Annotation:
        annotation = source.read()
        if scored is not None:
            annotation = _cut(annotation, scored)
        if rows is not None:
            annotation = _cut(annotation, rows)
            check_row_count(len(annotation.boxes), rows, source.where, images)
        return annotation

    surplus = _SURPLUS if scored is None else _SURPLUS + _MORE_IMAGES
    return replace(
        source,
        read=read,
        frames=FolderImages(images, rows=lambda: len(read().boxes), surplus=surplus) if images else None,
        attributes=source.attributes or frozenset(entry.get("attributes", ())),
        official_rows=rows,
    )


def _cut(annotation: Annotation, rows: int) -> Annotation:
    if len(annotation.boxes) <= rows:
        return annotation
    return Annotation(annotation.boxes[:rows], flags={name: flag[:rows] for name, flag in annotation.flags.items()})
