"""OTB: the benchmark of one-pass evaluation, in its 2013 form of 51 targets and its later forms of 50 and 100.

Coordinates are 1-based. Wu, Lim, Yang: Online Object Tracking: A Benchmark (CVPR 2013); Object Tracking Benchmark
(PAMI 2015). Lists, frame ranges and attributes: ``_facts/otb.json``, with their sources.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit import registry
from evalkit.datasets._images import FolderImages
from evalkit.datasets._sources import (
    Form,
    Source,
    assemble,
    boxes_reader,
    check_rows,
    facts,
    index_files,
    json_form,
    nothing_found,
    places,
    rows_form,
)
from evalkit.names import canonical
from evalkit.types import Annotation, Dataset

DIRECTORIES = ("OTB", "OTB100", "OTB-100", "OTB2015", "OTB-2015", "TB-100", "OTB50", "OTB-50", "TB-50", "OTB2013")
_PROFILES = ("otb-matlab", "pysot", "pytracking", "got10k")


@registry.dataset("otb100", summary="OTB-100, one-pass, 100 targets", aliases=("otb2015", "otb", "tb100"))
def otb100(root: Path | None) -> Dataset:
    return _open("otb100", "OTB100", root)


@registry.dataset("otb50", summary="OTB-50, one-pass, 50 targets", aliases=("tb50",))
def otb50(root: Path | None) -> Dataset:
    return _open("otb50", "OTB50", root)


@registry.dataset("otb2013", summary="OTB-2013, one-pass, 51 targets", aliases=("cvpr13",))
def otb2013(root: Path | None) -> Dataset:
    return _open("otb2013", "OTB2013", root)


def _open(name: str, directory: str, root: Path | None) -> Dataset:
    official = [entry for entry in facts("otb")["sequences"] if name in entry["lists"]]
    names = [entry["name"] for entry in official]
    folders = places(root, DIRECTORIES, benchmark=name)
    sequences = assemble(names, _forms(root, folders, official))
    if not sequences:
        raise nothing_found(name, root, folders, "<Sequence>/groundtruth_rect.txt, <Sequence>.txt or OTB2015.json")
    return Dataset(
        name=name,
        directory=directory,
        version="1",
        origin=1,
        sequences=sequences,
        expected=tuple(names),
        protocols=("one_pass",),
        profiles=_PROFILES,
        layout="otb",
        family="otb",
        root=root,
    )


def _forms(root: Path | None, folders: list[Path], official: list[dict[str, Any]]) -> list[Form]:
    names = [entry["name"] for entry in official]
    entries = {canonical(entry["name"]): entry for entry in official}
    bases = _bases(official)
    found: list[Form] = [_folder_form(folder, official) for folder in folders]
    found += [rows_form(folder, names) for folder in folders]
    found += [json_form(path, names) for path in index_files(root, folders, DIRECTORIES)]
    return [{key: _official(source, entries[key], bases) for key, source in form.items()} for form in found if form]


def _bases(official: list[dict[str, Any]]) -> Counter[str]:
    """How many targets a video has, by its name."""
    return Counter(entry["name"].partition("-")[0] for entry in official)


def _folder_form(folder: Path, official: list[dict[str, Any]]) -> Form:
    """``<Sequence>/img`` and ``<Sequence>/groundtruth_rect.txt``, as the benchmark is published."""
    children = {canonical(path.name): path for path in folder.iterdir() if path.is_dir()}
    bases = _bases(official)
    found = {}
    for entry in official:
        base, _, target = entry["name"].partition("-")
        own = children.get(canonical(entry["name"]))
        place = own or children.get(canonical(base))
        if place is None:
            continue
        path = place / "groundtruth_rect.txt"
        if target and not (path.is_file() and (own or bases[base] == 1)):
            path = place / f"groundtruth_rect.{target}.txt"
        images = place / "img" if (place / "img").is_dir() else place
        if path.is_file() or images != place:
            found[canonical(entry["name"])] = Source(path, boxes_reader(path), FolderImages(images))
    return found


def _official(source: Source, entry: dict[str, Any], bases: Counter[str]) -> Source:
    """The source with the benchmark's facts, its annotation cut to the evaluated rows and held against their number."""
    omitted = facts("otb")["omitted_rows"].get(entry["name"], 0)
    base, _, target = entry["name"].partition("-")
    images = source.frames.folder if isinstance(source.frames, FolderImages) else None

    def read() -> Annotation:
        boxes = source.read().boxes
        if omitted and len(boxes) == entry["rows"] + omitted:
            boxes = boxes[omitted:]
        check_rows(len(boxes), entry["rows"], source.where, images)
        return Annotation(boxes)

    return replace(
        source,
        read=read,
        frames=FolderImages(images, rows=lambda: len(read().boxes), first=entry["first"]) if images else None,
        attributes=frozenset(entry["attributes"]),
        official_rows=entry["rows"],
        omitted_rows=omitted,
        # One target of Human4 is evaluated; got10k and pytracking call it by the name of the video.
        other_names=(base,) if target and bases[base] == 1 else (),
    )
