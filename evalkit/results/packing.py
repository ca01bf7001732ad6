"""Write and check submissions for evaluation servers, which seldom say why they reject a file."""

from __future__ import annotations

import io
import json
import platform
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit import __version__, progress
from evalkit.errors import EvalkitError, MissingResults
from evalkit.io.atomic import write_bytes
from evalkit.io.regions import format_binary, format_record
from evalkit.io.rows import format_lines
from evalkit.io.temporary import temporary_folder
from evalkit.results.archives import unpack, zip_names
from evalkit.results.layouts.vot import experiment_folder, file_number, records_of
from evalkit.results.store import Store
from evalkit.results.submission_check import find_problems
from evalkit.results.submission_rules import box_problems, got10k_problems, vot_problems
from evalkit.types import Dataset, Mask, Trajectory

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
    runs = {
        name: store.read(dataset.sequence(name)) if name in present else []
        for name in progress.each(dataset.expected, lambda name: f"reading the result of {name}")
    }
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
    _submission(dataset)
    names = zip_names(path)
    repeated = [
        f"{name}: {count} files of this name in the archive" for name, count in Counter(names).items() if count > 1
    ]
    if repeated:
        return repeated
    with temporary_folder() as temporary:
        unpack(path, temporary)
        backslashes = any("\\" in name for name in names)
        return find_problems(temporary, dataset, protocol or dataset.protocols[0], backslashes=backslashes)


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
    "got10k": _Submission(got10k_problems, _got10k_files),
    "trackingnet": _Submission(box_problems, _trackingnet_files),
    "vot": _Submission(vot_problems, _vot_files),
}
