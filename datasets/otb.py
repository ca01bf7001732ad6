"""OTB-100, OTB-50 and OTB-2013, the benchmarks of one-pass evaluation (100, 50 and 51 targets).

Coordinates are 1-based. Wu, Lim, Yang: Online Object Tracking: A Benchmark (CVPR 2013); Object Tracking Benchmark
(PAMI 2015). Lists, frame ranges and attributes are in ``_facts/otb.json``, with their sources.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit import registry
from evalkit.datasets._facts import read_facts
from evalkit.datasets.building import (
    AnnotationForm,
    FolderImages,
    Source,
    boxes_reader,
    check_row_count,
    find_folders,
    find_json_indices,
    join_forms,
    json_index_form,
    match_names,
    no_sequences_error,
    text_file_form,
)
from evalkit.types import Annotation, Dataset

DIRECTORIES = ("OTB", "OTB100", "OTB-100", "OTB2015", "OTB-2015", "TB-100", "OTB50", "OTB-50", "TB-50", "OTB2013")
"""Usual names of the benchmark's folder."""

_PROFILES = ("otb-matlab", "pysot", "pytracking", "ostrack", "got10k")


@registry.dataset("otb100", summary="OTB-100, one-pass, 100 targets", aliases=("otb2015", "otb", "tb100"))
def otb100(root: Path | None) -> Dataset:
    """Open OTB-100 (OTB2015)."""
    return _open("otb100", "OTB100", root)


@registry.dataset("otb50", summary="OTB-50, one-pass, 50 targets", aliases=("tb50",))
def otb50(root: Path | None) -> Dataset:
    """Open OTB-50, the harder half of OTB-100."""
    return _open("otb50", "OTB50", root)


@registry.dataset("otb2013", summary="OTB-2013, one-pass, 51 targets", aliases=("cvpr13",))
def otb2013(root: Path | None) -> Dataset:
    """Open OTB-2013 (CVPR13), whose 51 targets are a part of OTB-100."""
    return _open("otb2013", "OTB2013", root)


def _open(name: str, directory: str, root: Path | None) -> Dataset:
    official = {entry["name"]: entry for entry in read_facts("otb")["sequences"] if name in entry["lists"]}
    folders = find_folders(root, DIRECTORIES, dataset=name)
    sequences = join_forms(official, _forms(root, folders, official))
    if not sequences:
        expected = "<Sequence>/groundtruth_rect.txt, <Sequence>.txt or OTB2015.json"
        raise no_sequences_error(name, root, folders, expected)
    return Dataset(
        name=name,
        directory=directory,
        version="1",
        origin=1,
        sequences=sequences,
        expected=tuple(official),
        protocols=("one_pass",),
        profiles=_PROFILES,
        layout="plain",
        family="otb",
        root=root,
    )


def _forms(root: Path | None, folders: list[Path], official: Mapping[str, Any]) -> list[AnnotationForm]:
    """Return all annotation forms that exist, completed with the published facts."""
    targets = Counter(map(_video, official))
    forms: list[AnnotationForm] = [_folder_form(folder, official, targets) for folder in folders]
    forms += [text_file_form(folder, official) for folder in folders]
    forms += [json_index_form(path, official) for path in find_json_indices(root, folders, DIRECTORIES)]
    return [
        {name: _with_facts(source, official[name], targets) for name, source in form.items()} for form in forms if form
    ]


def _video(name: str) -> str:
    """Return the name of the video of a target: ``Jogging`` for ``Jogging-2``."""
    return name.partition("-")[0]


def _folder_form(folder: Path, official: Mapping[str, Any], targets: Counter[str]) -> AnnotationForm:
    """Return the sources in ``<Sequence>/img`` and ``<Sequence>/groundtruth_rect.txt``, the published form."""
    children = [path.name for path in folder.iterdir() if path.is_dir()]
    places = match_names([*official, *targets], children, where=folder)
    found = {}
    for name in official:
        child = places.get(name, places.get(_video(name)))
        source = _folder_source(folder / child, name, targets, own=name in places) if child else None
        if source is not None:
            found[name] = source
    return found


def _folder_source(place: Path, name: str, targets: Counter[str], *, own: bool) -> Source | None:
    """Return the source of a target in a video's folder, or in a folder of its own."""
    video, _, number = name.partition("-")
    path = place / "groundtruth_rect.txt"
    if number and not (path.is_file() and (own or targets[video] == 1)):
        path = place / f"groundtruth_rect.{number}.txt"
    images = place / "img" if (place / "img").is_dir() else place
    if not path.is_file() and images == place:
        return None
    return Source(path, boxes_reader(path), FolderImages(images))


def _with_facts(source: Source, entry: Mapping[str, Any], targets: Counter[str]) -> Source:
    """Return the source with the published facts; its annotation is cut to the evaluated rows and counted."""
    omitted = read_facts("otb")["omitted_rows"].get(entry["name"], 0)
    video, _, number = entry["name"].partition("-")
    images = source.frames.folder if isinstance(source.frames, FolderImages) else None

    def read() -> Annotation:
        boxes = source.read().boxes
        if omitted and len(boxes) == entry["rows"] + omitted:
            boxes = boxes[omitted:]
        check_row_count(len(boxes), entry["rows"], source.where, images)
        return Annotation(boxes)

    return replace(
        source,
        read=read,
        frames=FolderImages(images, rows=lambda: len(read().boxes), first=entry["first"]) if images else None,
        attributes=frozenset(entry["attributes"]),
        official_rows=entry["rows"],
        omitted_rows=omitted,
        # One target of Human4 is evaluated; got10k and pytracking call it by the name of the video.
        other_names=(video,) if number and targets[video] == 1 else (),
    )
