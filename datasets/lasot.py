"""LaSOT: long sequences in which the target also leaves the view, with a test split of 280 and an extension of 150.

Coordinates are 1-based, but the extension has boxes at 0 and is taken as 0-based. Where the evaluation toolkit's
``annos/`` and the data set differ in length, the toolkit's are the reference. Fan et al.: LaSOT (CVPR 2019; IJCV 2021).
Lists, rows and attributes: ``_facts/lasot.json``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit import registry
from evalkit.datasets._images import FolderImages
from evalkit.datasets._lasot_forms import TOOLKIT_LISTS, folder_form, index_form, toolkit_form
from evalkit.datasets._sources import (
    Form,
    Source,
    assemble,
    check_rows,
    facts,
    index_files,
    nothing_found,
    own_list,
    places,
    rows_form,
)
from evalkit.names import canonical
from evalkit.types import Annotation, Dataset

DIRECTORIES = ("LaSOT", "LaSOTBenchmark", "LaSOT_Evaluation_Toolkit", "LaSOT_toolkit", "LaSOTTest", "LaSOTTesting")
EXTENSION_DIRECTORIES = ("LaSOT-ext", "LaSOT_ext", "LaSOText", "LaSOT_extension_subset", "LaSOTExtension", *DIRECTORIES)
_PROFILES = ("lasot-matlab", "pysot", "pytracking", "got10k")
_SURPLUS = 1  # some folders hold one image more than there are rows (LaSOT evaluation toolkit, issue 6)


@registry.dataset("lasot", summary="LaSOT test split, one-pass, 280 sequences", aliases=("lasot-test",))
def lasot(root: Path | None) -> Dataset:
    names = [entry["name"] for entry in facts("lasot")["test"]]
    return _open("lasot", "LaSOT", DIRECTORIES, names, ("testing_set.txt",), root)


@registry.dataset("lasot-train", summary="LaSOT training split, 1,120 sequences")
def lasot_train(root: Path | None) -> Dataset:
    test = {entry["name"] for entry in facts("lasot")["test"]}
    names = [name for name in _numbered(facts("lasot")["classes"], 20) if name not in test]
    return _open("lasot-train", "LaSOT-train", DIRECTORIES, names, ("training_set.txt",), root)


@registry.dataset(
    "lasot-ext", summary="LaSOT extension, one-pass, 150 sequences", aliases=("lasot_ext", "lasotext"),
)  # fmt: skip
def lasot_ext(root: Path | None) -> Dataset:
    names = _numbered(facts("lasot")["extension_classes"], 10)
    lists = ("extension_test_set.txt", "lasot_ext_150.txt")
    return _open("lasot-ext", "LaSOT-ext", EXTENSION_DIRECTORIES, names, lists, root)


def _numbered(classes: Iterable[str], count: int) -> list[str]:
    return [f"{name}-{number}" for name in classes for number in range(1, count + 1)]


def _open(
    name: str, directory: str, directories: tuple[str, ...], names: list[str], lists: tuple[str, ...], root: Path | None
) -> Dataset:
    folders = places(root, directories, benchmark=name)
    for file in lists:
        names = own_list([place for folder in folders for place in (folder, folder / TOOLKIT_LISTS)], file, names)
    sequences = assemble(names, _forms(root, folders, directories, names))
    if not sequences:
        raise nothing_found(
            name, root, folders, "<class>/<sequence>/groundtruth.txt, annos/<sequence>.txt or <sequence>.txt"
        )
    return Dataset(
        name=name,
        directory=directory,
        version="1",
        origin=0 if name == "lasot-ext" else 1,
        sequences=sequences,
        expected=tuple(names),
        protocols=("one_pass",),
        profiles=_PROFILES,
        layout="lasot",
        family="lasot",
        root=root,
    )


def _forms(root: Path | None, folders: list[Path], directories: tuple[str, ...], names: list[str]) -> list[Form]:
    """All forms that are there, the toolkit's annotations first, with the benchmark's facts."""
    found: list[Form] = [toolkit_form(folder, names) for folder in folders]
    found += [folder_form(folder, names) for folder in folders]
    found += [rows_form(folder, names) for folder in folders]
    found += [index_form(path, names) for path in index_files(root, folders, directories)]
    official = {canonical(entry["name"]): entry for entry in facts("lasot")["test"]}
    return [{key: _official(source, official.get(key, {})) for key, source in form.items()} for form in found if form]


def _official(source: Source, entry: Mapping[str, Any]) -> Source:
    """The source with what is known of the sequence, its images matched with its rows."""
    rows = entry.get("rows")
    images = source.frames.folder if isinstance(source.frames, FolderImages) else None

    def read() -> Annotation:
        annotation = source.read()
        if rows is not None:
            annotation = _cut(annotation, rows)
            check_rows(len(annotation.boxes), rows, source.where, images)
        return annotation

    return replace(
        source,
        read=read,
        frames=FolderImages(images, rows=lambda: len(read().boxes), surplus=_SURPLUS) if images else None,
        attributes=source.attributes or frozenset(entry.get("attributes", ())),
        official_rows=rows,
    )


def _cut(annotation: Annotation, rows: int) -> Annotation:
    # paddle-1 was published with 2,703 rows and is scored over 2,500 (LaSOT evaluation toolkit, issue 18).
    if len(annotation.boxes) <= rows:
        return annotation
    return Annotation(annotation.boxes[:rows], flags={name: flag[:rows] for name, flag in annotation.flags.items()})
