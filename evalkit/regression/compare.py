"""Run a suite, compare the results with its baseline, and on request replace the baseline."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit import stored
from evalkit.engine.track import Progress
from evalkit.errors import EvalkitError, listed
from evalkit.metrics.withheld import groundtruth_withheld, withheld_error
from evalkit.regression.baseline import Baseline, load_baseline, lock_baseline, save_baseline
from evalkit.regression.baseline_results import with_sizes
from evalkit.regression.checks import exact
from evalkit.regression.checks.accuracy import MetricComparison, check_accuracy
from evalkit.regression.checks.latency import check_latency, passes_early
from evalkit.regression.findings import FIRST_VALUE, GateFinding, RegressionReport, Verdict
from evalkit.regression.latency.measure import LatencyMeasurement, measure_latency
from evalkit.regression.latency.previous_code import NoPreviousCodeError, PreviousCode, checked_out
from evalkit.regression.record_run import record_tracker
from evalkit.regression.records import TrackerRecord, TrackerRecords
from evalkit.regression.resolved_dataset import ResolvedDataset, check_margins, resolve_dataset
from evalkit.regression.suite import Suite, SuiteTracker, load_suite


def regress(
    suite: Path,
    *,
    baseline: Path | None = None,
    data: Path | None = None,
    results: Path = Path("results"),
    jobs: int | None = None,
    timeout: float | None = None,
    update: bool = False,
    reason: str | None = None,
    progress: Progress | None = None,
) -> RegressionReport:
    """Run a suite and compare the results with its baseline, gate by gate.

    Args:
        suite: TOML file, see ``evalkit.regression.suite``.
        baseline: The baseline's file, in place of the one that the suite names.
        data: Folder of the benchmarks, in place of the suite's.
        results: Results that the present code stored here are used; what is missing is tracked into the folder
            ``regress`` inside of it. An interrupted call is continued by the next one.
        jobs: Sequences that are tracked at the same time, in processes of their own; by default one, in this process.
        timeout: Seconds that a sequence may take before it is stopped and counted as failed; also the time that a
            process of the latency gate may take to build the tracker, or to track a frame.
        update: Replace the baseline by the results.
        reason: Reason of the update, kept in the baseline's history.
        progress: Called after each sequence that was tracked.

    Returns:
        The findings of all gates.

    Raises:
        WithheldGroundtruth: A dataset is annotated in the first frames only, and the suite gates accuracy.
        EvalkitError: The suite or the baseline is missing, damaged or of another version; something that the suite
            names does not exist; an update has no reason, another update is under way, or a sequence failed. The
            baseline is then unchanged.
    """
    request = _Request(load_suite(suite), results=results, data=data, jobs=jobs, timeout=timeout, progress=progress)
    path = baseline or request.suite.baseline
    command = _update_command(suite, baseline)
    if not update:
        return _compare(request, path, load_baseline(path), command)
    if not (reason or "").strip():
        raise EvalkitError("an update needs a reason", where="--update", hint='Add --reason "what changed and why"')
    with lock_baseline(path):
        return _update(request, path, (reason or "").strip(), command)


@dataclass(frozen=True)
class _Request:
    """The options of ``regress`` that decide what is run."""

    suite: Suite
    results: Path
    data: Path | None
    jobs: int | None
    timeout: float | None
    progress: Progress | None

    def resolve_datasets(self) -> list[ResolvedDataset]:
        margins = self.suite.gates.accuracy
        datasets = [resolve_dataset(one, margins, self.data) for one in self.suite.datasets]
        check_margins(datasets)
        label = self.suite.trackers[0].label
        stored.check(
            withheld_error(one.dataset, label)
            for one in datasets
            if one.gates_accuracy and groundtruth_withheld(one.dataset, one.sequences)
        )
        return datasets

    def record_trackers(self, datasets: Sequence[ResolvedDataset], old: TrackerRecords) -> dict[str, TrackerRecord]:
        return {
            one.label: record_tracker(
                one, self.suite, datasets, results=self.results, jobs=self.jobs, timeout=self.timeout,
                progress=self.progress, old=old.get(one.label),
            )
            for one in self.suite.trackers
        }  # fmt: skip


def _compare(request: _Request, path: Path, old: Baseline, command: str) -> RegressionReport:
    datasets = request.resolve_datasets()
    new = request.record_trackers(datasets, old.trackers)
    measured = _measure_relative_latency(request, datasets[0], path, new)
    return _report(request, datasets, old, new, measured, path, command)


def _update(request: _Request, path: Path, reason: str, command: str) -> RegressionReport:
    suite = request.suite
    old = load_baseline(path) if path.exists() else Baseline(suite.name, {})
    datasets = request.resolve_datasets()
    new = request.record_trackers(datasets, old.trackers)
    _check_complete(suite, new, path)
    measured = _measure_recorded_latency(request, datasets[0])
    new = {label: replace(one, latency=measured[label].recorded) for label, one in new.items()}
    report = _report(request, datasets, old, new, measured, path, command)
    save_baseline(path, old.updated(new, reason, _accepted_changes(report.findings)))
    return replace(report, updated=True)


def _report(
    request: _Request,
    datasets: Sequence[ResolvedDataset],
    old: Baseline,
    new: TrackerRecords,
    measured: Mapping[str, LatencyMeasurement],
    path: Path,
    command: str,
) -> RegressionReport:
    findings = tuple(_findings(request, datasets, old.trackers, new, measured))
    differences = tuple(_other_differences(old.trackers, new))
    return RegressionReport(request.suite.name, findings, differences, path, command=command)


def _measure_relative_latency(
    request: _Request, dataset: ResolvedDataset, baseline: Path, new: TrackerRecords
) -> dict[str, LatencyMeasurement]:
    """Time every tracker relative to the baseline's code; a tracker that fails is a finding."""
    suite, gate = request.suite, request.suite.gates.latency
    if gate is None:
        return {}
    found = {}
    with _previous_code(baseline, suite.path) as previous:
        for tracker in suite.trackers:
            if any(record.failed for record in new[tracker.label].datasets.values()):
                found[tracker.label] = LatencyMeasurement(obstacle="not timed, because sequences failed")
                continue
            began = time.monotonic()
            try:
                measured = measure_latency(
                    tracker, dataset, previous, decided=passes_early(gate), timeout=request.timeout
                )
            except EvalkitError as error:
                measured = LatencyMeasurement(obstacle=str(error), failed=True)
            found[tracker.label] = replace(measured, seconds=time.monotonic() - began)
    return found


