"""Reads, scores and compares everything that result folders hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from evalkit import registry
from evalkit.arguments import Names, Place, path
from evalkit.arguments import names as several
from evalkit.comparison.benchmarks import only_benchmark
from evalkit.comparison.costs import counted, read_costs, timing
from evalkit.comparison.model import Card, Comparison, Key, is_imported
from evalkit.errors import EvalkitError, suggestion
from evalkit.factories import open_dataset
from evalkit.metrics import profiles as metric_profiles
from evalkit.metrics import statistics, streaming
from evalkit.metrics.measures import Measure
from evalkit.metrics.statistics import Difference
from evalkit.registry import ReportEntry
from evalkit.results.store import Store, labels
from evalkit.types import Cost, Dataset, Score, Trajectory

LEADING = ("eao", "auc", "ao", "f_score")
"""Metrics that rankings and tests of significance go by, in order of preference."""

BESIDE = {"pysot": frozenset({"norm_precision"}), "got10k": frozenset({"ao", "sr50", "sr75"})}
"""Metrics that a reader looks for beside the official ones, and the convention they are taken by."""

_RESAMPLES = 2_000
"""Of each pair of trackers, at least."""

_WORTH_A_POOL = 5
"""Trackers times benchmarks from which starting processes pays."""


@dataclass(frozen=True)
class _Request:
    """One tracker on one benchmark, for a process of a pool."""

    dataset: str
    label: str
    data: Path | None
    results: Path
    profiles: tuple[str, ...] | None
    allow_partial: bool


@dataclass(frozen=True, eq=False)
class _Finding:
    """What there is of one tracker on one benchmark."""

    runs: dict[str, list[Trajectory]] = field(default_factory=dict)
    skipped: str = ""
    card: Card | None = None
    scores: tuple[Score, ...] = ()
    leading: Measure | None = None
    rates: tuple[tuple[float, float], ...] = ()


def form_of(output: Path, kind: str = "suffix") -> ReportEntry:
    """The registered report that writes files of this suffix.

    Args:
        kind: ``suffix`` for reports, ``video`` for replays.

    Raises:
        EvalkitError: There is none.
    """
    forms = {suffix: entry for entry in registry.report.entries() if (suffix := getattr(entry, kind)) is not None}
    if output.suffix.lower() not in forms:
        raise EvalkitError("no report has this form", where=f"--output {output}", expected=", ".join(sorted(forms)))
    return forms[output.suffix.lower()]


def gather(
    trackers: Names | None = None,
    datasets: Names | None = None,
    *,
    data: Place | None = None,
    results: Place = "results",
    profiles: Names | None = None,
    costs: Iterable[Place] = (),
    allow_partial: bool = False,
    replay: Names = (),
    names: Mapping[str, str] | None = None,
    jobs: int = 1,
) -> Comparison:
    """Read, score and time everything there is.

    Args:
        trackers: Labels; all that have results for one of the benchmarks by default. A name without results stands
            for its published numbers.
        datasets: Names of benchmarks; the only one that there are results of by default.
        profiles: Metric profiles; by default each benchmark's own, and ``BESIDE`` it what that one leaves out.
        costs: JSON files that ``evalkit profile --format json`` wrote.
        allow_partial: Also score trackers that miss some sequences.
        replay: Sequences to show frame by frame; only these need frames.
        names: By label, the tracker whose published numbers stand beside it, where the label does not say it.
        jobs: Processes to read and score with; more than one needs a main module that can be imported again.

    Raises:
        EvalkitError: A benchmark or result file is damaged, results are incomplete, or there is nothing at all.
    """
    _open.cache_clear()  # what is on disk may have changed since the last comparison of this process
    root, folder = path(data), Path(results)
    opened = [_open(name, root) for name in several(datasets or only_benchmark(folder))]
    _check_profiles(several(profiles or ()), opened)
    wanted = tuple(dict.fromkeys(several(trackers) if trackers else _all_labels(folder, opened)))
    _check_labels(names or (), wanted)
    requests = [
        _Request(dataset.name, label, root, folder, several(profiles) if profiles else None, allow_partial)
        for dataset in opened
        for label in wanted
    ]
    findings = dict(zip(((one.dataset, one.label) for one in requests), _examine_all(requests, jobs), strict=True))
    present = {key: finding for key, finding in findings.items() if finding.runs}
    return Comparison(
        trackers=wanted,
        datasets=tuple(opened),
        scores=tuple(score for finding in present.values() for score in finding.scores),
        costs=(*(cost for file in costs for cost in read_costs(Path(file))), *_costs(present)),
        runs={key: finding.runs for key, finding in present.items()},
        cards={key: finding.card for key, finding in present.items() if finding.card is not None},
        differences={dataset.name: _differences(dataset.name, present) for dataset in opened},
        rates={key: finding.rates for key, finding in present.items() if finding.rates},
        skipped={key: finding.skipped for key, finding in findings.items() if finding.skipped},
        notices=tuple(_notice(_open(name, root), label, finding) for (name, label), finding in findings.items()),
        replay=tuple(_sequence_name(name, opened) for name in several(replay)),
        names=dict(names or {}),
    )


def _costs(present: Mapping[Key, _Finding]) -> Iterable[Cost]:
    """What was counted when each tracker ran, once where benchmarks agree, and what its stored times say."""
    for label in dict.fromkeys(tracker for _, tracker in present):
        own = [finding for (_, tracker), finding in present.items() if tracker == label]
        yield from dict.fromkeys(cost for finding in own for cost in counted(label, finding.card))
        yield from timing(label, [(finding.runs, finding.card) for finding in own])


def _check_profiles(asked: Iterable[str], datasets: Sequence[Dataset]) -> None:
    """Every benchmark needs one profile that scores it, and every profile a benchmark."""
    asked = tuple(asked)
    known = tuple(dict.fromkeys(profile for dataset in datasets for profile in dataset.profiles))
    for name in asked:
        if name not in known:
            raise EvalkitError(
                f"none of these benchmarks is scored by profile {name!r}", where="--profile",
                expected=", ".join(known), hint=suggestion(name, known),
            )  # fmt: skip
    for dataset in datasets:
        if asked and not set(asked) & set(dataset.profiles):
            raise EvalkitError(
                f"{dataset.name} is scored by none of these profiles", where="--profile", found=", ".join(asked),
                expected=", ".join(dataset.profiles),
            )  # fmt: skip


def _check_labels(asked: Iterable[str], known: Sequence[str]) -> None:
    for label in asked:
        if label not in known:
            raise EvalkitError(
                "no such label is in this report", where=f"--published {label}", expected=", ".join(known),
                hint=suggestion(label, known),
            )  # fmt: skip


def _sequence_name(asked: str, datasets: Sequence[Dataset], option: str = "--replay") -> str:
    """The benchmark's own spelling of a sequence that somebody asked to see."""
    known = {one.name.casefold(): one.name for dataset in datasets for one in dataset.sequences}
    if asked.casefold() not in known:
        listing = f"There are {', '.join(list(known.values())[:8])}{', ...' if len(known) > 8 else ''}"
        raise EvalkitError(
            "no such sequence", where=f"{option} {asked}", hint=suggestion(asked, known.values()) or listing
        )
    return known[asked.casefold()]


