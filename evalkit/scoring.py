"""Scoring stored trajectories, ours or a stranger's; neither frames nor torch are needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evalkit import protocols
from evalkit.arguments import Names, Place, path, some
from evalkit.comparison import BESIDE, clock_notice, known_costs, only_benchmark
from evalkit.errors import EvalkitError, suggestion
from evalkit.factories import open_dataset
from evalkit.metrics import profiles as metric_profiles
from evalkit.metrics import streaming as video_rates
from evalkit.results import store as result_store
from evalkit.results.store import Store
from evalkit.types import Cost, Dataset, Score, Trajectory

ALL = "all"
"""Instead of a profile's name: every one that applies to the benchmark."""

WITHHELD = "the groundtruth is withheld after the first frame; only the benchmark's server can score this"
"""Said of test sets."""


@dataclass(frozen=True)
class ScoreReport:
    """What stored trajectories score.

    Attributes:
        notices: Where several conventions were asked for: why each differs, and why one refuses a tracker's results;
            what the frames per second are of.
        costs: MACs, parameters and frames per second of the trackers that evalkit ran.
    """

    scores: tuple[Score, ...]
    notices: tuple[str, ...] = ()
    costs: tuple[Cost, ...] = ()


def scores(
    dataset: str | None = None,
    *,
    data: Place | None = None,
    results: Place = "results",
    trackers: Names | None = None,
    profiles: Names | None = None,
    protocol: str | None = None,
    attributes: bool = False,
    allow_partial: bool = False,
    fps: Sequence[float] | None = None,
    latency: float | None = None,
) -> ScoreReport:
    """Score stored trajectories, ours or a stranger's; frames are not needed.

    Args:
        dataset: Name of a benchmark; the only one that there are results of by default.
        trackers: Labels; all that have results for the benchmark by default.
        profiles: Metric profiles; the benchmark's official one by default, ``all`` for every one that applies.
        attributes: Also by attribute or tag.
        allow_partial: Score what is there; every score says how many of how many sequences it covers.
        fps: Score one-pass results as in videos of these frame rates that do not wait for the tracker
            (``evalkit.metrics.streaming``).
        latency: Seconds a frame takes on the device in question; the stored times by default. For ``fps`` alone.

    Raises:
        EvalkitError: Results are missing, incomplete or damaged; the sequences are named. A convention that refuses
            results is no error where ``all`` are asked for.
    """
    opened = open_dataset(dataset or only_benchmark(Path(results)), path(data))
    chosen = some(profiles)
    _check_rates(fps, latency, chosen)
    found = _results(opened, Path(results), some(trackers), protocol, allow_partial=allow_partial)
    if chosen == (ALL,):
        return _matrix(opened, found, attributes=attributes)
    known = _profiles(opened, chosen, protocols.choose(opened, protocol))
    scores: list[Score] = []
    costs: list[Cost] = []
    timed = []
    for store, runs in found:
        if fps is not None:
            scores += _scores_at(store, runs, known, attributes, fps, latency)
            continue
        scores += _score_runs(store, runs, known, attributes)
        own = known_costs(store.label, runs, store.card())
        costs += own
        timed += [store.card()] if any(cost.quantity == "fps" for cost in own) else []
    clock = clock_notice(timed)
    return ScoreReport(tuple(scores), (clock,) if clock else (), tuple(costs))


def _check_rates(fps: Sequence[float] | None, latency: float | None, profiles: Sequence[str] | None) -> None:
    if latency is not None and fps is None:
        raise EvalkitError(
            "a latency is that of a video that does not wait", where="--latency", found=f"{latency:g}",
            hint="Say how fast its frames come with --fps",
        )  # fmt: skip
    if fps is not None and profiles == (ALL,):
        raise EvalkitError(
            "conventions are compared on a video that waits", where="--profile", found=ALL, hint="Leave out --fps"
        )


def _scores_at(
    store: Store,
    runs: Mapping[str, list[Trajectory]],
    profiles: Sequence[str],
    attributes: bool,
    fps: Sequence[float],
    latency: float | None,
) -> list[Score]:
    return [
        one
        for profile in profiles
        for one in video_rates.scores_at(
            profile, store.dataset, store.label, store.protocol, runs, rates=fps, latency=latency, attributes=attributes
        )
    ]


