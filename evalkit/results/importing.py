"""Import results of other toolkits into the results folder, in the benchmark's own layout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from evalkit import progress, registry
from evalkit.errors import EvalkitError, MissingResults, listed
from evalkit.io.rows import read_rows
from evalkit.io.temporary import temporary_folder
from evalkit.names import canonical
from evalkit.results import layouts, run_record
from evalkit.results.archives import SUFFIXES, is_archive, unpack
from evalkit.results.layouts import Layout
from evalkit.results.layouts.base import expected_rows, find_file, one_pass_trajectory
from evalkit.results.layouts.pytracking import numbered_runs
from evalkit.results.store import Store
from evalkit.types import Boxes, Dataset, Trajectory

_BENCHMARK_LAYOUTS = {"got10k": ("got10k", "vot", "vot-bin"), "pysot": ("vot", "vot-bin")}
"""Layouts of benchmarks that a toolkit writes as the benchmark does; for other benchmarks it writes ``plain``."""


@dataclass(frozen=True)
class Imported:
    """Result of an import.

    Attributes:
        folder: The tracker's folder of results.
        sequences: Names of the sequences with results.
        missing: Names of the benchmark's sequences without results.
        notes: Anomalies of the results, one sentence each; the results are stored unchanged.
    """

    folder: Path
    sequences: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def import_results(
    source: Path,
    layout: str,
    dataset: Dataset,
    results: Path,
    *,
    label: str | None = None,
    protocol: str | None = None,
    provenance: Mapping[str, str] | None = None,
) -> Imported:
    """Read one tracker's results on one benchmark, and store them in the results folder.

    Args:
        source: The tracker's folder, or a zip or tar archive of it.
        layout: Name of the layout of the files. ``got10k`` and ``pysot`` are the toolkits, which write VOT's and (the
            former) GOT-10k's results in the benchmark's own layout and those of other benchmarks as ``plain``.
        label: Name of the tracker; that of the folder or archive if None.
        protocol: Name of the protocol of the results; the benchmark's first if None.
        provenance: Where the results are from, for the run record, beyond the layout and the name of the source.

    Raises:
        UnknownName: There is no such layout.
        MissingResults: The source holds no results of the benchmark in that layout.
        EvalkitError: The archive is not safe to unpack, a file cannot be read, or the results folder already holds
            results of that label.
    """
    chosen = protocol or dataset.protocols[0]
    name = label or _label_of(source)
    registry.layout.find(layout)
    store = Store(results, dataset, name, chosen)
    if store.home.exists():
        raise EvalkitError(
            "the results folder already holds results of this label", where=store.home,
            hint="Choose another label with --name",
        )  # fmt: skip
    with _open_source(source) as folder:
        found = _read_all(folder, layout, dataset, chosen, label)
        if not found:
            raise _no_results(source, folder, layout, dataset, chosen)
        kinds = {key: runs[0].kind for key, runs in found.items() if runs[0].kind != "rect"}
        short = [key for key, runs in found.items() if runs[0].may_be_short]
        origin: dict[str, Any] = {"layout": layout, "source": source.name, **(provenance or {})}
        origin |= {key: value for key, value in ((run_record.KINDS, kinds), (run_record.SHORT, short)) if value}
        identity = {"tracker": name, "dataset": dataset.name, "protocol": chosen, "imported": origin}
        with store.writing():
            store.begin(identity)
            for trajectories in progress.each(found.values(), "storing the results"):
                store.write(replace(trajectory, tracker=name) for trajectory in trajectories)
    return Imported(
        folder=store.folder,
        sequences=tuple(found),
        missing=tuple(expected for expected in dataset.expected if expected not in found),
        notes=tuple(_anomalies(dataset, found)),
    )


def layout_for(name: str, dataset: Dataset, tracker: str | None = None) -> Layout:
    """Return the layout that a name given to ``--layout`` means for a benchmark.

    Args:
        tracker: See ``layouts.get``.

    Raises:
        UnknownName: There is no such layout.
    """
    if name in _BENCHMARK_LAYOUTS:
        own = registry.layout.find(dataset.layout).name
        return layouts.get(own if own in _BENCHMARK_LAYOUTS[name] else "plain")
    return layouts.get(name, tracker=tracker)


def _label_of(source: Path) -> str:
    name = source.resolve().name
    return name.partition(".")[0] if source.is_file() else name


@contextmanager
def _open_source(source: Path) -> Iterator[Path]:
    """Give the folder, or a temporary folder with the content of an archive."""
    if source.is_dir():
        yield source
    elif is_archive(source):
        with temporary_folder() as temporary:
            unpack(source, temporary)
            yield temporary
    else:
        raise EvalkitError(
            "neither a folder nor an archive", where=source, found="a file" if source.exists() else "nothing",
            expected=f"the folder of one tracker's results, or an archive of it ({', '.join(SUFFIXES)})",
        )  # fmt: skip


def _read_all(
    folder: Path, layout: str, dataset: Dataset, protocol: str, label: str | None
) -> dict[str, list[Trajectory]]:
    """Return the trajectories by sequence.

    They are read from the folder itself or else, where it holds only one folder or one with a name of the dataset
    (``<param>/<dataset>/<seq>.txt``, as trackers made from pytracking write results), from that.
    """
    chosen = layout_for(layout, dataset, label)
    while True:
        inside = [path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX"))]
        found = _read_folder(folder, inside, chosen, dataset, protocol)
        own = [path for path in inside if canonical(path.name) in _names(dataset)] or inside
        if found or len(own) != 1 or not own[0].is_dir():
            return found
        folder = own[0]


def _read_folder(
    folder: Path, inside: Iterable[Path], layout: Layout, dataset: Dataset, protocol: str
) -> dict[str, list[Trajectory]]:
    """Return the trajectories in a folder by sequence; none if they are further inside."""
    found = {}
    for sequence in progress.each(dataset.sequences, lambda sequence: f"reading the result of {sequence.name}"):
        if trajectories := layout.read(folder, sequence, protocol):
            found[sequence.name] = trajectories
    if not found and dataset.family == "vot" and protocol == "unsupervised":
        found = _plain_results(folder, dataset, protocol)
    return found or _read_numbered_runs(inside, layout, dataset, protocol)


def _read_numbered_runs(
    folders: Iterable[Path], layout: Layout, dataset: Dataset, protocol: str
) -> dict[str, list[Trajectory]]:
    """Return the results in ``<param>_<run>/<dataset>/<seq>.txt``, runs counted from 0, by sequence."""
    names = _names(dataset)
    places = [
        (run.repetition, place)
        for run in numbered_runs(folders)
        for place in sorted(run.folder.iterdir())
        if place.is_dir() and canonical(place.name) in names
    ]
    found: dict[str, list[Trajectory]] = {}
    for number, place in places:
        for sequence in dataset.sequences:
            runs = layout.read(place, sequence, protocol)
            found.setdefault(sequence.name, []).extend(replace(run, repetition=number) for run in runs)
    return {name: runs for name, runs in found.items() if runs}


def _names(dataset: Dataset) -> set[str]:
    """Return the spellings of a dataset's names, in which toolkits call folders of results."""
    names = {canonical(name) for name in (dataset.name, dataset.directory)}
    try:
        aliases = registry.dataset.find(dataset.name).aliases
    except EvalkitError:  # a dataset of a file, or one that is not registered
        return names
    return names | {canonical(alias) for alias in aliases}


