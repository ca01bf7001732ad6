"""Joining the results of shards: parts of one run, made on several machines, become one folder.

Files are joined as they are, whatever their layout: a shard holds whole files, and the same file in two shards must
hold the same bytes. Only times may differ, where a sequence was tracked twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError
from evalkit.io.atomic import write_bytes
from evalkit.results import run_record

FAILURES = "failures"


@dataclass(frozen=True)
class Merged:
    """What was joined of one run: one tracker on one benchmark under one protocol.

    Attributes:
        folder: That received it; of a further protocol, its folder inside of the tracker's.
        shards: Folders that were joined, that one included if it held results already.
        files: Result files that it holds now, times and the like included.
    """

    folder: Path
    shards: int
    files: int


def merge(sources: Sequence[Path], results: Path) -> list[Merged]:
    """Join result folders, each as it was given to ``--results``, into another or into one of them.

    Everything is checked before anything is written.

    Raises:
        EvalkitError: A folder holds no results or results of unknown origin, two of them are not of the same run, or
            they hold different results for the same sequence.
    """
    shards: dict[Path, list[Path]] = {}
    for source in dict.fromkeys([*([results] if results.is_dir() else []), *sources]):
        folders = _run_folders(source)
        if not folders and source != results:
            raise EvalkitError(
                "there are no results here", where=source, expected="<BENCHMARK>/<tracker>/run.json",
                hint="Give each folder as it was given to --results",
            )  # fmt: skip
        for folder in folders:
            shards.setdefault(folder.relative_to(source), []).append(folder)
    plans = [(results / name, parts, _joined_manifest(parts), _joined_files(parts)) for name, parts in shards.items()]
    for target, _, (identity, environments, costs), files in plans:
        run_record.save(target, identity, environments, costs)
        for name in sorted(files, key=_is_last):
            if files[name] != target / name:
                write_bytes(target / name, files[name].read_bytes())
    return [Merged(target, len(parts), len(files)) for target, parts, _, files in plans]


def _run_folders(source: Path) -> list[Path]:
    """A tracker's folder on a benchmark, and in it those of further protocols, which are runs of their own."""
    if not source.is_dir():
        raise EvalkitError("no such folder", where=source)
    trackers = sorted(path for path in source.glob("*/*") if path.is_dir() and not path.name.startswith("."))
    return [run for folder in trackers for run in _runs(folder)]


def _runs(folder: Path) -> list[Path]:
    further = _further(folder)
    besides = set(folder.iterdir()) - {*further, folder / FAILURES}
    return [folder, *further] if besides or not further else further


def _further(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob(f"*/{run_record.FILE}"))


def _joined_manifest(
    parts: Sequence[Path],
) -> tuple[Mapping[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """Identity, environments and costs; the network is the same everywhere, so anybody's count is everybody's."""
    identity: Mapping[str, Any] | None = None
    environments: list[dict[str, Any]] = []
    costs: list[dict[str, Any]] = []
    for folder in parts:
        content = run_record.load(folder)
        if content is None:
            raise EvalkitError(
                "it holds results without run.json, of unknown origin", where=folder,
                hint="Give each folder as it was given to --results of `evalkit run`",
            )  # fmt: skip
        if identity is None:
            identity = content["identity"]
        changed = run_record.differences(identity, content["identity"])
        if changed:
            key, first, here = changed[0]
            raise EvalkitError(
                f"this is not the same run as {parts[0]}: {key} differs", where=folder, found=here, expected=first,
                hint="Run all shards with the same options, or keep both runs apart by --name",
            )  # fmt: skip
        environments += [one for one in content["environments"] if one not in environments]
        costs = costs or content.get("costs", [])
    return identity or {}, environments, costs


def _joined_files(parts: Sequence[Path]) -> dict[Path, Path]:
    """Which file of the result comes from where."""
    joined: dict[Path, Path] = {}
    for folder in parts:
        further = {path.name for path in _further(folder)}
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if (
                not path.is_file()
                or path.name.startswith(".")
                or name == Path(run_record.FILE)
                or name.parts[0] in further
            ):
                continue
            earlier = joined.setdefault(name, path)
            if earlier != path and not _is_time(name) and name.parts[0] != FAILURES:
                _check_same(earlier, path)
    finished = {path.stem for path in joined if path.parts[0] != FAILURES}
    return {name: path for name, path in joined.items() if name.parts[0] != FAILURES or not _is_cured(name, finished)}


def _check_same(earlier: Path, path: Path) -> None:
    if earlier.read_bytes() != path.read_bytes():
        raise EvalkitError(
            f"this result differs from {earlier}", where=path,
            hint="One machine computes otherwise: `evalkit diff` shows where; run.json holds both environments",
        )  # fmt: skip


def _is_time(name: Path) -> bool:
    return name.parent.name == "times" or re.search(r"_time$", name.stem) is not None


def _is_last(name: Path) -> tuple[bool, Path]:
    # Where the regions are, all is: an interrupted merge must not leave them without their times and confidences.
    return not (_is_time(name) or name.parent.name == "confidence" or name.suffix == ".value"), name


def _is_cured(log: Path, finished: set[str]) -> bool:
    """Whether the unit that failed in one shard has a result in another."""
    sequence, _, _ = log.stem.rpartition("_")
    return log.stem in finished or sequence in finished
