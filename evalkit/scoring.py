"""Score stored results. All commands that score use this module; neither frames nor torch are needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from evalkit import protocols, stored
from evalkit.arguments import Names, Place, names, path, some
from evalkit.cost.recorded import clock_notice, known_costs
from evalkit.errors import EvalkitError, ProfileNotApplicable, suggestion
from evalkit.factories import open_dataset
from evalkit.infer_dataset import only_benchmark
from evalkit.metrics import profiles as metric_profiles
from evalkit.metrics import statistics, streaming
from evalkit.metrics.leading import BESIDE
from evalkit.metrics.measures import Measure
from evalkit.stored import StoredRun
from evalkit.types import Cost, Dataset, Score

ALL = "all"
"""Stands for every profile that applies to the benchmark."""


@dataclass(frozen=True)
class ScoreReport:
    """Scores of stored results.

    Attributes:
        notices: Sentences that a reader of the scores has to know: sequences left out, the device that frames per
            second were measured on, and for ``all`` profiles why each differs and why one refuses results.
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
    exclude: Names = (),
    profiles: Names | None = None,
    protocol: str | None = None,
    sequences: Names | None = None,
    attributes: bool = False,
    allow_partial: bool = False,
    fps: Sequence[float] | None = None,
    latency: float | None = None,
) -> ScoreReport:
    """Score stored results, evalkit's own or another toolkit's; frames are not needed.

    Args:
        dataset: Name of a dataset; by default the only one that there are results of.
        data: Folder of the dataset; ``$EVALKIT_DATA`` or the configuration file by default.
        results: Folder that holds ``<BENCHMARK>/<label>/...``.
        trackers: Labels of the results; all that there are by default.
        exclude: Labels to leave out.
        profiles: Metric profiles; by default the benchmark's official one, ``all`` for every one that applies.
        protocol: Protocol of the results; the benchmark's official one by default.
        sequences: Score only these; every score says how many of how many sequences it covers.
        attributes: Also return scores by attribute or tag.
        allow_partial: Leave out sequences without a readable result instead of refusing.
        fps: Score one-pass results as in videos of these frame rates that do not wait for the tracker
            (``evalkit.metrics.streaming``).
        latency: With ``fps``: seconds per frame on the device in question; the stored times by default.

    Raises:
        EvalkitError: See ``evalkit.stored.load``; a profile or protocol does not exist or does not apply. A profile
            that refuses results is no error where ``all`` are requested.
    """
    opened = open_dataset(dataset or only_benchmark(Path(results)), path(data))
    requested = some(profiles)
    _check_streaming(fps, latency, requested)
    chosen = () if requested == (ALL,) else choose_profiles(opened, requested, protocols.choose(opened, protocol))
    scored: dict[str, tuple[StoredRun, list[Score]]] = {}

    def score_one(run: StoredRun) -> EvalkitError | None:
        def compute(part: StoredRun) -> list[Score]:
            if fps is not None:
                return _streaming_scores(part, chosen, attributes, fps, latency)
            return score_run(part, chosen, attributes=attributes)

        try:
            scored[run.label] = usable_part(run, compute, allow_partial=allow_partial)
        except ProfileNotApplicable as error:
            if not error.sequences:  # it concerns the profile, not a result
                raise
            return error
        return None

    loaded = stored.load(
        Path(results), opened, some(trackers), exclude=names(exclude), protocol=protocol, sequences=some(sequences),
        allow_partial=allow_partial, refusal=score_one,
    )  # fmt: skip
    if requested == (ALL,):
        report = _score_by_all_profiles(loaded.runs, attributes=attributes, allow_partial=allow_partial)
        return ScoreReport(report.scores, (*loaded.notices, *report.notices))
    found = [score for run in loaded.runs for score in scored[run.label][1]]
    left_out = [sentence for part, _ in scored.values() if part.refused for sentence in part.omissions()[-1:]]
    costs, clock = ((), ()) if fps is not None else _costs(loaded.runs)
    few = statistics.few_sequences_notice(found)
    return ScoreReport(tuple(found), (*loaded.notices, *left_out, *([few] if few else []), *clock), costs)


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


def measure_run(run: StoredRun, profile: str) -> list[Measure]:
    """Return what each sequence contributes to each metric of a profile, ready for resampling.

    Raises:
        EvalkitError: The profile cannot score these results.
    """
    return metric_profiles.measure(profile, run.dataset, run.protocol, run.trajectories)[0]


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


def _check_streaming(fps: Sequence[float] | None, latency: float | None, profiles: Sequence[str] | None) -> None:
    if latency is not None and fps is None:
        raise EvalkitError(
            "a latency is used for streaming scores only", where="--latency", found=f"{latency:g}",
            hint="Give the frame rate of the stream with --fps",
        )  # fmt: skip
    if fps is not None and profiles == (ALL,):
        raise EvalkitError(
            "streaming scores are computed by one profile at a time", where="--profile", found=ALL,
            hint="Leave out --fps",
        )  # fmt: skip


def _streaming_scores(
    run: StoredRun, profiles: Sequence[str], attributes: bool, fps: Sequence[float], latency: float | None
) -> list[Score]:
    return [
        score
        for profile in profiles
        for score in streaming.scores_at(
            profile, run.dataset, run.label, run.protocol, run.trajectories, rates=fps, latency=latency,
            attributes=attributes,
        )
    ]  # fmt: skip


def _score_by_all_profiles(runs: Sequence[StoredRun], *, attributes: bool, allow_partial: bool) -> ScoreReport:
    found: list[Score] = []
    sentences: dict[str, None] = {}
    for run in runs:
        for profile in metric_profiles.fitting(run.dataset, run.protocol):
            sentences[f"{profile}: {metric_profiles.find(profile).reason}"] = None
            compute = partial(score_run, profiles=[profile], attributes=attributes)
            try:
                part, scores = usable_part(run, compute, allow_partial=allow_partial)
            except ProfileNotApplicable as error:
                sentences[f"{profile} does not score {run.label}: {error}"] = None
                continue
            found += scores
            if part.refused:
                sentences[f"{profile}: {part.omissions()[-1]}"] = None
    if few := statistics.few_sequences_notice(found):
        sentences[few] = None
    return ScoreReport(tuple(found), tuple(sentences))


def _costs(runs: Sequence[StoredRun]) -> tuple[tuple[Cost, ...], tuple[str, ...]]:
    """Return the recorded costs, and the sentence that says on which devices frames per second were measured."""
    by_label: Mapping[str, list[Cost]] = {
        run.label: known_costs(run.label, run.trajectories, run.record) for run in runs
    }
    timed = [
        (run.label, run.record, cost.value)
        for run in runs
        for cost in by_label[run.label]
        if cost.quantity == "fps" and cost.value is not None
    ]
    clock = clock_notice(timed)
    return tuple(cost for costs in by_label.values() for cost in costs), (clock,) if clock else ()
