"""The whole way: read suite and baseline, measure, compare, and on request agree on new numbers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from evalkit.errors import EvalkitError
from evalkit.regression import baseline as baselines
from evalkit.regression import former, gates, latency, statistical, timing
from evalkit.regression import suite as suites
from evalkit.regression.baseline import Baseline
from evalkit.regression.bench import Bench, check_margins, open_benchmark
from evalkit.regression.former import Former, UnavailableError
from evalkit.regression.latency import Timed
from evalkit.regression.measurement import Progress, measure
from evalkit.regression.outcome import Finding, Report, Verdict
from evalkit.regression.records import TrackerRecord, Trackers
from evalkit.regression.statistical import Comparison
from evalkit.regression.suite import Candidate, LatencyGate, Suite


def regress(
    suite: Path,
    *,
    baseline: Path | None = None,
    data: Path | None = None,
    results: Path = Path("results"),
    update: bool = False,
    reason: str | None = None,
    progress: Progress | None = None,
) -> Report:
    """Run a suite and compare it with its baseline, gate by gate.

    Args:
        suite: TOML file, see ``evalkit.regression.suite``.
        baseline: Instead of the file that the suite names.
        data: Folder of the benchmarks, instead of the suite's.
        results: What this very code tracked before is taken from here; whatever else is missing is tracked into
            ``regress`` inside of it.
        update: Replace the baseline by what came out.
        reason: Why; kept in the baseline's history.

    Raises:
        EvalkitError: The suite or the baseline is missing, damaged or of another version; something in the suite does
            not exist; an update without a reason, while another one is under way, or with sequences that failed. The
            baseline is then as it was.
    """
    loaded = suites.load(suite)
    path = baseline or loaded.baseline
    if update and not (reason or "").strip():
        raise EvalkitError("an update needs a reason", where="--update", hint='Add --reason "what changed and why"')
    with baselines.writing(path) if update else contextlib.nullcontext():
        old = _old(path, loaded, update=update)
        benches = [open_benchmark(one, loaded.gates.accuracy, data) for one in loaded.benchmarks]
        check_margins(benches)
        new = {
            one.label: measure(one, loaded, benches, results=results, progress=progress) for one in loaded.candidates
        }
        timed = _timed(loaded, benches[0], path, beside=not update)
        new = {label: replace(one, latency=timed[label].recorded) for label, one in new.items()}
        findings = tuple(_findings(loaded, benches, old.trackers, new, timed))
        differences = tuple(_differences(old.trackers, new))
        report = Report(loaded.name, findings, differences, path, update, _command(suite, baseline))
        if update:
            _check_complete(loaded, new, path)
            baselines.save(path, old.updated(new, (reason or "").strip(), _changes(findings)))
    return report


def _timed(suite: Suite, bench: Bench, baseline: Path, *, beside: bool) -> dict[str, Timed]:
    """Times of every tracker: beside the baseline's code, or for the baseline beside the reference workload."""
    gate = suite.gates.latency
    if gate is None:
        return dict.fromkeys((one.label for one in suite.candidates), Timed())
    with contextlib.ExitStack() as stack:
        code: Former | str = ""
        if beside:
            try:
                code = stack.enter_context(former.unpacked(baseline, suite.path))
            except UnavailableError as obstacle:
                code = str(obstacle)
        return {one.label: _timed_one(one, bench, code, gate, demand=not beside) for one in suite.candidates}


def _timed_one(candidate: Candidate, bench: Bench, code: Former | str, gate: LatencyGate, *, demand: bool) -> Timed:
    try:
        return latency.measure(candidate, bench, code, enough=timing.enough(gate))
    except EvalkitError as error:
        if demand:
            raise
        return Timed(obstacle=str(error), failed=True)


def _old(path: Path, suite: Suite, *, update: bool) -> Baseline:
    if update and not path.exists():
        return Baseline(suite.name, {})
    return baselines.load(path)