def _matrix(
    dataset: Dataset, found: Iterable[tuple[Store, dict[str, list[Trajectory]]]], *, attributes: bool
) -> ScoreReport:
    scores: list[Score] = []
    sentences: dict[str, None] = {}
    for store, runs in found:
        for row in metric_profiles.matrix(dataset, store.label, store.protocol, runs, attributes=attributes):
            scores += row.scores
            sentences[f"{row.profile}: {row.reason}"] = None
            if row.refusal is not None:
                sentences[f"{row.profile} does not score {store.label}: {row.refusal}"] = None
    return ScoreReport(tuple(scores), tuple(sentences))


def _results(
    dataset: Dataset, results: Path, trackers: Sequence[str] | None, protocol: str | None, *, allow_partial: bool
) -> Iterator[tuple[Store, dict[str, list[Trajectory]]]]:
    chosen = protocols.choose(dataset, protocol)
    for label in trackers or result_store.labels(results, dataset):
        store = Store(results, dataset, label, chosen)
        runs = read_runs(store, [sequence.name for sequence in dataset.sequences])
        _check_complete(store, runs, allow_partial=allow_partial)
        if is_withheld(dataset, runs):
            raise EvalkitError(
                WITHHELD,
                where=dataset.name,
                hint=f"Write the submission with `evalkit pack --dataset {dataset.name} --tracker {label}`",
            )
        yield store, runs


def is_withheld(dataset: Dataset, runs: Iterable[str]) -> bool:
    """Whether nothing but first frames is annotated in these sequences, as in test sets that a server scores."""
    longer = [dataset.sequence(name).groundtruth[1:] for name in runs]
    return any(len(rows) for rows in longer) and all(np.isnan(rows).all() for rows in longer)


def _profiles(dataset: Dataset, asked: Sequence[str] | None, protocol: str) -> tuple[str, ...]:
    if asked is None:
        return (metric_profiles.official(dataset, protocol),)
    for name in asked:
        if name not in dataset.profiles:
            raise EvalkitError(
                f"{dataset.name} cannot be scored by profile {name!r}",
                where="--profile",
                expected=", ".join(dataset.profiles),
                hint=f"{ALL!r} stands alone" if name == ALL else suggestion(name, dataset.profiles),
            )
    return tuple(asked)


def read_runs(store: Store, sequences: Iterable[str]) -> dict[str, list[Trajectory]]:
    """Stored trajectories by sequence; sequences without any are left out."""
    read = {name: store.read(store.dataset.sequence(name)) for name in sequences}
    return {name: trajectories for name, trajectories in read.items() if trajectories}


def _check_complete(store: Store, runs: Mapping[str, list[Trajectory]], *, allow_partial: bool) -> None:
    missing = [name for name in store.dataset.expected if name not in runs]
    if not runs:
        raise EvalkitError(
            f"there are no results under the {store.protocol} protocol", where=store.folder, hint=_near_labels(store)
        )
    if missing and not allow_partial:
        raise EvalkitError(
            f"{len(missing)} of {len(store.dataset.expected)} sequences have no result",
            where=f"{store.dataset.name}/{store.label}",
            hint=f"Missing: {listed(missing)}. Score what is there with --allow-partial",
        )


def _near_labels(store: Store) -> str:
    known = result_store.labels(store.folder.parent.parent, store.dataset)
    if store.folder.name in known:
        return f"Make them with `evalkit run --protocol {store.protocol}`"
    near = suggestion(store.folder.name, known)
    return f"{near + ' ' if near else ''}There are results of {listed(known)}"


def _score_runs(
    store: Store, runs: Mapping[str, list[Trajectory]], profiles: Sequence[str], attributes: bool = False
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

    None where no score exists: a protocol that no profile of the benchmark scores, groundtruth that is withheld.
    """
    fitting = metric_profiles.fitting(store.dataset, store.protocol)
    if not fitting or is_withheld(store.dataset, runs):
        return []
    scores = _score_runs(store, runs, fitting[:1])
    known = {one.metric for one in scores}
    for profile, metrics in BESIDE.items():
        if profile in fitting[1:] and not known.issuperset(metrics):
            fresh = _score_runs(store, runs, [profile])
            scores += [one for one in fresh if one.metric in metrics and one.metric not in known]
    return scores


def listed(names: Sequence[str], most: int = 8) -> str:
    """The first of these names for a message, and how many there are; "nothing" for none."""
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return (", ".join(names[:most]) + more) or "nothing"
