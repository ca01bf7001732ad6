"""Score what is stored of several trackers on several datasets, as ``evalkit score`` does.

All results are read and checked first; intervals, which take most of the time, are computed afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

from evalkit import progress, protocols, stored
from evalkit.arguments import Names, Place, names, path, some
from evalkit.cost.recorded import Timed, known_costs
from evalkit.errors import EvalkitError, ProfileNotApplicable, listed
from evalkit.factories import open_dataset
from evalkit.infer_dataset import only_benchmark
from evalkit.metrics import profiles as metric_profiles
from evalkit.metrics import streaming
from evalkit.results import label_folders
from evalkit.scoring import ALL, check_profiles, choose_profiles, joined_notices, score_run, usable_part
from evalkit.stored import StoredResults, StoredRun
from evalkit.types import Cost, Dataset, Score


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
    dataset: Names | None = None,
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
    intervals: bool = True,
    fps: Sequence[float] | None = None,
    latency: float | None = None,
) -> ScoreReport:
    """Score stored results, evalkit's own or another toolkit's; frames are not needed.

    All results are read and checked before any interval is computed, which takes most of the time.

    Args:
        dataset: Names of datasets; by default the only one that there are results of.
        data: Folder of the datasets; ``$EVALKIT_DATA`` or the configuration file by default.
        results: Folder that holds ``<BENCHMARK>/<label>/...``.
        trackers: Labels of the results; all that there are by default.
        exclude: Labels to leave out.
        profiles: Metric profiles; by default the benchmark's official one, ``all`` for every one that applies. Of
            several datasets, each is scored by those that apply to it.
        protocol: Protocol of the results; the benchmark's official one by default.
        sequences: Score only these; every score says how many of how many sequences it covers.
        attributes: Also return scores by attribute or tag.
        allow_partial: Leave out sequences without a readable result instead of refusing.
        intervals: Compute confidence intervals.
        fps: Score one-pass results as in videos of these frame rates that do not wait for the tracker
            (``evalkit.metrics.streaming``).
        latency: With ``fps``: seconds per frame on the device in question; the stored times by default.

    Raises:
        EvalkitError: See ``evalkit.stored.load``; a profile or protocol does not exist or does not apply. A profile
            that refuses results is no error where ``all`` are requested.
    """
    requested, wanted, left_out, part = some(profiles), some(trackers), names(exclude), some(sequences)
    _check_streaming(fps, latency, requested)
    asked = names(dataset or only_benchmark(Path(results)))
    opened = [open_dataset(name, path(data)) for name in progress.each(asked, lambda name: f"{name}: opening")]
    by_dataset = _profiles_by_dataset(opened, requested, protocol)
    how = _Scoring(attributes, 0.95 if intervals else None, allow_partial, fps, latency)
    labels = {one.name: label_folders.labels(Path(results), one) for one in opened} if len(opened) > 1 else {}

    def prepare(one: Dataset) -> _PreparedScores:
        prepared = _PreparedScores(how, by_dataset[one.name])
        own = None if wanted is None else _labels_on(one.name, wanted, labels)
        if wanted and not own:
            return prepared.without_results(f"{one.name}: passed over, no results of {listed(wanted)}")
        prepared.loaded = stored.load(
            Path(results), one, own, exclude=_labels_on(one.name, left_out, labels), protocol=protocol,
            sequences=part, allow_partial=allow_partial, refusal=prepared.add,
        )  # fmt: skip
        return prepared

    return _joined([one.report() for one in _all_or_every_error(prepare, opened)])


def _labels_on(dataset: str, asked: Sequence[str], labels: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return those of the labels that a dataset has results of, and those that no dataset has, which are an error.

    Args:
        labels: All labels by dataset, where there are several datasets.
    """
    known = set(chain.from_iterable(labels.values()))
    return tuple(label for label in asked if not labels or label in labels[dataset] or label not in known)


def _all_or_every_error(
    prepare: Callable[[Dataset], _PreparedScores], datasets: Sequence[Dataset]
) -> list[_PreparedScores]:
    """Return what is prepared for each dataset.

    Raises:
        EvalkitError: Results on any dataset cannot be used; all of them are named.
    """
    prepared, problems = [], []
    for dataset in datasets:
        try:
            prepared.append(prepare(dataset))
        except EvalkitError as error:
            problems.append(error)
    stored.check(problems)
    return prepared


def _profiles_by_dataset(
    datasets: Sequence[Dataset], requested: Sequence[str] | None, protocol: str | None
) -> dict[str, tuple[str, ...] | None]:
    """Return the profiles that each dataset is scored by; None for every one that applies.

    Raises:
        EvalkitError: A profile or protocol does not exist, or does not apply to the datasets.
    """
    if requested == (ALL,):
        return {dataset.name: None for dataset in datasets}
    if requested is None or len(datasets) == 1 or ALL in requested:
        return {one.name: choose_profiles(one, requested, protocols.choose(one, protocol)) for one in datasets}
    check_profiles(requested, datasets)
    registered = {name: metric_profiles.find(name).name for name in requested}
    return {
        one.name: tuple(name for name in requested if registered[name] in metric_profiles.applicable(one))
        for one in datasets
    }


