"""Join the results of shards, parts of one run that were made on several machines, in one folder.

Files are copied unchanged, whatever their layout: a shard holds whole files, and a file that two shards have must be
the same in both. Only times may differ, where a sequence was tracked twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError, MissingResults
from evalkit.io.atomic import write_bytes
from evalkit.results import run_record
from evalkit.results.layouts.base import boxes_last, is_time_file
from evalkit.results.store import FAILURES


@dataclass(frozen=True)
class Merged:
    """One run after its shards were joined: one tracker on one benchmark under one protocol.

    Attributes:
        folder: Folder that received the results; for a further protocol, its folder inside of the tracker's.
        shards: Number of folders that were joined, including ``folder`` if it already held results.
        files: Number of result files that ``folder`` now holds, files of times and confidences included.
    """

    folder: Path
    shards: int
    files: int


def merge(sources: Sequence[Path], results: Path) -> list[Merged]:
    """Join result folders into another one or into one of them.

    Everything is checked before anything is written.

    Args:
        sources: The folders that were given to ``--results`` of the shards.
        results: Folder that receives the results; may be one of ``sources``.

    Returns:
        One entry for each run.

    Raises:
        MissingResults: A folder holds no results.
        EvalkitError: A folder holds results without ``run.json``, two folders are not of the same run, or they hold
            different results for the same sequence.
    """
    shards = _shards_of_each_run(sources, results)
    plans = [(results / name, parts, _joined_record(parts), _joined_files(parts)) for name, parts in shards.items()]
    for target, _, record, files in plans:
        run_record.save(target, *record)
        for name in sorted(files, key=boxes_last):
            if files[name] != target / name:
                write_bytes(target / name, files[name].read_bytes())
    return [Merged(target, len(parts), len(files)) for target, parts, _, files in plans]


def _shards_of_each_run(sources: Sequence[Path], results: Path) -> dict[Path, list[Path]]:
    """Return the folders to join by the path of their run, relative to the results folder."""
    shards: dict[Path, list[Path]] = {}
    for source in dict.fromkeys([*([results] if results.is_dir() else []), *sources]):
        folders = _run_folders(source)
        if not folders and source != results:
            raise MissingResults(
                "there are no results in this folder", where=source, expected="<BENCHMARK>/<tracker>/run.json",
                hint="Give the folders that were given to --results",
            )  # fmt: skip
        for folder in folders:
            shards.setdefault(folder.relative_to(source), []).append(folder)
    return shards


def _run_folders(source: Path) -> list[Path]:
    """Return the folder of each tracker on each benchmark, and inside of it those of further protocols."""
    if not source.is_dir():
        raise EvalkitError("no such folder", where=source)
    trackers = sorted(path for path in source.glob("*/*") if path.is_dir() and not path.name.startswith("."))
    return [run for folder in trackers for run in _runs(folder)]


def _runs(folder: Path) -> list[Path]:
    further = _further_protocols(folder)
    others = set(folder.iterdir()) - {*further, folder / FAILURES}
    return [folder, *further] if others or not further else further


def _further_protocols(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob(f"*/{run_record.FILE}"))


def _joined_record(
    parts: Sequence[Path],
) -> tuple[Mapping[str, Any], list[dict[str, Any]], list[dict[str, Any]], dict[str, float]]:
    """Return identity, environments, costs and clock of the joined run.

    The costs are those of the first part that has some: they are equal everywhere. The tracker's files are those of all
    parts together.

    Raises:
        EvalkitError: A part has no record, or the parts are not of the same run.
    """
    identity: dict[str, Any] | None = None
    records: list[dict[str, Any]] = []
    environments: list[dict[str, Any]] = []
    costs: list[dict[str, Any]] = []
    for folder in parts:
        content = run_record.load(folder)
        if content is None:
            raise EvalkitError(
                "this folder holds results without run.json", where=folder,
                hint="Give the folders that were given to --results of `evalkit run`",
            )  # fmt: skip
        if identity is None:
            identity = content["identity"]
        changed = run_record.differences(identity, content["identity"])
        if changed:
            key, first, here = changed[0]
            raise EvalkitError(
                f"not the same run as {parts[0]}: {key} differs", where=folder, found=here, expected=first,
                hint="Run all shards with the same options, or keep both runs apart by --name",
            )  # fmt: skip
        environments += [one for one in content["environments"] if one not in environments]
        costs = costs or content.get("costs", [])
        if files := content["identity"].get(run_record.FILES):
            identity = {**identity, run_record.FILES: {**files, **identity.get(run_record.FILES, {})}}
        records.append(content)
    return identity or {}, environments, costs, run_record.total_clock(records)


def _joined_files(parts: Sequence[Path]) -> dict[Path, Path]:
    """Return the files of the joined run: for each name, the file to copy.

    Raises:
        EvalkitError: Two parts have different results for the same sequence.
    """
    joined: dict[Path, Path] = {}
    for folder in parts:
        for name in _result_files(folder):
            earlier = joined.setdefault(name, folder / name)
            if earlier != folder / name and not is_time_file(name) and not _is_log(name):
                _check_equal(earlier, folder / name)
    done = {name.stem for name in joined if not _is_log(name)}
    return {name: path for name, path in joined.items() if not (_is_log(name) and _is_done(name, done))}


def _result_files(folder: Path) -> list[Path]:
    """Return the paths of a run's files relative to its folder, without ``run.json`` and other protocols' files."""
    further = {path.name for path in _further_protocols(folder)}
    names = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return [
        name
        for name in names
        if not (name.name.startswith(".") or name == Path(run_record.FILE) or name.parts[0] in further)
    ]


def _check_equal(earlier: Path, path: Path) -> None:
    if earlier.read_bytes() != path.read_bytes():
        raise EvalkitError(
            f"this result differs from {earlier}", where=path,
            hint="The machines compute different boxes: `evalkit diff` shows where, run.json holds both environments",
        )  # fmt: skip


def _is_log(name: Path) -> bool:
    return name.parts[0] == FAILURES


def _is_done(log: Path, done: set[str]) -> bool:
    """Return whether the unit of work that failed in one part has a result in another."""
    sequence, _, _ = log.stem.rpartition("_")
    return log.stem in done or sequence in done