@contextlib.contextmanager
def _previous_code(baseline: Path, suite: Path) -> Iterator[PreviousCode | str]:
    """Check out the baseline's code; a text that says why where that is not possible."""
    with contextlib.ExitStack() as stack:
        previous: PreviousCode | str
        try:
            previous = stack.enter_context(checked_out(baseline, suite))
        except NoPreviousCodeError as error:
            previous = str(error)
        yield previous


def _measure_recorded_latency(request: _Request, dataset: ResolvedDataset) -> dict[str, LatencyMeasurement]:
    """Time every tracker relative to the reference workload, for the baseline."""
    if request.suite.gates.latency is None:
        return {one.label: LatencyMeasurement() for one in request.suite.trackers}
    return {one.label: measure_latency(one, dataset, "", timeout=request.timeout) for one in request.suite.trackers}


def _update_command(suite: Path, baseline: Path | None) -> str:
    other = f" --baseline {baseline}" if baseline else ""
    return f'evalkit regress {suite}{other} --update --reason "..."'


def _findings(
    request: _Request,
    datasets: Sequence[ResolvedDataset],
    old: TrackerRecords,
    new: TrackerRecords,
    measured: Mapping[str, LatencyMeasurement],
) -> Iterator[GateFinding]:
    suite = request.suite
    yield from _unmatched(old, new)
    known = [one for one in suite.trackers if one.label in old]
    for tracker in known:
        label = tracker.label
        yield from _exact_findings(request, datasets, tracker, old[label], new[label])
        if suite.gates.latency is not None:
            yield from check_latency(label, old[label], new[label], measured[label], suite.gates.latency)
    yield from check_accuracy(
        comparison
        for one in known
        for comparison in _metric_comparisons(one.label, datasets, old[one.label], new[one.label])
    )