def gather_sequence(
    trackers: Sequence[str] | None, dataset: str | None, sequence: str, *, data: Path | None, results: Path
) -> tuple[Dataset, str, dict[str, Trajectory]]:
    """One sequence and the first repetition of what each tracker answered on it.

    Args:
        dataset: The only benchmark that there are results of by default.

    Raises:
        EvalkitError: There is no such sequence, or nobody has results for it.
    """
    opened = open_dataset(dataset or only_benchmark(results), data)
    name = _sequence_name(sequence, [opened], option="--sequence")
    runs: dict[str, Trajectory] = {}
    for label in trackers or labels(results, opened):
        found = Store(results, opened, label, opened.protocols[0]).read(opened.sequence(name))
        if found:
            runs[label] = found[0]
        elif trackers:
            known = labels(results, opened)
            raise EvalkitError(
                "there is no result", where=f"{opened.name}/{label}/{name}", found=f"results of {', '.join(known)}",
                hint=suggestion(label, known) or "Make it with `evalkit run`, or leave this tracker out",
            )  # fmt: skip
    if not runs:
        raise EvalkitError("nobody has a result", where=f"{opened.name}/{name}", hint="Give --results")
    return opened, name, runs


@cache
def _open(name: str, data: Path | None) -> Dataset:
    return open_dataset(name, data)


def _examine_all(requests: Sequence[_Request], jobs: int) -> list[_Finding]:
    """Findings in the order of the requests; many of them are divided among processes."""
    processes = min(len(requests), jobs)
    if len(requests) < _WORTH_A_POOL or processes < 2:
        return [_examine(request) for request in requests]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return list(pool.map(_examine, requests))


def _examine(request: _Request) -> _Finding:
    dataset = _open(request.dataset, request.data)
    store = Store(request.results, dataset, request.label, dataset.protocols[0])
    found = read_runs(store, allow_partial=request.allow_partial)
    if not found:
        return _Finding(skipped="there are no results")
    card = store.card()
    made_on = card["identity"].get("dataset_version", dataset.version) if card else dataset.version
    if made_on != dataset.version:
        return _Finding(skipped=f"made on version {made_on} of the benchmark, this is {dataset.version}: run it again")
    scores: list[Score] = []
    leading: Measure | None = None
    for profile, metrics in _plan(dataset, request.profiles):
        known = {score.metric for score in scores}
        if metrics is not None and known.issuperset(metrics):
            continue
        measures, _ = metric_profiles.measure(profile, dataset, store.protocol, found)
        fresh = _scores(store, found, profile, measures)
        scores += [one for one in fresh if metrics is None or one.metric in metrics - known]
        leading = leading or _leading(measures)
    return _Finding(found, "", card, tuple(scores), leading, _over_rates(store, found, scores[0].profile))


