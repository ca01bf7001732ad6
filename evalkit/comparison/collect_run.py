"""Load and score the results of one tracker on one dataset, in this process or in a worker process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from evalkit import scoring, stored
from evalkit.errors import EvalkitError, ProfileNotApplicable
from evalkit.factories import open_dataset
from evalkit.metrics import profiles as metric_profiles
from evalkit.metrics import statistics, streaming
from evalkit.metrics.leading import LEADING
from evalkit.metrics.measures import Measure
from evalkit.metrics.profiles import MeasuredRun
from evalkit.results.run_record import RunRecord
from evalkit.stored import StoredRun, Trajectories
from evalkit.types import Dataset, Score, Trajectory


@dataclass(frozen=True)
class Request:
    """One tracker on one dataset, for a worker process."""

    dataset: str
    label: str
    data: Path | None
    results: Path
    protocol: str | None
    sequences: tuple[str, ...] | None
    profiles: tuple[str, ...] | None
    allow_partial: bool


@dataclass(frozen=True, eq=False)
class Collected:
    """Results and scores of one tracker on one dataset; pickles.

    Attributes:
        problems: Why the results cannot be used; empty if they can.
        unusable: True where none of the results can be used, so that a partial comparison leaves the tracker out.
        absent: True where there are no result files at all.
        withheld: True where the groundtruth is withheld, so that there are no scores.
        omissions: Sentences that name sequences that were left out.
        requested: Number of sequences that were asked for.
        leading: The measure that rankings and tests of significance use.
        auc_by_frame_rate: Pairs of a stream's frame rate and the AUC in it.
    """

    trajectories: Trajectories
    record: RunRecord | None
    requested: int
    problems: tuple[EvalkitError, ...] = ()
    unusable: bool = False
    absent: bool = False
    withheld: bool = False
    omissions: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()
    leading: Measure | None = None
    auc_by_frame_rate: tuple[tuple[float, float], ...] = ()


@cache
def cached_dataset(name: str, data: Path | None) -> Dataset:
    """Open a dataset once per process; see ``forget``."""
    return open_dataset(name, data)


@dataclass(frozen=True)
class _Measured:
    """What a run contributes to its scores.

    Attributes:
        profiles: Measured results by profile, each with the metrics to keep; None for all.
        refusals: A sentence for each profile next to the official one that does not score the results.
    """

    profiles: tuple[tuple[MeasuredRun, frozenset[str] | None], ...]
    refusals: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Read:
    """Results that were read and checked, before intervals are computed.

    Attributes:
        collected: What is known without scores.
        part: The results that are scored; None where none are.
    """

    collected: Collected
    part: StoredRun | None = None
    measured: _Measured = _Measured((), ())


_kept: dict[Request, _Read] = {}
"""What ``check_run`` has read, for ``collect_run`` in the same process."""


def forget() -> None:
    """Forget opened datasets and results that ``check_run`` has read: the files may change."""
    cached_dataset.cache_clear()
    _kept.clear()


def check_run(request: Request) -> tuple[EvalkitError, ...]:
    """Read and measure what one request names, keep it for ``collect_run``, and return why it cannot be used."""
    _kept[request] = found = _read(request)
    return found.collected.problems


def collect_run(request: Request) -> Collected:
    """Load and score what one request names."""
    found = _kept.pop(request, None) or _read(request)
    if found.part is None:
        return found.collected
    scores, leading = _scores(found.measured, request.label)
    return replace(
        found.collected,
        scores=tuple(scores),
        leading=leading,
        auc_by_frame_rate=_auc_by_frame_rate(found.part, scores[0].profile) if scores else (),
    )


def _read(request: Request) -> _Read:
    dataset = cached_dataset(request.dataset, request.data)
    run = stored.load_run(
        request.results, dataset, request.label, protocol=request.protocol, sequences=request.sequences
    )
    problem = None if run.empty else run.problem(allow_partial=request.allow_partial, groundtruth=False)
    omissions = run.omissions() if request.sequences is None and not run.empty else ()
    problems = () if problem is None else (problem,)
    if problem is not None and not run.readable:
        unusable = not run.trajectories or run.record_error is not None
        kept = {} if unusable else run.trajectories
        return _Read(Collected(kept, run.record, len(run.requested), problems, unusable, run.empty, run.withheld))
    found = Collected(
        run.trajectories, run.record, len(run.requested), problems, absent=run.empty, withheld=run.withheld,
        omissions=omissions,
    )  # fmt: skip
    return _Read(found) if run.empty or run.withheld else _measure(found, run, request)


def _measure(found: Collected, run: StoredRun, request: Request) -> _Read:
    """Return what was found with its measures, or with the reason why it cannot be scored."""
    try:
        part, measured = scoring.usable_part(
            run, lambda one: _measure_by_profiles(one, request.profiles), allow_partial=request.allow_partial
        )
    except ProfileNotApplicable as error:
        if not error.sequences:
            raise
        unusable = request.allow_partial  # of a partial result, no sequence is left
        kept = {} if unusable else found.trajectories
        return _Read(replace(found, problems=(*found.problems, error), unusable=unusable, trajectories=kept))
    omissions = (*(part.omissions() if request.sequences is None else ()), *measured.refusals)
    return _Read(replace(found, trajectories=part.trajectories, omissions=omissions), part, measured)


def _measure_by_profiles(run: StoredRun, requested: Sequence[str] | None) -> _Measured:
    found: list[tuple[MeasuredRun, frozenset[str] | None]] = []
    refusals: list[str] = []
    known: set[str] = set()
    for profile, metrics in _profiles(run, requested):
        if metrics is not None and known.issuperset(metrics):
            continue
        try:
            measured = metric_profiles.measure_run(profile, run.dataset, run.protocol, run.trajectories)
        except ProfileNotApplicable as error:
            if metrics is None:
                raise
            refusals.append(f"{run.where}: no {' and '.join(sorted(metrics - known))}: {profile}: {error}")
            continue
        found.append((measured, None if metrics is None else metrics - known))
        known |= {one.metric.name for one in measured.measures if metrics is None or one.metric.name in metrics}
    return _Measured(tuple(found), tuple(refusals))


def _scores(measured: _Measured, label: str) -> tuple[list[Score], Measure | None]:
    """Return the scores and the measure that rankings use."""
    scores: list[Score] = []
    leading: Measure | None = None
    for run, metrics in measured.profiles:
        scores += [one for one in _scores_by_profile(run, label) if metrics is None or one.metric in metrics]
        leading = leading or _leading(run.measures)
    return scores, leading


def _profiles(run: StoredRun, requested: Sequence[str] | None) -> list[tuple[str, frozenset[str] | None]]:
    """Return the profiles to score by, each with the metrics to keep; None for all."""
    if requested is None:
        return scoring.default_profiles(run.dataset, run.protocol)
    registered = {name: metric_profiles.find(name).name for name in requested}
    fitting = metric_profiles.fitting(run.dataset, run.protocol)
    return [(name, None) for name in requested if registered[name] in fitting]


def _scores_by_profile(run: MeasuredRun, label: str) -> list[Score]:
    """Return scores with intervals, and scores by attribute without, which no report shows."""
    bounds = statistics.intervals(run.measures)
    intervals = {one.metric.name: found or (None, None) for one, found in zip(run.measures, bounds, strict=True)}
    return [
        score
        if score.attribute is not None
        else replace(score, low=intervals[score.metric][0], high=intervals[score.metric][1])
        for score in run.scores(label, attributes=True, confidence=None)
    ]


def _auc_by_frame_rate(run: StoredRun, profile: str) -> tuple[tuple[float, float], ...]:
    """Return AUC by frame rate, up to the rate from which on the tracker would have to be run again."""
    firsts = {name: found[0] for name, found in run.trajectories.items()}
    timed = all(np.isfinite(one.seconds[1:]).all() for one in firsts.values())
    if run.protocol != "one_pass" or not timed:
        return ()
    found: list[tuple[float, float]] = []
    for fps in streaming.RATES:
        known = _replayed(firsts, fps)
        if known is None:
            break
        scores = scoring.score_run(replace(run, trajectories=known), [profile], confidence=None)
        found += [(fps, score.value) for score in scores if score.metric == "auc" and score.value is not None]
    return tuple(found)


def _replayed(firsts: Mapping[str, Trajectory], fps: float) -> dict[str, list[Trajectory]] | None:
    """Return the trajectories as in a stream of this rate; None where the stored times do not determine one."""
    staged = {name: streaming.replay(one, fps) for name, one in firsts.items()}
    known = {name: [one] for name, one in staged.items() if one is not None}
    return known if len(known) == len(staged) else None


def _leading(measures: Sequence[Measure]) -> Measure | None:
    by_name = {one.metric.name: one for one in measures if one.value() is not None}
    return next((by_name[name] for name in LEADING if name in by_name), None)