def _exact_findings(
    request: _Request,
    datasets: Sequence[ResolvedDataset],
    tracker: SuiteTracker,
    old: TrackerRecord,
    new: TrackerRecord,
) -> Iterator[GateFinding]:
    suite, label = request.suite, tracker.label
    opened = {one.dataset.name: one for one in datasets}
    if suite.gates.weights and (finding := exact.check_weights(label, old, new, tracker)):
        yield finding
    if suite.gates.cost:
        yield from exact.check_cost(label, old, new)
    for name, record in old.datasets.items():
        yield exact.check_sequences(label, name, record, new.datasets.get(name))
        if not suite.gates.exact or name not in new.datasets or not new.datasets[name].sequences:
            continue
        finding = exact.check_boxes(label, name, (old, record), (new, new.datasets[name]))
        if finding.verdict is Verdict.FAIL:
            one = opened[name]
            finding = with_sizes(finding, one.dataset, one.protocol, record, new.datasets[name], request.results)
        yield finding


def _unmatched(old: TrackerRecords, new: TrackerRecords) -> Iterator[GateFinding]:
    """Return findings on trackers and datasets that only the baseline or only the suite has."""
    for label in old:
        if label not in new:
            reason = f"{label} is in the baseline but not in the suite"
            yield GateFinding("sequences", label, None, "tracker", Verdict.FAIL, reason)
    for label, record in new.items():
        if label not in old:
            reason = f"{label} is not in the baseline, so nothing is compared"
            seconds = sum(one.seconds or 0.0 for one in record.datasets.values())
            yield GateFinding("sequences", label, None, "tracker", Verdict.INCONCLUSIVE, reason, seconds=seconds)
            yield from _first_values(label, record)
            continue
        for name in record.datasets:
            if name not in old[label].datasets:
                reason = f"{label} on {name} is not in the baseline, so nothing is compared"
                yield GateFinding("sequences", label, name, "sequences", Verdict.INCONCLUSIVE, reason)


def _first_values(label: str, record: TrackerRecord) -> Iterator[GateFinding]:
    """Return the scores of a tracker that the baseline does not have yet."""
    for name, dataset in record.datasets.items():
        for metric, one in dataset.metrics.items():
            yield GateFinding(
                "accuracy", label, name, metric, Verdict.SKIPPED, FIRST_VALUE, now=one.value,
                sequences=len(dataset.sequences),
            )  # fmt: skip


def _metric_comparisons(
    label: str, datasets: Sequence[ResolvedDataset], old: TrackerRecord, new: TrackerRecord
) -> Iterator[MetricComparison]:
    for dataset in datasets:
        name = dataset.dataset.name
        if name not in old.datasets or name not in new.datasets:
            continue
        record = new.datasets[name]
        for metric, margin in dataset.margins_of(record.metrics).items():
            yield MetricComparison(label, name, metric, margin, old.datasets[name], record)


def _other_differences(old: TrackerRecords, new: TrackerRecords) -> Iterator[str]:
    """Return the differences of environment and settings, the first place to look for a cause."""
    for label in new:
        if label not in old:
            continue
        before, now = old[label], new[label]
        found = exact.environment_differences(before.environment, now.environment)
        for name, record in now.datasets.items():
            if name in before.datasets:
                found += exact.description_differences(before.datasets[name].description, record.description)
        yield from (f"{label}: {one}" for one in dict.fromkeys(found))


def _check_complete(suite: Suite, new: TrackerRecords, path: Path) -> None:
    """Reject a baseline with failed sequences, or with another checkpoint than the suite requires."""
    problems = [
        f"{label} on {name}: {cause}"
        for label, record in new.items()
        for name, dataset in record.datasets.items()
        for cause in exact.failure_causes(list(dataset.failed), dataset.failed)
    ]
    problems += [
        f"the checkpoint of {one.label} is {(new[one.label].weights or 'none')[:12]}, the suite requires "
        f"{one.sha256[:12]}"
        for one in suite.trackers
        if one.sha256 is not None and not (new[one.label].weights or "").startswith(one.sha256)
    ]
    if problems:
        found = listed(problems, exact.NAMED_SEQUENCES)
        raise EvalkitError("the baseline was not updated", where=path, found=found, exit_code=1)


def _accepted_changes(findings: Sequence[GateFinding]) -> list[str]:
    """Return what an update accepts, one sentence for each finding that did not pass."""
    return [
        f"{one.tracker}{f' on {one.dataset}' if one.dataset else ''}, {one.gate} {one.quantity}: {one.reason}"
        for one in findings
        if one.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) or one.improved
    ]
