"""Submissions for evaluation servers: checked first, because a server that rejects a file seldom says why."""

from __future__ import annotations

import io
import json
import platform
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit import __version__
from evalkit.errors import EvalkitError
from evalkit.io.atomic import write_bytes
from evalkit.io.regions import format_record
from evalkit.io.rows import format_lines
from evalkit.results import layouts
from evalkit.results.archives import unpack
from evalkit.results.layouts.base import expected_rows
from evalkit.results.layouts.vot import EXPERIMENTS, record_of
from evalkit.results.store import Store
from evalkit.types import Dataset, FrameState, Trajectory

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same results give the same archive
_SHIFT = 0.51


@dataclass(frozen=True)
class Packed:
    """What was packed.

    Attributes:
        files: Number of files in the archive.
        notes: What the server will accept but a person may not have meant.
    """

    path: Path
    files: int
    notes: tuple[str, ...]


def pack(dataset: Dataset, label: str, results: Path, output: Path, *, protocol: str | None = None) -> Packed:
    """Write a tracker's results as the archive that the benchmark's server takes.

    Numbers are rounded here and nowhere else, to the digits of the official packers.

    Raises:
        EvalkitError: The benchmark has no server; or any sequence is missing, has another number of rows, holds a
            value that is not finite, or lacks times where the server wants them. All of it is said at once.
    """
    form = _form(dataset)
    store = Store(results, dataset, label, protocol or dataset.protocols[0])
    if not store.folder.is_dir():
        raise EvalkitError("there are no results of this tracker", where=store.folder)
    here = {sequence.name for sequence in dataset.sequences}
    runs = {name: store.read(dataset.sequence(name)) if name in here else [] for name in dataset.expected}
    problems = [problem for name, found in runs.items() for problem in form.problems(dataset, name, found)]
    if problems:
        raise EvalkitError(
            "these results would be rejected or scored as zero", where=store.folder, found=_first(problems),
            hint="Nothing was written",
        )  # fmt: skip
    files = dict(sorted(form.files(dataset, label, runs)))
    write_bytes(output, _archive(files))
    return Packed(output, len(files), tuple(_notes(dataset, runs)))


def check(path: Path, dataset: Dataset, *, protocol: str | None = None) -> list[str]:
    """What is wrong with an archive that is to be submitted, whoever packed it; empty if it is sound.

    Raises:
        EvalkitError: The benchmark has no server, or the archive is not safe to unpack.
    """
    form = _form(dataset)
    with tempfile.TemporaryDirectory(prefix="evalkit-") as temporary:
        folder = Path(temporary)
        unpack(path, folder)
        inside = [entry for entry in folder.iterdir() if entry.name != "__MACOSX"]
        if len(inside) == 1 and inside[0].is_dir() and inside[0].name not in dataset.expected:
            folder = inside[0]  # servers take one enclosing folder
        problems = [_separator_problem(file, folder) for file in sorted(folder.rglob("*.txt"))]
        for sequence in dataset.sequences:
            try:
                found = layouts.get(dataset.layout).read(folder, sequence, protocol or dataset.protocols[0])
                problems += form.problems(dataset, sequence.name, found)
            except EvalkitError as error:
                problems.append(str(error).replace(f"{temporary}/", ""))
    return [problem for problem in problems if problem]


def _separator_problem(file: Path, folder: Path) -> str | None:
    line = file.read_bytes().strip().partition(b"\n")[0].strip()
    wrong = {b"\t": "tabs", b" ": "spaces", b";": "semicolons"}
    found = next((name for separator, name in wrong.items() if separator in line), None)
    return f"{file.relative_to(folder)}: separated by {found}, and servers take commas" if found else None


def _first(problems: list[str], most: int = 12) -> str:
    more = f"; and {len(problems) - most} more" if len(problems) > most else ""
    return "; ".join(problems[:most]) + more


