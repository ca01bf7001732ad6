"""Collect the results of several trackers on one sequence, for replays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalkit import stored
from evalkit.errors import EvalkitError, MissingResults, UnknownName, suggestion
from evalkit.factories import open_dataset
from evalkit.infer_dataset import only_benchmark
from evalkit.results import label_folders
from evalkit.results.label_folders import labels
from evalkit.stored import StoredRun
from evalkit.types import Dataset, Trajectory
from evalkit.types import Sequence as Video


def collect_sequence(
    trackers: Sequence[str] | None,
    dataset: str | None,
    sequence: str,
    *,
    data: Path | None,
    results: Path,
    exclude: Sequence[str] = (),
    protocol: str | None = None,
) -> tuple[Dataset, str, dict[str, Trajectory]]:
    """Return the dataset, the name of a sequence, and the first repetition of every tracker's result on it.

    Args:
        trackers: Labels of the results; all that have a result on the sequence by default.
        dataset: Name of a dataset; by default the only one that there are results of.
        exclude: Labels to leave out.
        protocol: Protocol of the results; the dataset's official one by default.

    Raises:
        UnknownName: There is no such sequence.
        EvalkitError: No tracker, or one that was asked for, has a usable result on it.
    """
    opened = open_dataset(dataset or only_benchmark(results), data)
    name = opened.find(sequence, where=f"--sequence {sequence}").name
    chosen = label_folders.choose_labels(trackers or labels(results, opened), exclude)
    found = [stored.load_run(results, opened, label, protocol=protocol, sequences=[name]) for label in chosen]
    present = [run for run in found if trackers or run.trajectories or run.damaged]
    stored.check(_replay_problem(run, name) for run in present)
    if not present:
        raise MissingResults(
            "no tracker has a result on this sequence", where=f"{opened.name}/{name}", hint="Give --results"
        )
    return opened, name, {run.label: run.trajectories[name][0] for run in present}


def find_sequence(name: str, datasets: Sequence[Dataset]) -> Video:
    """Return the sequence of that name in the first dataset that has it.

    Raises:
        UnknownName: No dataset has it.
    """
    errors = []
    for dataset in datasets:
        try:
            return dataset.find(name, where=f"--replay {name}")
        except UnknownName as error:
            errors.append(error)
    raise errors[0]


def _replay_problem(run: StoredRun, name: str) -> EvalkitError | None:
    if run.trajectories or run.damaged:
        return run.problem(groundtruth=False)
    known = labels(run.folder.parent.parent, run.dataset)
    return MissingResults(
        "there is no result", where=f"{run.dataset.name}/{run.label}/{name}", found=f"results of {', '.join(known)}",
        hint=suggestion(run.label, known) or "Make it with `evalkit run`, or leave this tracker out",
    )  # fmt: skip
