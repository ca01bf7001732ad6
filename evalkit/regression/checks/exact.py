"""The gates on what must be equal: sequences, checkpoint, MACs and parameters, boxes to the last bit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalkit.errors import listed
from evalkit.regression.box_hashes import first_difference
from evalkit.regression.findings import AffectedSequence, GateFinding, Verdict
from evalkit.regression.records import DatasetRecord, SequenceRecord, TrackerRecord
from evalkit.regression.suite import SuiteTracker

NAMED_SEQUENCES = 5
"""Sequences that a sentence names; findings hold them all."""


def check_sequences(label: str, name: str, old: DatasetRecord, new: DatasetRecord | None) -> GateFinding:
    """Check that every sequence of the baseline has been tracked; new sequences are inconclusive until an update.

    Args:
        label, name: Of the tracker and of the dataset.
        new: None if the suite does not run this tracker on this dataset.
    """

    def finding(verdict: Verdict, reason: str, names: Sequence[str] = ()) -> GateFinding:
        return GateFinding(
            "sequences", label, name, "sequences", verdict, reason, baseline=len(old.sequences),
            now=None if new is None else len(new.sequences), seconds=None if new is None else new.seconds,
            responsible=tuple(AffectedSequence(one) for one in names),
        )  # fmt: skip

    if new is None:
        return finding(Verdict.FAIL, f"the baseline has {label} on {name}, the suite has not")
    missing = [one for one in old.sequences if one not in new.sequences]
    if missing:
        text = "; ".join(failure_causes(missing, new.failed))
        return finding(Verdict.FAIL, f"{len(missing)} of {len(old.sequences)} missing: {text}", missing)
    added = [*(one for one in new.sequences if one not in old.sequences), *new.failed]
    if added:
        text = listed(added, NAMED_SEQUENCES)
        return finding(Verdict.INCONCLUSIVE, f"not compared, because not in the baseline: {text}", added)
    return finding(Verdict.PASS, f"all {len(old.sequences)} sequences are present")


def failure_causes(missing: Sequence[str], failed: Mapping[str, str]) -> Iterator[str]:
    """Yield one text for each cause, with the sequences that it holds for: ``a, b (a: out of memory)``.

    Errors that differ only in the name of the sequence are one cause; that of the first sequence is shown.

    Args:
        failed: Error by sequence, where it is known.
    """
    by_cause: dict[str, list[str]] = {}
    for name in missing:
        by_cause.setdefault(failed.get(name, "").replace(name, ""), []).append(name)
    for names in by_cause.values():
        cause = failed.get(names[0])
        yield listed(names, NAMED_SEQUENCES) + (f" ({cause})" if cause else "")


def check_weights(label: str, old: TrackerRecord, new: TrackerRecord, tracker: SuiteTracker) -> GateFinding | None:
    """Check that the checkpoint is the suite's and the baseline's; None if the tracker has no checkpoint."""
    if old.weights is None and new.weights is None and tracker.sha256 is None:
        return None
    found = new.weights or "none"

    def finding(verdict: Verdict, reason: str) -> GateFinding:
        return GateFinding("weights", label, None, "sha256", verdict, reason)

    if tracker.sha256 is not None and not found.startswith(tracker.sha256):
        return finding(Verdict.FAIL, f"the checkpoint is {found[:12]}, the suite requires {tracker.sha256[:12]}")
    if found != (old.weights or "none"):
        before = (old.weights or "none")[:12]
        return finding(Verdict.FAIL, f"the checkpoint is {found[:12]}, in the baseline it is {before}")
    return finding(Verdict.PASS, f"{found[:12]}, as in the baseline")


def check_cost(label: str, old: TrackerRecord, new: TrackerRecord) -> Iterator[GateFinding]:
    """Check that counts are equal: one finding per changed count, or one for all if none changed.

    A smaller count fails too: it needs an explanation like a larger one.
    """
    names = sorted({*old.cost, *new.cost})
    changed = [name for name in names if old.cost.get(name) != new.cost.get(name)]
    if names and not changed:
        reason = ", ".join(f"{name} {_count_text(new.cost[name])}" for name in names)
        yield GateFinding("cost", label, None, "MACs and parameters", Verdict.PASS, reason)
    for name in changed:
        before, now = old.cost.get(name), new.cost.get(name)
        change = None if before is None or now is None else now - before
        reason = f"{_count_text(before)} → {_count_text(now)}"
        yield GateFinding("cost", label, None, name, Verdict.FAIL, reason, before, now, change, margin=0.0)


def _count_text(value: int | None) -> str:
    return "none" if value is None else f"{value:,}"


def check_boxes(
    label: str, name: str, old: tuple[TrackerRecord, DatasetRecord], new: tuple[TrackerRecord, DatasetRecord]
) -> GateFinding:
    """Check that boxes are equal to the last bit; skipped where another environment explains other last bits."""
    before, after = old[1].sequences, new[1].sequences
    common = [one for one in before if one in after]

    def finding(verdict: Verdict, reason: str, affected: tuple[AffectedSequence, ...] = ()) -> GateFinding:
        return GateFinding(
            "exact", label, name, "boxes", verdict, reason, sequences=len(common), responsible=affected
        )  # fmt: skip

    obstacle = why_not_comparable(old[1], new[1])
    if obstacle:
        return finding(Verdict.INCONCLUSIVE, obstacle)
    affected = _different_sequences({one: (before[one], after[one]) for one in common})
    if not affected:
        return finding(Verdict.PASS, f"equal boxes in all {len(common)} sequences")
    if old[0].stochastic or new[0].stochastic:
        return finding(Verdict.SKIPPED, "the tracker is registered as stochastic", affected)
    environment = environment_differences(old[0].environment, new[0].environment)
    if environment:
        return finding(Verdict.SKIPPED, f"different environment: {listed(environment, NAMED_SEQUENCES)}", affected)
    places = [f"{one.sequence} from {one.frames()}" if one.frames() else one.sequence for one in affected]
    text = listed(places, NAMED_SEQUENCES)
    return finding(Verdict.FAIL, f"different boxes in {len(affected)} of {len(common)} sequences: {text}", affected)


def _different_sequences(pairs: Mapping[str, tuple[SequenceRecord, SequenceRecord]]) -> tuple[AffectedSequence, ...]:
    """Return the sequences whose boxes differ, those that differ from the earliest frame on first."""
    affected = []
    for name, (old, new) in pairs.items():
        if old.hashes.boxes != new.hashes.boxes:
            first, last = first_difference(old.hashes, new.hashes) or (None, None)
            affected.append(AffectedSequence(name, first=first, last=last))
    return tuple(sorted(affected, key=lambda one: (one.first is None, one.first or 0)))


def why_not_comparable(old: DatasetRecord, new: DatasetRecord) -> str | None:
    """Return a sentence that says why two records cannot be compared; None if they can."""
    for key in ("version", "protocol", "profile"):
        before, now = getattr(old, key), getattr(new, key)
        if before != now:
            return f"the dataset's {key} is {now}, in the baseline it is {before}; update the baseline"
    return None


def environment_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the keys that both environments have with different values, as "key old → new"."""
    return [
        f"{key} {old[key]} → {new[key]}"
        for key in sorted({*old} & {*new})
        if old[key] != new[key] and None not in (old[key], new[key])
    ]


def description_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the keys in which two descriptions of a tracker differ, as "key old → new"."""
    return [
        f"{key} {old.get(key, 'none')} → {new.get(key, 'none')}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]