def _plan(dataset: Dataset, asked: tuple[str, ...] | None) -> list[tuple[str, frozenset[str] | None]]:
    """Profiles to score by, each with the metrics to keep; None for all."""
    if asked:
        return [(name, None) for name in asked if name in dataset.profiles]
    official, *others = dataset.profiles
    return [(official, None), *((name, metrics) for name, metrics in BESIDE.items() if name in others)]


def _scores(
    store: Store, runs: Mapping[str, list[Trajectory]], profile: str, measures: Sequence[Measure]
) -> list[Score]:
    """Scores by attribute too; intervals where they are shown, which is not there."""
    weights = statistics.resample(len(measures[0].sequences))
    intervals = {one.metric.name: statistics.interval(one, weights) or (None, None) for one in measures}
    scores = metric_profiles.score(
        profile, store.dataset, store.label, store.protocol, runs, attributes=True, confidence=None
    )
    return [
        score
        if score.attribute is not None
        else replace(score, low=intervals[score.metric][0], high=intervals[score.metric][1])
        for score in scores
    ]


def _over_rates(store: Store, runs: Mapping[str, list[Trajectory]], profile: str) -> tuple[tuple[float, float], ...]:
    """AUC by frame rate, up to the rate beyond which the tracker would have to be run again."""
    firsts = {name: found[0] for name, found in runs.items()}
    timed = all(np.isfinite(one.seconds[1:]).all() for one in firsts.values())
    if store.protocol != "one_pass" or not timed:
        return ()
    found: list[tuple[float, float]] = []
    for fps in streaming.RATES:
        staged = {name: streaming.replay(one, fps) for name, one in firsts.items()}
        known = {name: [one] for name, one in staged.items() if one is not None}
        if len(known) < len(staged):
            break
        scores = metric_profiles.score(profile, store.dataset, store.label, store.protocol, known, confidence=None)
        found += [(fps, score.value) for score in scores if score.metric == "auc" and score.value is not None]
    return tuple(found)


def _leading(measures: Sequence[Measure]) -> Measure | None:
    by_name = {one.metric.name: one for one in measures if one.value() is not None}
    return next((by_name[name] for name in LEADING if name in by_name), None)


def _differences(dataset: str, findings: Mapping[Key, _Finding]) -> dict[tuple[str, str], Difference]:
    """Every pair of trackers that share sequences."""
    measures = {label: one.leading for (name, label), one in findings.items() if name == dataset and one.leading}
    shared = set.intersection(*(set(one.sequences) for one in measures.values())) if len(measures) > 1 else set()
    if len(shared) < 2:
        return {}
    pairs = len(measures) * (len(measures) - 1) // 2
    # With fewer, the smallest p-value there can be would not survive the adjustment for so many pairs.
    return statistics.compare(measures, resamples=max(_RESAMPLES, 40 * pairs))


def _all_labels(results: Path, datasets: Iterable[Dataset]) -> list[str]:
    found = [label for dataset in datasets for label in labels(results, dataset)]
    if not found:
        raise EvalkitError("there are no results", where=results, hint="Run `evalkit run` first, or give --results")
    return found


def read_runs(
    store: Store, *, allow_partial: bool, sequences: Sequence[str] | None = None
) -> dict[str, list[Trajectory]]:
    """Trajectories by sequence; empty where there are none at all.

    Raises:
        EvalkitError: Some sequences are missing and nobody allowed that, or a file is damaged.
    """
    if not store.folder.is_dir():
        return {}
    chosen = [one for one in store.dataset.sequences if sequences is None or one.name in sequences]
    found = {one.name: runs for one in chosen if (runs := store.read(one))}
    missing = [name for name in store.dataset.expected if name not in found]
    if found and missing and not allow_partial and sequences is None:
        listed = ", ".join(missing[:8]) + (", ..." if len(missing) > 8 else "")
        raise EvalkitError(
            f"{len(missing)} of {len(store.dataset.expected)} sequences have no result",
            where=f"{store.dataset.name}/{store.label}",
            hint=f"Missing: {listed}. Report what is there with --allow-partial",
        )
    return found


def _notice(dataset: Dataset, label: str, finding: _Finding) -> str:
    where = f"{dataset.name}: {label}"
    if finding.skipped:
        return f"{where} skipped, {finding.skipped}"
    count, expected = len(finding.runs), len(dataset.expected)
    origin = "run by evalkit" if not is_imported(finding.card) else "imported"
    return f"{where} found, {'all ' if count == expected else f'{count} of '}{expected} sequences, {origin}"
