"""Write and check submissions for evaluation servers, which seldom say why they reject a file."""

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
from evalkit.errors import EvalkitError, MissingResults
from evalkit.io.atomic import write_bytes
from evalkit.io.regions import format_binary, format_record
from evalkit.io.rows import format_lines
from evalkit.results import layouts
from evalkit.results.archives import unpack
from evalkit.results.layouts.base import expected_rows
from evalkit.results.layouts.vot import experiment_folder, file_number, records_of
from evalkit.results.store import Store
from evalkit.types import Dataset, FrameState, Mask, Sequence, Trajectory

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same results give the same archive
_LARGEST_SHIFT = 0.51  # pixels; first boxes that are shifted by a whole pixel have the wrong origin
_MOST_PROBLEMS = 12


@dataclass(frozen=True)
class Packed:
    """A submission that was written.

    Attributes:
        path: The archive.
        files: Number of files in the archive.
        notes: Anomalies that the server accepts but that may be mistakes, one sentence each.
    """

    path: Path
    files: int
    notes: tuple[str, ...]


def pack(dataset: Dataset, label: str, results: Path, output: Path, *, protocol: str | None = None) -> Packed:
    """Write a tracker's results as the archive that the benchmark's server accepts.

    Numbers are rounded here and nowhere else, to the digits of the official packers.

    Args:
        label: Name of the tracker.
        output: The archive to write, ``.zip``.
        protocol: Name of the protocol of the results; the benchmark's first if None.

    Raises:
        MissingResults: The tracker has no results on the benchmark.
        EvalkitError: The benchmark has no server, or any sequence is missing, has another number of rows, holds a value
            that is not finite, or lacks times where the server requires them. The message lists all problems.
    """
    submission = _submission(dataset)
    store = Store(results, dataset, label, protocol or dataset.protocols[0])
    if not store.folder.is_dir():
        raise MissingResults("there are no results of this tracker", where=store.folder)
    present = {sequence.name for sequence in dataset.sequences}
    runs = {name: store.read(dataset.sequence(name)) if name in present else [] for name in dataset.expected}
    problems = [problem for name, found in runs.items() for problem in submission.problems(dataset, name, found)]
    if problems:
        more = f"; and {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
        raise EvalkitError(
            "the server would reject these results or score them as zero", where=store.folder,
            found="; ".join(problems[:_MOST_PROBLEMS]) + more, hint="Nothing was written",
        )  # fmt: skip
    files = dict(sorted(submission.files(dataset, label, runs)))
    write_bytes(output, _archive(files))
    return Packed(output, len(files), tuple(_wrong_origin(dataset, runs)))


def check(path: Path, dataset: Dataset, *, protocol: str | None = None) -> list[str]:
    """Return the problems of an archive that is to be submitted, made by evalkit or not; none if it is valid.

    Args:
        path: The archive.
        protocol: Name of the protocol of the results; the benchmark's first if None.

    Raises:
        EvalkitError: The benchmark has no server, or the archive is not safe to unpack.
    """
    submission = _submission(dataset)
    with tempfile.TemporaryDirectory(prefix="evalkit-") as temporary:
        unpack(path, Path(temporary))
        folder, repeated = _read_as_server(Path(temporary), dataset)
        files = {file for file in folder.rglob("*.txt") if not file.name.startswith(".")}
        known = {file for file in files if _is_of_sequence(file, dataset)} if repeated is not None else files
        problems = [*(repeated or ()), *(_separator_problem(file, folder) for file in sorted(known))]
        for sequence in dataset.sequences:
            try:
                found = layouts.get(dataset.layout).read(folder, sequence, protocol or dataset.protocols[0])
                problems += submission.problems(dataset, sequence.name, found)
            except EvalkitError as error:
                problems.append(str(error).replace(f"{temporary}/", ""))
    return [problem for problem in problems if problem]


def _read_as_server(folder: Path, dataset: Dataset) -> tuple[Path, list[str] | None]:
    """Return the folder whose files the benchmark's server reads, and the problems of their places.

    TrackingNet's server (``metrics.py`` of its devkit) takes the members of the archive whose path contains
    ``<id>.txt``, at any depth, and takes a sequence for empty unless there is exactly one. Its files are copied to one
    folder here. Other servers expect the files in the archive or in one folder around them; the problems are then None.
    """
    if dataset.family != "trackingnet":
        return _inside(folder, dataset), None
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    paths = {file.relative_to(folder).as_posix(): file for file in files}
    flat = folder / ".read"
    flat.mkdir()
    problems = []
    for name in dataset.expected:
        found = [path for path in paths if f"{name}.txt" in path]
        if len(found) > 1:
            problems.append(
                f"{name}: {len(found)} members, the server takes the sequence for empty ({', '.join(found)})"
            )
        if found:
            (flat / f"{name}.txt").write_bytes(paths[found[0]].read_bytes())
    return flat, problems


def _is_of_sequence(file: Path, dataset: Dataset) -> bool:
    return file.stem in dataset.expected


def _inside(folder: Path, dataset: Dataset) -> Path:
    """Return the only folder in a folder, which servers accept around the files, or else the folder itself."""
    entries = [entry for entry in folder.iterdir() if entry.name != "__MACOSX"]
    only = entries[0] if len(entries) == 1 else folder
    return only if only.is_dir() and only.name not in dataset.expected else folder


