"""The results that a baseline was made of, where they are still on this machine.

A baseline holds hashes of boxes, not boxes. The results behind it are found by these hashes, so that a difference can
be stated in pixels; they are kept when other code's results take their place.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evalkit.errors import EvalkitError
from evalkit.regression import box_hashes
from evalkit.regression.findings import AffectedSequence, GateFinding
from evalkit.regression.records import DatasetRecord
from evalkit.results.store import Store
from evalkit.stored import Trajectories, load_run
from evalkit.types import Dataset, Trajectory

OWN_FOLDER = "regress"
"""Folder inside the results folder where this command stores results; those of other code are replaced there only."""
PREVIOUS_FOLDER = "previous"
"""Folder inside ``OWN_FOLDER`` for the results that a baseline was made of, when other code's take their place."""
_UNKNOWN = "the boxes of the baseline are not in this results folder, so that the size of the differences is unknown"


@dataclass(frozen=True)
class ResultsOf:
    """Results of one tracker on one dataset that a record describes."""

    folder: Path
    trajectories: Trajectories


def keep_previous(store: Store, record: DatasetRecord | None, results: Path) -> None:
    """Copy the results of a store that is about to be cleared, if they are those of the baseline.

    Args:
        record: The baseline's record of the tracker on the dataset; None where it has none.
        results: Folder of all results, which holds ``OWN_FOLDER``.
    """
    own = results / OWN_FOLDER
    if record is None or _matching(own, store.dataset, store.label, store.protocol, record) is None:
        return
    place = Store(own / PREVIOUS_FOLDER, store.dataset, store.label, store.protocol).folder
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(store.folder, place, ignore=shutil.ignore_patterns("*.lock", ".*"))


def with_sizes(
    finding: GateFinding, dataset: Dataset, protocol: str, old: DatasetRecord, new: DatasetRecord, results: Path
) -> GateFinding:
    """Return a finding on different boxes with the sizes of the differences and the command that shows all of them.

    Args:
        old, new: Records of the baseline and of the present run.
        results: Folder of all results.
    """
    before, after = (find_results(results, dataset, finding.tracker, protocol, record) for record in (old, new))
    if before is None or after is None:
        return replace(finding, reason=f"{finding.reason}; {_UNKNOWN}")
    affected = tuple(_with_size(one, before.trajectories, after.trajectories) for one in finding.responsible)
    sizes = [one.max_pixels for one in affected if one.max_pixels is not None]
    size = f" by up to {max(sizes):.3g} px" if sizes else ""
    head, separator, places = finding.reason.partition(": ")
    command = f"`evalkit diff {before.folder} {after.folder}` shows each"
    return replace(finding, responsible=affected, reason=f"{head}{size}{separator}{places}; {command}")


def find_results(results: Path, dataset: Dataset, label: str, protocol: str, record: DatasetRecord) -> ResultsOf | None:
    """Return the stored results that a record describes; None where they are not on this machine."""
    roots = (results / OWN_FOLDER, results, results / OWN_FOLDER / PREVIOUS_FOLDER)
    found = (_matching(root, dataset, label, protocol, record) for root in roots)
    return next((one for one in found if one is not None), None)


def _matching(root: Path, dataset: Dataset, label: str, protocol: str, record: DatasetRecord) -> ResultsOf | None:
    """Return the results in a folder if all sequences of the record have the boxes that it describes."""
    names = [sequence.name for sequence in dataset.sequences if sequence.name in record.sequences]
    if not names or not Store(root, dataset, label, protocol).folder.is_dir():
        return None
    try:
        run = load_run(root, dataset, label, protocol=protocol, sequences=names)
    except EvalkitError:
        return None
    same = all(
        name in run.trajectories
        and box_hashes.hash_boxes(run.trajectories[name], checkpoints=1).boxes == record.sequences[name].hashes.boxes
        for name in names
    )
    return ResultsOf(run.folder, run.trajectories) if same else None


def _with_size(
    affected: AffectedSequence, old: Mapping[str, list[Trajectory]], new: Mapping[str, list[Trajectory]]
) -> AffectedSequence:
    pairs = zip(old.get(affected.sequence, ()), new.get(affected.sequence, ()), strict=False)
    sizes = [float(np.nanmax(size)) for one, other in pairs if np.isfinite(size := _pixels(one, other)).any()]
    return replace(affected, max_pixels=max(sizes)) if sizes else affected


def _pixels(old: Trajectory, new: Trajectory) -> np.ndarray:
    """Return the largest difference of a coordinate in each frame that both have; NaN where one has no box."""
    count = min(len(old), len(new))
    return np.abs(old.boxes[:count] - new.boxes[:count]).max(axis=1) if count else np.full(1, np.nan)
