"""TrackingNet: half-minute clips of internet videos; a server scores the test split.

Coordinates are 0-based. Image numbers start at 0 and are not padded with zeros. The test split is published with first
boxes only. Names are video identifiers, some of which differ only in case. Müller et al.: TrackingNet (ECCV 2018). The
list of the test split is in ``_facts/trackingnet.json``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from evalkit import registry
from evalkit.datasets._facts import read_facts
from evalkit.datasets.building import (
    AnnotationForm,
    FolderImages,
    Source,
    extend_first_row,
    file_stems,
    find_folders,
    join_forms,
    match_names,
    no_sequences_error,
    read_boxes,
    text_file_form,
)
from evalkit.types import Annotation, Dataset

DIRECTORIES = ("TrackingNet", "trackingnet", "TrackingNet-devkit")
"""Usual names of the benchmark's folder."""

_TRAINING_PARTS = tuple(f"TRAIN_{number}" for number in range(12))


@registry.dataset(
    "trackingnet-test", summary="TrackingNet test split, one-pass, 511 sequences", aliases=("trackingnet",),
)  # fmt: skip
def trackingnet_test(root: Path | None) -> Dataset:
    """Open the test split, of which only first boxes are published."""
    return _open("trackingnet-test", "TrackingNet", ("TEST",), read_facts("trackingnet")["test"], root)


@registry.dataset("trackingnet-train", summary="TrackingNet training split, 12 parts")
def trackingnet_train(root: Path | None) -> Dataset:
    """Open the training split; it has no list of its own, so the annotation files that exist are expected."""
    return _open("trackingnet-train", "TrackingNet-train", _TRAINING_PARTS, [], root)


def _open(name: str, directory: str, parts: tuple[str, ...], official: list[str], root: Path | None) -> Dataset:
    folders = find_folders(root, DIRECTORIES, dataset=name)
    folders = [folder / part for folder in folders for part in parts if (folder / part).is_dir()] or folders
    names = official or _annotated_names(folders)
    forms: list[AnnotationForm] = [_folder_form(folder, names) for folder in folders]
    forms += [text_file_form(folder, names) for folder in folders]
    sequences = join_forms(names, forms)
    if not sequences:
        expected = f"{parts[0]}/anno/<id>.txt, {parts[0]}/frames/<id>/ or <id>.txt"
        raise no_sequences_error(name, root, folders, expected)
    return Dataset(
        name=name,
        directory=directory,
        version="1",
        origin=0,
        sequences=sequences,
        expected=tuple(names),
        protocols=("one_pass",),
        profiles=("trackingnet",),
        layout="plain",
        family="trackingnet",
        root=root,
    )


def _annotated_names(folders: Iterable[Path]) -> list[str]:
    return sorted({name for folder in folders for name in file_stems(folder / "anno", ".txt")})


def _folder_form(folder: Path, names: Iterable[str]) -> AnnotationForm:
    """Return the sources in ``anno/<id>.txt`` and ``frames/<id>/0.jpg``, the published form."""
    anno, frames = folder / "anno", folder / "frames"
    annotated = match_names(names, file_stems(anno, ".txt"), where=anno)
    filmed = match_names(names, file_stems(frames, ""), where=frames)
    return {
        name: _source(anno / f"{annotated.get(name, name)}.txt", frames / filmed[name] if name in filmed else None)
        for name in dict.fromkeys([*annotated, *filmed])
    }


def _source(path: Path, images: Path | None) -> Source:
    def read() -> Annotation:
        boxes = read_boxes(path)
        return Annotation(extend_first_row(boxes, len(FolderImages(images).names()) if images else 0))

    return Source(path, read, FolderImages(images, rows=lambda: len(read().boxes)) if images else None)
