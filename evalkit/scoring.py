"""Scoring stored trajectories, ours or a stranger's; neither frames nor torch are needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from evalkit.comparison import BESIDE
from evalkit.engine.work import open_dataset
from evalkit.errors import EvalkitError
from evalkit.metrics import profiles as metric_profiles
from evalkit.results import store as result_store
from evalkit.results.store import Store
from evalkit.types import Dataset, Score, Trajectory


def score(
    dataset: str,
    *,
    data: Path | None = None,
    results: Path = Path("results"),
    trackers: Sequence[str] | None = None,
    profiles: Sequence[str] | None = None,
    protocol: str | None = None,
    attributes: bool = False,
    allow_partial: bool = False,
) -> list[Score]:
    """Score stored trajectories, ours or a stranger's; frames are not needed.

    Args:
        trackers: Labels; all that have results for the benchmark by default.
        profiles: Metric profiles; the benchmark's official one by default.
        attributes: Also by attribute or tag.
        allow_partial: Score what is there; every score says how many of how many sequences it covers.

    Raises:
        EvalkitError: Results are missing, incomplete or damaged; the sequences are named.
    """
    opened = open_dataset(dataset, data)
    chosen = _profiles(opened, profiles)
    return [
        one
        for store, runs in _results(opened, results, trackers, protocol, allow_partial=allow_partial)
        for one in _score_runs(store, runs, chosen, attributes=attributes)
    ]


def score_matrix(
    dataset: str,
    *,
    data: Path | None = None,
    results: Path = Path("results"),
    trackers: Sequence[str] | None = None,
    protocol: str | None = None,
    attributes: bool = False,
    allow_partial: bool = False,
) -> tuple[list[Score], list[str]]:
    """Score the same trajectories by every convention that applies to the benchmark.

    Args: as of ``score``.

    Returns:
        The scores, and one sentence each on why a convention's numbers differ and on why one refuses a tracker's
        results.

    Raises:
        EvalkitError: As ``score``; but a convention that refuses is not an error here.
    """
    opened = open_dataset(dataset, data)
    scores: list[Score] = []
    sentences: dict[str, None] = {}
    for store, runs in _results(opened, results, trackers, protocol, allow_partial=allow_partial):
        for row in metric_profiles.matrix(opened, store.label, store.protocol, runs, attributes=attributes):
            scores += row.scores
            sentences[f"{row.profile}: {row.reason}"] = None
            if row.refusal is not None:
                sentences[f"{row.profile} does not score {store.label}: {row.refusal}"] = None
    return scores, list(sentences)


def _results(
    dataset: Dataset, results: Path, trackers: Sequence[str] | None, protocol: str | None, *, allow_partial: bool
) -> Iterator[tuple[Store, dict[str, list[Trajectory]]]]:
    chosen = (protocol or dataset.protocols[0]).replace("-", "_")
    for label in trackers or result_store.labels(results, dataset):
        store = Store(results, dataset, label, chosen)
        runs = read_runs(store, [sequence.name for sequence in dataset.sequences])
        _check_complete(store, runs, allow_partial=allow_partial)
        if is_withheld(dataset, runs):
            raise EvalkitError(
                "the groundtruth is withheld after the first frame; only the benchmark's server can score this",
                where=dataset.name,
                hint=f"Write the submission with `evalkit pack --dataset {dataset.name} --tracker {label}`",
            )
        yield store, runs


def is_withheld(dataset: Dataset, runs: Iterable[str]) -> bool:
    """Whether nothing but first frames is annotated in these sequences, as in test sets that a server scores."""
    longer = [dataset.sequence(name).groundtruth[1:] for name in runs]
    return any(len(rows) for rows in longer) and all(np.isnan(rows).all() for rows in longer)


def _profiles(dataset: Dataset, asked: Sequence[str] | None) -> tuple[str, ...]:
    if asked is None:
        return (dataset.profiles[0],)
    for name in asked:
        if name not in dataset.profiles:
            raise EvalkitError(
                f"{dataset.name} cannot be scored by profile {name!r}",
                where="--profile",
                expected=", ".join(dataset.profiles),
            )
    return tuple(asked)


def read_runs(store: Store, sequences: Iterable[str]) -> dict[str, list[Trajectory]]:
    """Stored trajectories by sequence; sequences without any are left out."""
    read = {name: store.read(store.dataset.sequence(name)) for name in sequences}
    return {name: trajectories for name, trajectories in read.items() if trajectories}


def _check_complete(store: Store, runs: Mapping[str, list[Trajectory]], *, allow_partial: bool) -> None:
    missing = [name for name in store.dataset.expected if name not in runs]
    if not runs:
        raise EvalkitError("there are no results", where=store.folder, hint=_near_labels(store))
    if missing and not allow_partial:
        raise EvalkitError(
            f"{len(missing)} of {len(store.dataset.expected)} sequences have no result",
            where=f"{store.dataset.name}/{store.label}",
            hint=f"Missing: {listed(missing)}. Score what is there with --allow-partial",
        )


def _near_labels(store: Store) -> str:
    known = result_store.labels(store.folder.parent.parent, store.dataset)
    return f"There are results of {listed([name for name in known if name != store.folder.name])}"


def _score_runs(
    store: Store, runs: Mapping[str, list[Trajectory]], profiles: Sequence[str], *, attributes: bool
) -> list[Score]:
    return [
        one
        for profile in profiles
        for one in metric_profiles.score(
            profile, store.dataset, store.label, store.protocol, runs, attributes=attributes
        )
    ]


def headline(store: Store, runs: Mapping[str, list[Trajectory]]) -> list[Score]:
    """The official scores, and beside them those of other conventions that a reader looks for.

    None where no score exists: a protocol that the official profile does not score, groundtruth that is withheld.
    """
    official, *others = store.dataset.profiles
    if store.protocol not in metric_profiles.find(official).protocols or is_withheld(store.dataset, runs):
        return []
    scores = _score_runs(store, runs, [official], attributes=False)
    known = {one.metric for one in scores}
    for profile, metrics in BESIDE.items():
        if profile in others and not known.issuperset(metrics):
            fresh = _score_runs(store, runs, [profile], attributes=False)
            scores += [one for one in fresh if one.metric in metrics and one.metric not in known]
    return scores


def listed(names: Sequence[str], most: int = 8) -> str:
    """The first of these names for a message, and how many there are; "nothing" for none."""
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return (", ".join(names[:most]) + more) or "nothing"