def _command(suite: Path, baseline: Path | None) -> str:
    other = f" --baseline {baseline}" if baseline else ""
    return f'evalkit regress {suite}{other} --update --reason "..."'


def _findings(
    suite: Suite, benches: list[Bench], old: Trackers, new: Trackers, timed: Mapping[str, Timed]
) -> Iterator[Finding]:
    yield from _strangers(old, new)
    comparisons: list[Comparison] = []
    for candidate in suite.candidates:
        label = candidate.label
        if label not in old:
            continue
        before, now = old[label], new[label]
        if suite.gates.weights and (finding := gates.weights(label, before, now, candidate)):
            yield finding
        if suite.gates.cost:
            yield from gates.cost(label, before, now)
        for name, record in before.datasets.items():
            yield gates.complete(label, name, record, now.datasets.get(name))
            if suite.gates.exact and name in now.datasets:
                yield gates.exact(label, name, (before, record), (now, now.datasets[name]))
        comparisons += _comparisons(label, benches, before, now)
        if suite.gates.latency is not None:
            yield from timing.latency(label, before, now, timed[label], suite.gates.latency)
    yield from statistical.judge(comparisons)


def _strangers(old: Trackers, new: Trackers) -> Iterator[Finding]:
    """Trackers and benchmarks that only one side knows."""
    for label in old:
        if label not in new:
            reason = f"{label} is in the baseline and no longer in the suite"
            yield Finding("sequences", label, None, "tracker", Verdict.FAIL, reason)
    for label, record in new.items():
        if label not in old:
            reason = f"{label} is not in the baseline, so nothing is compared"
            yield Finding("sequences", label, None, "tracker", Verdict.INCONCLUSIVE, reason)
            continue
        for name in record.datasets:
            if name not in old[label].datasets:
                reason = f"{label} on {name} is not in the baseline, so nothing is compared"
                yield Finding("sequences", label, name, "sequences", Verdict.INCONCLUSIVE, reason)


def _comparisons(label: str, benches: list[Bench], old: TrackerRecord, new: TrackerRecord) -> Iterator[Comparison]:
    for bench in benches:
        name = bench.dataset.name
        if name not in old.datasets or name not in new.datasets:
            continue
        record = new.datasets[name]
        for metric, margin in bench.margins_of(record.metrics).items():
            yield Comparison(label, name, metric, margin, old.datasets[name], record)


def _differences(old: Trackers, new: Trackers) -> Iterator[str]:
    """What differs besides the numbers: the first place to look for a cause."""
    for label in new:
        if label not in old:
            continue
        before, now = old[label], new[label]
        found = gates.environment_differences(before.environment, now.environment)
        for name, record in now.datasets.items():
            if name in before.datasets:
                found += gates.card_differences(before.datasets[name].card, record.card)
        yield from (f"{label}: {one}" for one in dict.fromkeys(found))


def _check_complete(suite: Suite, new: Mapping[str, TrackerRecord], path: Path) -> None:
    """Refuse to agree on what is incomplete, or on another checkpoint than the suite names."""
    problems = [
        f"{label} on {name}/{sequence} ({error})"
        for label, record in new.items()
        for name, dataset in record.datasets.items()
        for sequence, error in dataset.failed.items()
    ]
    problems += [
        f"the checkpoint of {one.label} is {(new[one.label].weights or 'none')[:12]}, the suite names {one.sha256[:12]}"
        for one in suite.candidates
        if one.sha256 is not None and not (new[one.label].weights or "").startswith(one.sha256)
    ]
    if problems:
        raise EvalkitError("the baseline is left as it was", where=path, found=gates.listed(problems), exit_code=1)


def _changes(findings: tuple[Finding, ...]) -> list[str]:
    """What an update accepts, one line a finding that did not pass."""
    return [
        f"{one.tracker}{f' on {one.dataset}' if one.dataset else ''}, {one.gate} {one.quantity}: {one.reason}"
        for one in findings
        if one.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) or one.improved
    ]