def _separator_problem(file: Path, folder: Path) -> str | None:
    line = file.read_bytes().strip().partition(b"\n")[0].strip()
    line = line.replace(b", ", b",").replace(b" ,", b",")  # which every server's parser accepts
    wrong = {b"\t": "tabs", b" ": "spaces", b";": "semicolons"}
    found = next((name for separator, name in wrong.items() if separator in line), None)
    return f"{file.relative_to(folder)}: separated by {found}; servers accept commas only" if found else None


def _archive(files: Mapping[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return stream.getvalue()


@dataclass(frozen=True)
class _Submission:
    """The submission that one benchmark's server accepts.

    Attributes:
        problems: Returns the problems of one sequence's results, one sentence each.
        files: Returns the name in the archive and the content of each file.
    """

    problems: Callable[[Dataset, str, list[Trajectory]], Iterable[str]]
    files: Callable[[Dataset, str, Mapping[str, list[Trajectory]]], Iterable[tuple[str, str | bytes]]]


def _submission(dataset: Dataset) -> _Submission:
    if dataset.family not in _SUBMISSIONS:
        raise EvalkitError(
            f"there is no server for {dataset.name}", expected="got10k-..., trackingnet-... or vot...",
            hint="Score it with `evalkit score`",
        )  # fmt: skip
    return _SUBMISSIONS[dataset.family]


def _box_problems(dataset: Dataset, name: str, runs: list[Trajectory]) -> Iterator[str]:
    """Yield the problems of results with one box a frame."""
    if not runs:
        yield f"{name}: no result"
    for run in runs:
        rows = len(dataset.sequence(name))
        # A test sequence without its frames has one annotated row, which does not tell its length.
        if rows > 1 and len(run) != rows:
            yield f"{name}: {len(run)} rows, expected {rows}"
        if not np.isfinite(run.boxes).all():
            row = int(np.argmin(np.isfinite(run.boxes).all(axis=1))) + 1
            yield f"{name}: row {row} is not finite"


def _got10k_problems(dataset: Dataset, name: str, runs: list[Trajectory]) -> Iterator[str]:
    yield from _box_problems(dataset, name, runs)
    if runs and not all(np.isfinite(run.seconds).all() for run in runs):
        yield f"{name}: times are missing, which the server requires (parallel runs have none)"


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
            yield f"{name}_{file_number(run)}: {len(run)} rows, expected {rows}"
        start = _start(sequence)
        if len(run) > start and run.states[start] != FrameState.INITIALIZED:
            where = "it does not begin with" if start == 0 else f"row {start + 1}, where the object appears, is not"
            yield f"{name}_{file_number(run)}: {where} the code 1"
    yield from _missing_anchors(sequence, runs)
    if runs[0].protocol == "supervised" and not any((run.states == FrameState.INITIALIZED).any() for run in runs):
        yield f"{name}: the result of a single pass, not of the supervised protocol"


def _start(sequence: Sequence) -> int:
    """Return the frame in which a tracker starts: the first, or of an object of a video (VOTS) the first known."""
    if sequence.video is None:
        return 0
    known = (index for index in range(len(sequence)) if sequence.region(index) is not None)
    return next(known, 0)


def _missing_anchors(sequence: Sequence, runs: list[Trajectory]) -> Iterator[str]:
    anchors = sequence.annotation.anchors
    if anchors is not None and runs[0].anchor is not None:
        missing = sorted(set(np.flatnonzero(anchors).tolist()) - {run.anchor for run in runs})
        if missing:
            yield f"{sequence.name}: no run from anchor {', '.join(map(str, missing))}"


def _vot_files(dataset: Dataset, label: str, runs: Mapping[str, list[Trajectory]]) -> Iterator[tuple[str, str | bytes]]:
    for name, trajectories in runs.items():
        for run in trajectories:
            place = experiment_folder(Path(), run.protocol) / (run.video or name)
            stem = f"{place.as_posix()}/{name}_{file_number(run)}"
            records = records_of(run)
            if any(isinstance(record, Mask) and record.as_stored for record in records):
                yield f"{stem}.bin", format_binary(records)
            else:
                yield f"{stem}.txt", format_lines(map(format_record, records))
            for kind, values in (("time", run.seconds), ("confidence", run.confidence)):
                if not np.isnan(values).all():
                    lines = ("" if value != value else repr(value) for value in values.tolist())
                    yield f"{stem}_{kind}.value", format_lines(lines)
    yield "manifest.yml", _manifest(dataset, label)


def _manifest(dataset: Dataset, label: str) -> str:
    """Return the description of a submission that the VOT toolkit writes."""
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


def _wrong_origin(dataset: Dataset, runs: Mapping[str, list[Trajectory]]) -> Iterator[str]:
    """Yield a note if most first boxes differ from the groundtruth by the same shift, as with a wrong origin."""
    shifts = []
    for name, trajectories in runs.items():
        if trajectories and trajectories[0].protocol == "one_pass":
            shifts.append(trajectories[0].boxes[0, :2] - dataset.sequence(name).groundtruth[0, :2])
    if shifts:
        shift = np.median(np.array(shifts), axis=0)
        if np.abs(shift).max() > _LARGEST_SHIFT:
            yield (
                f"the first boxes are shifted by ({shift[0]:g}, {shift[1]:g}) from the groundtruth; "
                f"{dataset.name} counts pixels from {dataset.origin}"
            )


_SUBMISSIONS = {
    "got10k": _Submission(_got10k_problems, _got10k_files),
    "trackingnet": _Submission(_box_problems, _trackingnet_files),
    "vot": _Submission(_vot_problems, _vot_files),
}