def _archive(files: Mapping[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, text)
    return stream.getvalue()


@dataclass(frozen=True)
class _Form:
    """What one server wants.

    Attributes:
        problems: What is wrong with one sequence's results.
        files: Name in the archive and text of each file.
    """

    problems: Callable[[Dataset, str, list[Trajectory]], Iterable[str]]
    files: Callable[[Dataset, str, Mapping[str, list[Trajectory]]], Iterable[tuple[str, str]]]


def _form(dataset: Dataset) -> _Form:
    for prefix, form in _FORMS.items():
        if dataset.name.startswith(prefix):
            return form
    raise EvalkitError(
        f"there is no server for {dataset.name}", expected="got10k-..., trackingnet-... or vot...",
        hint="Score it here with `evalkit score`",
    )  # fmt: skip


def _box_problems(dataset: Dataset, name: str, runs: list[Trajectory]) -> Iterator[str]:
    """Of results that are one box a frame."""
    if not runs:
        yield f"{name}: no result"
    for run in runs:
        rows = len(dataset.sequence(name))
        # Of a test sequence without its frames one row is known, which says nothing of its length.
        if rows > 1 and len(run) != rows:
            yield f"{name}: {len(run)} rows, expected {rows}"
        if not np.isfinite(run.boxes).all():
            row = int(np.argmin(np.isfinite(run.boxes).all(axis=1))) + 1
            yield f"{name}: row {row} is not finite"


def _got10k_problems(dataset: Dataset, name: str, runs: list[Trajectory]) -> Iterator[str]:
    yield from _box_problems(dataset, name, runs)
    if runs and not all(np.isfinite(run.seconds).all() for run in runs):
        yield f"{name}: times are missing, and the server wants them (parallel runs take none)"


def _got10k_files(dataset: Dataset, label: str, runs: Mapping[str, list[Trajectory]]) -> Iterator[tuple[str, str]]:
    for name, trajectories in runs.items():
        for number, run in enumerate(trajectories, 1):
            yield f"{name}/{name}_{number:03d}.txt", _rounded(run.boxes, 3)
        times = np.stack([run.seconds for run in trajectories], axis=1)
        yield f"{name}/{name}_time.txt", _rounded(times, 8)


def _trackingnet_files(dataset: Dataset, label: str, runs: Mapping[str, list[Trajectory]]) -> Iterator[tuple[str, str]]:
    for name, trajectories in runs.items():
        yield f"{name}.txt", _rounded(trajectories[0].boxes, 2)


def _rounded(rows: NDArray[np.float64], digits: int) -> str:
    return format_lines(",".join(f"{value:.{digits}f}" for value in row) for row in rows.tolist())


def _vot_problems(dataset: Dataset, name: str, runs: list[Trajectory]) -> Iterator[str]:
    if not runs:
        yield f"{name}: no result"
        return
    sequence = dataset.sequence(name)
    for run in runs:
        rows = expected_rows(sequence, run)
        if len(run) != rows:
            yield f"{name}{_which(run)}: {len(run)} rows, expected {rows}"
        if len(run) and run.states[0] != FrameState.INITIALIZED:
            yield f"{name}{_which(run)}: it does not begin with the code 1"
    anchors = sequence.annotation.anchors
    if anchors is not None and runs[0].anchor is not None:
        missing = sorted(set(np.flatnonzero(anchors).tolist()) - {run.anchor for run in runs})
        if missing:
            yield f"{name}: no run from anchor {', '.join(map(str, missing))}"
    if runs[0].protocol == "supervised" and not any((run.states == FrameState.INITIALIZED).any() for run in runs):
        yield f"{name}: a plain trajectory, not the supervised protocol's"


def _which(run: Trajectory) -> str:
    return f"_{run.repetition:03d}" if run.anchor is None else f"_{run.anchor:08d}"


def _vot_files(dataset: Dataset, label: str, runs: Mapping[str, list[Trajectory]]) -> Iterator[tuple[str, str]]:
    for name, trajectories in runs.items():
        for run in trajectories:
            stem = f"{EXPERIMENTS[run.protocol]}/{name}/{name}{_which(run)}"
            records = (record_of(run, index) for index in range(len(run)))
            yield f"{stem}.txt", format_lines(map(format_record, records))
            for kind, values in (("time", run.seconds), ("confidence", run.confidence)):
                if not np.isnan(values).all():
                    lines = ("" if value != value else repr(value) for value in values.tolist())
                    yield f"{stem}_{kind}.value", format_lines(lines)
    yield "manifest.yml", _manifest(dataset, label)


def _manifest(dataset: Dataset, label: str) -> str:
    """What the VOT toolkit writes about a submission."""
    entries = {
        "configuration": {"command": "evalkit", "protocol": "python"},
        "identifier": label,
        "platform": sys.platform,
        "python": platform.python_version(),
        "stack": dataset.name,
        "timestamp": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H-%M-%S.%f"),
        "toolkit": f"evalkit {__version__}",
    }
    # JSON is YAML, and its quotes keep a name such as "no" from being taken for something else.
    return json.dumps(entries, indent=2, sort_keys=True) + "\n"


def _notes(dataset: Dataset, runs: Mapping[str, list[Trajectory]]) -> Iterator[str]:
    """Signs of a wrong origin: first boxes that differ from the given ones by the same shift nearly everywhere."""
    shifts = []
    for name, trajectories in runs.items():
        if trajectories and trajectories[0].protocol == "one_pass":
            shifts.append(trajectories[0].boxes[0, :2] - dataset.sequence(name).groundtruth[0, :2])
    if shifts:
        shift = np.median(np.array(shifts), axis=0)
        if np.abs(shift).max() > _SHIFT:
            yield (
                f"the first boxes are moved by ({shift[0]:g}, {shift[1]:g}) against the given ones; "
                f"{dataset.name} counts pixels from {dataset.origin}"
            )


_FORMS = {
    "got10k": _Form(_got10k_problems, _got10k_files),
    "trackingnet": _Form(_box_problems, _trackingnet_files),
    "vot": _Form(_vot_problems, _vot_files),
}