@dataclass(frozen=True)
class _Scoring:
    """How results are scored; the attributes are the arguments of ``scores``."""

    attributes: bool
    confidence: float | None
    allow_partial: bool
    fps: Sequence[float] | None
    latency: float | None


class _PreparedScores:
    """Results on one dataset that were read and checked; ``report`` computes their scores with intervals.

    Attributes:
        profiles: The profiles to score by; None for every one that applies.
        loaded: The results.
    """

    def __init__(self, how: _Scoring, profiles: tuple[str, ...] | None) -> None:
        self.profiles = profiles
        self.loaded = StoredResults(())
        self._how = how
        self._measured: dict[str, tuple[StoredRun, Callable[[], list[Score]]]] = {}

    def without_results(self, notice: str) -> _PreparedScores:
        """Return this without any results, for a reason."""
        self.loaded = StoredResults((), (notice,))
        return self

    def add(self, run: StoredRun) -> EvalkitError | None:
        """Measure a tracker's results; return why a profile does not score them, None if it does."""
        try:
            self._measured[run.label] = usable_part(run, self._measure, allow_partial=self._how.allow_partial)
        except ProfileNotApplicable as error:
            if not error.sequences:  # it concerns the profile, not a result
                raise
            return error
        return None

    def _measure(self, run: StoredRun) -> Callable[[], list[Score]]:
        """Return the function that computes the scores of measured results."""
        how, profiles = self._how, self.profiles or ()
        if how.fps is not None:
            streamed = _streaming_scores(run, profiles, how.fps, how)
            return lambda: streamed
        measured = [
            metric_profiles.measure_run(profile, run.dataset, run.protocol, run.trajectories) for profile in profiles
        ]
        return lambda: [
            score
            for one in measured
            for score in one.scores(run.label, attributes=how.attributes, confidence=how.confidence)
        ]

    def report(self) -> tuple[ScoreReport, list[Timed]]:
        """Compute the scores; the second result is for ``joined_notices``."""
        runs, notices = self.loaded.runs, self.loaded.notices
        if self.profiles is None:
            report = _score_by_all_profiles(runs, self._how)
            return replace(report, notices=(*notices, *report.notices)), []
        found = [
            score
            for run in progress.each(runs, lambda run: f"{run.dataset.name}: scoring {run.label}")
            for score in self._measured[run.label][1]()
        ]
        left_out = [part.omissions()[-1] for part, _ in self._measured.values() if part.refused]
        costs, timed = ([], []) if self._how.fps is not None else _costs(runs)
        return ScoreReport(tuple(found), (*notices, *left_out), tuple(costs)), timed


def _joined(found: Sequence[tuple[ScoreReport, list[Timed]]]) -> ScoreReport:
    """Join the reports of several datasets."""
    reports = [report for report, _ in found]
    scores = tuple(chain.from_iterable(report.scores for report in reports))
    notices = chain.from_iterable(report.notices for report in reports)
    costs = dict.fromkeys(chain.from_iterable(report.costs for report in reports))
    timed = chain.from_iterable(timed for _, timed in found)
    return ScoreReport(scores, joined_notices(notices, scores, timed), tuple(costs))


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


def _streaming_scores(run: StoredRun, profiles: Sequence[str], fps: Sequence[float], how: _Scoring) -> list[Score]:
    return [
        score
        for profile in profiles
        for score in streaming.scores_at(
            profile, run.dataset, run.label, run.protocol, run.trajectories, rates=fps, latency=how.latency,
            attributes=how.attributes, confidence=how.confidence,
        )
    ]  # fmt: skip


def _score_by_all_profiles(runs: Sequence[StoredRun], how: _Scoring) -> ScoreReport:
    found: list[Score] = []
    sentences: dict[str, None] = {}
    for run in progress.each(runs, lambda run: f"{run.dataset.name}: scoring {run.label} by every profile"):
        for profile in metric_profiles.fitting(run.dataset, run.protocol):
            sentences[f"{profile}: {metric_profiles.find(profile).reason}"] = None
            compute = partial(score_run, profiles=[profile], attributes=how.attributes, confidence=how.confidence)
            try:
                part, scores = usable_part(run, compute, allow_partial=how.allow_partial)
            except ProfileNotApplicable as error:
                sentences[f"{profile} does not score {run.label}: {error}"] = None
                continue
            found += scores
            if part.refused:
                sentences[f"{profile}: {part.omissions()[-1]}"] = None
    return ScoreReport(tuple(found), tuple(sentences))


def _costs(runs: Sequence[StoredRun]) -> tuple[list[Cost], list[Timed]]:
    """Return the recorded costs, and what ``clock_notice`` needs of those that are frames per second."""
    by_run = [(run, cost) for run in runs for cost in known_costs(run.label, run.trajectories, run.record)]
    timed = [
        (run.label, run.record, cost.value) for run, cost in by_run if cost.quantity == "fps" and cost.value is not None
    ]
    return [cost for _, cost in by_run], timed
