"""Score trajectories by metric profiles."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import stdev

from evalkit import registry
from evalkit.errors import EvalkitError, MissingResults, ProfileNotApplicable, listed
from evalkit.metrics import statistics
from evalkit.metrics.measures import Evaluation, Measure, Notes
from evalkit.metrics.one_pass import ONE_PASS
from evalkit.metrics.profile_lookup import find, result_form
from evalkit.metrics.withheld import only_first_frame_annotated
from evalkit.registry import ProfileEntry
from evalkit.registry.files import line_in_file
from evalkit.types import Dataset, Floats, Score, Trajectory

Runs = Mapping[str, list[Trajectory]]
"""Trajectories by sequence name."""


@dataclass(frozen=True, eq=False)
class MeasuredRun:
    """What the sequences of one tracker contribute to the scores of one profile, before scores are read from it.

    Attributes:
        protocol: Protocol of the results.
        evaluation: The results, with overlaps that the scores of per-frame tags use too.
        measures: One per metric.
        notes: Sentences on the rules that were applied.
    """

    profile: ProfileEntry
    protocol: str
    evaluation: Evaluation
    measures: list[Measure]
    notes: tuple[str, ...]

    def scores(self, tracker: str, *, attributes: bool = False, confidence: float | None = 0.95) -> list[Score]:
        """Return the scores; see ``score``. Their intervals take most of the time of scoring."""
        profile, dataset = self.profile, self.evaluation.dataset
        groups: list[tuple[str | None, list[Measure]]] = [(None, self.measures)]
        if attributes:
            groups += _by_tag(profile, self.evaluation) if profile.tags else _by_attribute(dataset, self.measures)
        spread = _SpreadBetweenRuns(profile, self.evaluation)
        found = []
        for attribute, group in groups:
            expected = _expected_sequences(dataset, attribute)
            for one in _scores(group, profile.name, dataset, tracker, self.protocol, confidence):
                score = replace(one, attribute=attribute, expected_sequences=expected, notes=self.notes)
                found.append(spread.added_to(score) if attribute is None else score)
        return found


def measure_run(profile: str, dataset: Dataset, protocol: str, runs: Runs) -> MeasuredRun:
    """Compute what each sequence contributes to each score of one tracker.

    Args:
        profile: A registered name or ``path/to/file.py:function``.
        protocol: Protocol of the results.
        runs: See ``score``.

    Raises:
        EvalkitError: See ``score``.
    """
    entry = find(profile)
    evaluation = _evaluation(entry, dataset, protocol, runs)
    measures = _measures(entry, evaluation)
    return MeasuredRun(entry, protocol, evaluation, measures, evaluation.notes.sentences())


def measure(profile: str, dataset: Dataset, protocol: str, runs: Runs) -> tuple[list[Measure], tuple[str, ...]]:
    """Compute what each sequence contributes to each score, ready for resampling.

    Args:
        profile: A registered name or ``path/to/file.py:function``.
        runs: See ``score``.

    Returns:
        One measure per metric, and notes on the rules that were applied.

    Raises:
        EvalkitError: See ``score``.
    """
    measured = measure_run(profile, dataset, protocol, runs)
    return measured.measures, measured.notes


def score(
    profile: str,
    dataset: Dataset,
    tracker: str,
    protocol: str,
    runs: Runs,
    *,
    attributes: bool = False,
    confidence: float | None = 0.95,
) -> list[Score]:
    """Compute the scores of one tracker by one profile.

    Args:
        profile: A registered name or ``path/to/file.py:function``.
        tracker: Label of the results, for the scores.
        protocol: Protocol of the results.
        runs: By sequence name: the repetitions, or the runs from each anchor. Sequences without results are left out
            and are not counted in ``Score.sequences``; an empty list is a result known to be missing, for which
            TrackingNet has a rule.
        attributes: Also compute one score per metric and attribute, or per-frame tag.
        confidence: Level of the intervals (``statistics.interval``: resampled sequences, seed 0); None leaves them out.

    Returns:
        One score per metric, followed by those of each attribute. Of a tracker with several runs, the first ones
        say how much the scores of the single runs differ.

    Raises:
        UnknownName: The profile does not exist.
        ProfileNotApplicable: The profile does not score results of the protocol, or has no rule for damaged results;
            all such sequences are named.
        MissingResults: There are no results.
    """
    measured = measure_run(profile, dataset, protocol, runs)
    return measured.scores(tracker, attributes=attributes, confidence=confidence)


class _SpreadBetweenRuns:
    """Scores of the single runs of a stochastic tracker.

    Args:
        entry: The profile.
        evaluation: All runs. Those that every sequence has are compared; runs from anchors are not repetitions.

    Attributes:
        notes: Sentences for the scores; empty for a tracker that ran once, or whose runs are equal.
    """

    def __init__(self, entry: ProfileEntry, evaluation: Evaluation) -> None:
        common, uneven = _common_repetitions(evaluation)
        self._count = max(1, len(common))
        self._values: dict[str, list[float]] = {}
        timed: set[str] = set()
        for number in common:
            for item in _measures(entry, _one_repetition(evaluation, number)):
                self._values.setdefault(item.metric.name, []).append(_nan_if_none(item.value()))
                timed |= {item.metric.name} if item.metric.unit == "1/s" else set()
        # Times differ in every run, also in those of a deterministic tracker.
        differs = any(len(set(values)) > 1 for name, values in self._values.items() if name not in timed)
        text = f"mean of several runs of the tracker; ± is the standard deviation of the scores of {self._count} runs"
        self.notes = (text + (", which all sequences have" if uneven else ""),) if differs else ()

    def added_to(self, score: Score) -> Score:
        """Return a score with the number of runs, the deviation between them, and the notes."""
        values = self._values.get(score.metric, [])
        known = len(values) > 1 and not any(map(math.isnan, values))
        deviation = stdev(values) if known else None
        notes = (*score.notes, *self.notes)
        return replace(score, repetitions=self._count, repetition_deviation=deviation, notes=notes)


def _common_repetitions(evaluation: Evaluation) -> tuple[list[int], bool]:
    """Return the numbers of the runs that every sequence has, none if there is only one, and whether some have more."""
    found = [evaluation.runs[sequence.name] for sequence in evaluation.sequences()]
    if any(run.anchor is not None for runs in found for run in runs):
        return [], False
    numbers = [frozenset(run.repetition for run in runs) for runs in found]
    common = sorted(frozenset.intersection(*numbers))
    return (common if len(common) > 1 else []), len(set(numbers)) > 1


def _one_repetition(evaluation: Evaluation, number: int) -> Evaluation:
    """Return the same evaluation of one repetition, without notes and with overlaps of its own."""
    runs = {name: [run for run in runs if run.repetition == number] for name, runs in evaluation.runs.items()}
    return replace(evaluation, runs=runs, notes=Notes(), cache={})


def _nan_if_none(value: float | None) -> float:
    return math.nan if value is None else value


def _evaluation(entry: ProfileEntry, dataset: Dataset, protocol: str, runs: Runs) -> Evaluation:
    form = result_form(entry, protocol)
    if form is None:
        raise ProfileNotApplicable(
            f"profile {entry.name} does not score results of protocol {protocol}",
            where=dataset.name,
            expected=" or ".join(entry.protocols),
        )
    evaluation = Evaluation(dataset, form, runs)
    if not evaluation.sequences():
        raise MissingResults("there is no result to score", where=dataset.name)
    return _without_unannotated(evaluation) if form in ONE_PASS else evaluation


def _without_unannotated(evaluation: Evaluation) -> Evaluation:
    """Leave out sequences with nothing but the given box, which would count as one perfect frame; note which."""
    sequences = evaluation.sequences()
    names = [sequence.name for sequence in sequences if only_first_frame_annotated(sequence)]
    if not names or len(names) == len(sequences):  # where nothing is annotated, others say so
        return evaluation
    count = "1 sequence" if len(names) == 1 else f"{len(names)} sequences"
    evaluation.notes.add_remark(f"{count} left out, of which only the first frame is annotated: {listed(names)}")
    return replace(evaluation, runs={name: runs for name, runs in evaluation.runs.items() if name not in names})


def _measures(entry: ProfileEntry, evaluation: Evaluation) -> list[Measure]:
    """Call a profile; a failure of a user's profile is reported to the user, one of evalkit's own is a defect."""
    try:
        found = list(entry.measure(evaluation))
    except EvalkitError:
        raise
    except Exception as error:
        if registry.profile.is_builtin(entry):
            raise
        file = Path(inspect.getfile(entry.factory))
        raise EvalkitError(
            f"profile {entry.name} fails with {type(error).__name__}: {error}",
            where=f"{file}:{line_in_file(file, error)}",
            hint="Fix the profile's function",
        ) from error
    declared = {metric.name for metric in entry.metrics}
    if not all(isinstance(one, Measure) and one.metric.name in declared for one in found):
        raise EvalkitError(
            f"profile {entry.name} must return a list of Measure of the metrics that it declares", where=entry.module,
            found=", ".join(one.metric.name if isinstance(one, Measure) else type(one).__name__ for one in found),
            expected=", ".join(sorted(declared)),
        )  # fmt: skip
    return found


def _by_tag(entry: ProfileEntry, evaluation: Evaluation) -> list[tuple[str | None, list[Measure]]]:
    """Compute the measures of every per-frame tag that is annotated."""
    annotated = {flag for sequence in evaluation.dataset.sequences for flag in sequence.flags}
    tags = sorted(annotated.intersection(evaluation.dataset.vot.tags))
    return [(tag, _measures(entry, replace(evaluation, tag=tag))) for tag in tags]


def _by_attribute(dataset: Dataset, measures: list[Measure]) -> Iterator[tuple[str | None, list[Measure]]]:
    """Restrict the measures to the sequences that have each attribute."""
    for attribute in sorted({name for sequence in dataset.sequences for name in sequence.attributes}):
        names = frozenset(sequence.name for sequence in dataset.sequences if attribute in sequence.attributes)
        yield attribute, [item.only(names) for item in measures]


def _scores(
    measures: list[Measure], profile: str, dataset: Dataset, tracker: str, protocol: str, confidence: float | None
) -> Iterator[Score]:
    """Yield one score per measure."""
    intervals = [None] * len(measures) if confidence is None else _intervals(measures, confidence)
    for item, interval in zip(measures, intervals, strict=True):
        metric = item.metric
        low, high = interval or (None, None)
        yield Score(
            tracker=tracker, dataset=dataset.name, protocol=protocol, metric=metric.name, profile=profile,
            version=metric.version, value=item.value(), unit=metric.unit, higher_is_better=metric.higher_is_better,
            sequences=len(item.sequences), expected_sequences=len(dataset.expected), low=low, high=high,
            per_sequence=item.per_sequence(), curve=_plotted_curve(item),
        )  # fmt: skip


def _intervals(measures: list[Measure], confidence: float) -> list[tuple[float, float] | None]:
    """Return the interval of each measure; those of the same sequences are computed together."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, one in enumerate(measures):
        groups.setdefault(one.sequences, []).append(place)
    found: dict[int, tuple[float, float] | None] = {}
    for places in groups.values():
        group = [measures[place] for place in places]
        found |= zip(places, statistics.intervals(group, level=confidence), strict=True)
    return [found[place] for place in range(len(measures))]


def _plotted_curve(item: Measure) -> tuple[Floats, Floats] | None:
    return None if item.abscissa is None else (item.abscissa, item.curve()[-len(item.abscissa) :])


def _expected_sequences(dataset: Dataset, attribute: str | None) -> int:
    having = sum(attribute in sequence.attributes for sequence in dataset.sequences)
    return having if attribute is not None and having else len(dataset.expected)