def _no_results(source: Path, folder: Path, layout: str, dataset: Dataset, protocol: str) -> MissingResults:
    entries = sorted(path.name for path in folder.iterdir())
    if dataset.family == "vot" and protocol != "unsupervised" and _holds_one_pass(folder, dataset):
        return MissingResults(
            "these are one-pass results, a box for every frame without resets", where=source, found=listed(entries),
            expected=f"results of the {protocol} protocol",
            hint="Import them with --protocol unsupervised, where the average overlap is scored; EAO needs "
            f"`evalkit run --protocol {protocol}`",
        )  # fmt: skip
    lower = _folders_with_results(folder, layout, dataset, protocol)
    if lower:
        names = [path.relative_to(folder).as_posix() for path in lower]
        return MissingResults(
            "the results are in folders below this one, one for each tracker or parameter set", where=source,
            found=listed(names), expected="the folder of one of them",
            hint=f"Import them one by one, e.g. {source / names[0]}" if source.is_dir() else "Unpack the archive first",
        )  # fmt: skip
    fitting = [name for name in registry.layout.names() if name != layout and _holds(folder, name, dataset, protocol)]
    return MissingResults(
        f"no results of {dataset.name} in layout {layout}", where=source,
        found=listed(entries),
        expected=f"the folder of one tracker, with a result for a sequence such as {dataset.sequences[0].name}",
        hint=f"The files look like --layout {fitting[0]}" if fitting else None,
    )  # fmt: skip


