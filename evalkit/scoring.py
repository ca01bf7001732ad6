"""Score stored results. All commands that score use this module; neither frames nor torch are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from evalkit.cost.recorded import Timed, clock_notice
from evalkit.errors import EvalkitError, ProfileNotApplicable, suggestion
from evalkit.metrics import profiles as metric_profiles
from evalkit.metrics.leading import BESIDE
from evalkit.metrics.statistics import few_sequences_notice
from evalkit.stored import StoredRun
from evalkit.types import Dataset, Score

ALL = "all"
"""Stands for every profile that applies to the benchmark."""


Result = TypeVar("Result")


def usable_part(
    run: StoredRun, compute: Callable[[StoredRun], Result], *, allow_partial: bool
) -> tuple[StoredRun, Result]:
    """Compute something of the results that a profile scores.

    Args:
        compute: Scores or measures results.
        allow_partial: Leave out the sequences whose results the profile has no rule for.

    Returns:
        The results that were used, and what ``compute`` returns for them.

    Raises:
        ProfileNotApplicable: The profile has no rule for results of some sequences, or for the results at all; the
            tracker is named.
    """
    while True:
        try:
            return run, compute(run)
        except ProfileNotApplicable as error:
            if error.where == run.dataset.name:
                error.where = run.where
                if error.sequences and error.hint:
                    error.hint += f", or the tracker with --except {run.label}"
            if not error.sequences or not allow_partial or error.sequences.keys() >= run.trajectories.keys():
                raise
            run = run.without(error.sequences)


def score_run(
    run: StoredRun, profiles: Sequence[str], *, attributes: bool = False, confidence: float | None = 0.95
) -> list[Score]:
    """Return the scores of one tracker by the given profiles.

    Args:
        attributes: Also return one score per metric and attribute or tag.
        confidence: Level of the confidence intervals; None leaves them out.

    Raises:
        EvalkitError: A profile cannot score these results; see ``evalkit.metrics.profiles.score``.
    """
    return [
        score
        for profile in profiles
        for score in metric_profiles.score(
            profile, run.dataset, run.label, run.protocol, run.trajectories, attributes=attributes,
            confidence=confidence,
        )
    ]  # fmt: skip


def default_profiles(dataset: Dataset, protocol: str) -> list[tuple[str, frozenset[str] | None]]:
    """Return the profiles that a table of scores uses by default, each with the metrics to show; None for all.

    The official profile comes first, then those that readers expect next to it (``metrics.leading.BESIDE``). Empty
    where no profile of the dataset scores the protocol.
    """
    fitting = metric_profiles.fitting(dataset, protocol)
    further: list[tuple[str, frozenset[str] | None]] = [
        (name, metrics) for name, metrics in BESIDE.items() if name in fitting[1:]
    ]
    return [(fitting[0], None), *further] if fitting else []


def default_scores(run: StoredRun) -> list[Score]:
    """Return the official scores and, next to them, those of other profiles that readers expect.

    Empty where no score exists: no profile of the dataset scores the protocol, or the groundtruth is withheld.
    """
    found: list[Score] = []
    if run.withheld:
        return found
    for profile, metrics in default_profiles(run.dataset, run.protocol):
        known = {score.metric for score in found}
        if metrics is None or not known.issuperset(metrics):
            found += [
                score
                for score in score_run(run, [profile])
                if metrics is None or (score.metric in metrics and score.metric not in known)
            ]
    return found


def joined_notices(notices: Iterable[str], scores: Iterable[Score], timed: Iterable[Timed]) -> tuple[str, ...]:
    """Return the notices of several trackers and datasets, each once, and those on all intervals and times together."""
    on_all = (few_sequences_notice(scores), clock_notice(timed))
    return tuple(dict.fromkeys(notice for notice in (*notices, *on_all) if notice))


def choose_profiles(dataset: Dataset, requested: Sequence[str] | None, protocol: str) -> tuple[str, ...]:
    """Return the requested profiles, or the official one of the dataset and protocol.

    Raises:
        EvalkitError: A requested profile does not exist or does not apply to the dataset, or none does.
    """
    if requested is None:
        return (metric_profiles.official(dataset, protocol),)
    if ALL in requested:
        raise EvalkitError(
            f"{ALL!r} cannot be combined with other profiles", where="--profile", found=", ".join(requested),
            hint="Give it alone",
        )  # fmt: skip
    registered = {name: metric_profiles.find(name).name for name in requested}  # also registers profiles of files
    applicable = metric_profiles.applicable(dataset)
    for name in requested:
        if registered[name] not in applicable:
            raise ProfileNotApplicable(
                f"{dataset.name} cannot be scored by profile {name!r}", where="--profile",
                expected=", ".join(applicable), hint=suggestion(name, applicable),
            )  # fmt: skip
    return tuple(requested)


def check_profiles(requested: Sequence[str], datasets: Sequence[Dataset]) -> None:
    """Refuse profiles that score none of the datasets, and datasets that none of the profiles scores.

    Raises:
        UnknownName: There is no such profile.
        ProfileNotApplicable: A profile or a dataset is refused.
    """
    chosen = [metric_profiles.find(name).name for name in requested]  # also registers profiles of files
    applicable = {dataset.name: metric_profiles.applicable(dataset) for dataset in datasets}
    known = tuple(dict.fromkeys(profile for names in applicable.values() for profile in names))
    for name in chosen:
        if name not in known:
            raise ProfileNotApplicable(
                f"none of these datasets is scored by profile {name!r}", where="--profile",
                expected=", ".join(known), hint=suggestion(name, known),
            )  # fmt: skip
    for dataset, names in applicable.items():
        if chosen and not set(chosen) & set(names):
            raise ProfileNotApplicable(
                f"{dataset} is scored by none of these profiles", where="--profile", found=", ".join(requested),
                expected=", ".join(names),
            )  # fmt: skip
