"""Somebody else's raw results, brought into the results folder in the benchmark's own layout."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.errors import EvalkitError
from evalkit.results import layouts, run_record
from evalkit.results.archives import SUFFIXES, is_archive, unpack
from evalkit.results.layouts import Layout
from evalkit.results.layouts.base import expected_rows
from evalkit.results.store import Store
from evalkit.types import Dataset, Trajectory

LAYOUTS = ("got10k", "pysot", "pytracking", "vot", "otb-mat", "otb-json", "lasot-matlab", "plain")


@dataclass(frozen=True)
class Imported:
    """What an import brought.

    Attributes:
        folder: Where it lies now.
        sequences: Names of the sequences with results.
        missing: Names of the benchmark's sequences without.
        notes: What is odd about the results, one sentence each; they are stored as they are all the same.
    """

    folder: Path
    sequences: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def import_results(
    source: Path, layout: str, dataset: Dataset, results: Path, *, label: str | None = None, protocol: str | None = None
) -> Imported:
    """Read one tracker's results on one benchmark, and write them where ours lie.

    Args:
        source: The tracker's folder, or a zip or tar archive of it.
        layout: One of ``LAYOUTS``; what ``got10k`` and ``pysot`` mean depends on the benchmark, as it does there.
        label: Name of the tracker; that of the folder or archive if None.
        protocol: The benchmark's own if None.

    Raises:
        EvalkitError: The archive is not safe, nothing of the benchmark is in it, a file cannot be read, or results of
            that label are already there.
    """
    chosen = protocol or dataset.protocols[0]
    name = label or _name_of(source)
    store = Store(results, dataset, name, chosen)
    if store.home.exists():
        raise EvalkitError("results of this label are already there", where=store.home, hint="Give another with --name")
    with _opened(source) as folder:
        found = _found(folder, layout, dataset, chosen, label)
        if not found:
            raise _nothing(source, folder, layout, dataset, chosen)
        identity = {"tracker": name, "dataset": dataset.name, "protocol": chosen,
                    "imported": {"layout": layout, "source": source.name}}  # fmt: skip
        run_record.save(store.home, identity, [run_record.environment()])
        for trajectories in found.values():
            store.write(replace(trajectory, tracker=name) for trajectory in trajectories)
    return Imported(
        folder=store.folder,
        sequences=tuple(found),
        missing=tuple(expected for expected in dataset.expected if expected not in found),
        notes=tuple(_notes(dataset, found)),
    )


def _name_of(source: Path) -> str:
    name = source.resolve().name
    return name.partition(".")[0] if source.is_file() else name


@contextmanager
def _opened(source: Path) -> Iterator[Path]:
    """The folder, or an archive's content in a temporary one."""
    if source.is_dir():
        yield source
    elif is_archive(source):
        with tempfile.TemporaryDirectory(prefix="evalkit-") as temporary:
            unpack(source, Path(temporary))
            yield Path(temporary)
    else:
        raise EvalkitError(
            "this is neither a folder nor an archive", where=source, found="a file" if source.exists() else "nothing",
            expected=f"one tracker's folder of results, or an archive of it ({', '.join(SUFFIXES)})",
        )  # fmt: skip


def reader(layout: str, dataset: Dataset, tracker: str | None = None) -> Layout:
    """The layout that a toolkit uses for a benchmark.

    Raises:
        EvalkitError: The toolkit is unknown.
    """
    if layout not in LAYOUTS:
        raise EvalkitError(f"no layout is named {layout!r}", where="--layout", expected=", ".join(LAYOUTS))
    if layout == "otb-mat" and tracker is not None:
        from evalkit.results.layouts.otb_struct import OtbMat

        return OtbMat(tracker)
    if layout in ("got10k", "pysot"):
        own = layouts.get(dataset.layout)
        return (
            own
            if own.name in ("vot", "vot-bin") or (own.name, layout) == ("got10k", "got10k")
            else layouts.get("plain")
        )
    return layouts.get(layout)


def _found(
    folder: Path, layout: str, dataset: Dataset, protocol: str, label: str | None
) -> dict[str, list[Trajectory]]:
    """Results by sequence, in the folder itself or, where it holds a single one, further down."""
    chosen = reader(layout, dataset, label)
    while True:
        found = {sequence.name: chosen.read(folder, sequence, protocol) for sequence in dataset.sequences}
        found = {name: trajectories for name, trajectories in found.items() if trajectories}
        inside = [path for path in folder.iterdir() if not path.name.startswith((".", "__MACOSX"))]
        if found or len(inside) != 1 or not inside[0].is_dir():
            return found
        folder = inside[0]


def _nothing(source: Path, folder: Path, layout: str, dataset: Dataset, protocol: str) -> EvalkitError:
    entries = sorted(path.name for path in folder.iterdir())
    fitting = [name for name in LAYOUTS if name != layout and _holds(folder, name, dataset, protocol)]
    return EvalkitError(
        f"no result of {dataset.name} in layout {layout} is here", where=source,
        found=", ".join(entries[:8]) + (f" and {len(entries) - 8} more" if len(entries) > 8 else "") or "nothing",
        expected=f"the folder of one tracker, with a result for a sequence such as {dataset.sequences[0].name}",
        hint=f"It looks like --layout {fitting[0]}" if fitting else None,
    )  # fmt: skip


def _holds(folder: Path, layout: str, dataset: Dataset, protocol: str) -> bool:
    try:
        return any(reader(layout, dataset).read(folder, sequence, protocol) for sequence in dataset.sequences)
    except EvalkitError:
        return False


def _notes(dataset: Dataset, found: dict[str, list[Trajectory]]) -> Iterator[str]:
    for name, trajectories in found.items():
        sequence = dataset.sequence(name)
        for trajectory in trajectories:
            expected = expected_rows(sequence, trajectory)
            # Of a test sequence without its frames one row is known, which says nothing of its length.
            if expected > 1 and len(trajectory) != expected:
                yield f"{name}: {len(trajectory)} rows, and the benchmark has {expected}"