def _folders_with_results(folder: Path, layout: str, dataset: Dataset, protocol: str, depth: int = 2) -> list[Path]:
    """Return the folders below a folder that could be imported, of the first level that has any."""
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__MACOSX")))
    found = [path for path in inside if _can_be_imported(path, layout, dataset, protocol)]
    if found or depth == 1:
        return found
    return [lower for path in inside for lower in _folders_with_results(path, layout, dataset, protocol, depth - 1)]


def _can_be_imported(folder: Path, layout: str, dataset: Dataset, protocol: str) -> bool:
    try:
        return bool(_read_all(folder, layout, dataset, protocol, None))
    except EvalkitError:
        return False


def _holds_one_pass(folder: Path, dataset: Dataset) -> bool:
    """Return whether a folder, or the only folder in it, has a text file of boxes named like a sequence."""
    while True:
        if _plain_results(folder, dataset, "unsupervised"):
            return True
        inside = [path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX"))]
        if len(inside) != 1 or not inside[0].is_dir():
            return False
        (folder,) = inside


def _plain_results(folder: Path, dataset: Dataset, protocol: str) -> dict[str, list[Trajectory]]:
    """Return the results in ``<sequence>.txt``, as one-pass code saves them, as results of ``protocol``."""
    found = {}
    for sequence in dataset.sequences:
        if path := find_file(folder, sequence, ".txt"):
            boxes = read_rows(path)
            trajectory = one_pass_trajectory(folder, sequence, protocol, boxes)
            found[sequence.name] = [trajectory]
    return found


def _holds(folder: Path, layout: str, dataset: Dataset, protocol: str) -> bool:
    try:
        return any(layouts.get(layout).read(folder, sequence, protocol) for sequence in dataset.sequences)
    except EvalkitError:
        return False


def _corner_note(dataset: Dataset, found: dict[str, list[Trajectory]]) -> Iterator[str]:
    """Yield a note if most first boxes fit the given ones better when they are read as two corners."""
    firsts = [(name, runs[0].boxes[0], dataset.sequence(name).groundtruth[0]) for name, runs in found.items()]
    alike = [one for one in firsts if _fits_better_as_corners(*one[1:])]
    if len(alike) * 2 > len(firsts):
        name, first, given = alike[0]
        yield (
            f"{name}: the first box is {first[2]:g} x {first[3]:g}, the given one {given[2]:g} x {given[3]:g}: "
            "are these corners (x1,y1,x2,y2)? A box is x,y,width,height"
        )


def _fits_better_as_corners(first: Boxes, given: Boxes) -> bool:
    corners = np.array([*first[:2], *(first[2:] - first[:2])])
    return _overlap(corners, given) > max(0.6, _overlap(first, given) + 0.2)


def _overlap(a: Boxes, b: Boxes) -> float:
    side = np.minimum(a[:2] + a[2:], b[:2] + b[2:]) - np.maximum(a[:2], b[:2])
    inside = float(side[0] * side[1]) if (side > 0).all() else 0.0
    union = float(a[2] * a[3] + b[2] * b[3]) - inside
    return inside / union if union > 0 else 0.0


def _anomalies(dataset: Dataset, found: dict[str, list[Trajectory]]) -> Iterator[str]:
    yield from _corner_note(dataset, found)
    for name, trajectories in found.items():
        sequence = dataset.sequence(name)
        for trajectory in trajectories:
            expected = expected_rows(sequence, trajectory)
            # A test sequence without its frames has one annotated row, which does not tell its length.
            if expected > 1 and len(trajectory) != expected:
                yield f"{name}: the result has {len(trajectory)} rows, the benchmark {expected}"
