"""The gates but accuracy's and latency's: what must be the same, and is or is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalkit.regression.digests import parting
from evalkit.regression.outcome import Finding, Parted, Verdict
from evalkit.regression.records import DatasetRecord, SequenceRecord, TrackerRecord
from evalkit.regression.suite import Candidate

MOST = 5
"""Sequences named in a sentence; findings hold them all."""


def complete(label: str, name: str, old: DatasetRecord, new: DatasetRecord | None) -> Finding:
    """Every sequence of the baseline has to be there; one that is new is not gated until the baseline knows it."""

    def finding(verdict: Verdict, reason: str, names: Sequence[str] = ()) -> Finding:
        return Finding(
            "sequences", label, name, "sequences", verdict, reason, baseline=len(old.sequences),
            now=None if new is None else len(new.sequences), responsible=tuple(Parted(one) for one in names),
        )  # fmt: skip

    if new is None:
        return finding(Verdict.FAIL, f"{label} is in the baseline on {name} and no longer in the suite")
    missing = [one for one in old.sequences if one not in new.sequences]
    if missing:
        causes = [f"{one} ({new.failed[one]})" if one in new.failed else one for one in missing]
        return finding(Verdict.FAIL, f"{len(missing)} of {len(old.sequences)} missing: {listed(causes)}", missing)
    fresh = [*(one for one in new.sequences if one not in old.sequences), *new.failed]
    if fresh:
        return finding(Verdict.INCONCLUSIVE, f"not in the baseline, so not compared: {listed(fresh)}", fresh)
    return finding(Verdict.PASS, f"all {len(old.sequences)} sequences are there")


def weights(label: str, old: TrackerRecord, new: TrackerRecord, candidate: Candidate) -> Finding | None:
    """The checkpoint is the one that the suite names, and the baseline's; None where there is none at all."""
    if old.weights is None and new.weights is None and candidate.sha256 is None:
        return None
    found = new.weights or "none"

    def finding(verdict: Verdict, reason: str) -> Finding:
        return Finding("weights", label, None, "sha256", verdict, reason)

    if candidate.sha256 is not None and not found.startswith(candidate.sha256):
        return finding(Verdict.FAIL, f"the checkpoint is {found[:12]}, the suite names {candidate.sha256[:12]}")
    if found != (old.weights or "none"):
        return finding(Verdict.FAIL, f"the checkpoint is {found[:12]}, the baseline's {(old.weights or 'none')[:12]}")
    return finding(Verdict.PASS, f"{found[:12]}, as in the baseline")


def cost(label: str, old: TrackerRecord, new: TrackerRecord) -> Iterator[Finding]:
    """Counts are equal or they are not; fewer is a change to explain as well. One finding for all that are equal."""
    names = sorted({*old.cost, *new.cost})
    changed = [name for name in names if old.cost.get(name) != new.cost.get(name)]
    if names and not changed:
        reason = ", ".join(f"{name} {_whole(new.cost[name])}" for name in names)
        yield Finding("cost", label, None, "MACs and parameters", Verdict.PASS, reason)
    for name in changed:
        before, now = old.cost.get(name), new.cost.get(name)
        change = None if before is None or now is None else now - before
        reason = f"{_whole(before)} → {_whole(now)}"
        yield Finding("cost", label, None, name, Verdict.FAIL, reason, before, now, change, margin=0.0)


def _whole(value: int | None) -> str:
    return "none" if value is None else f"{value:,}"


def exact(
    label: str, dataset: str, old: tuple[TrackerRecord, DatasetRecord], new: tuple[TrackerRecord, DatasetRecord]
) -> Finding:
    """The same boxes to the last bit; skipped where another environment explains other bits."""
    before, after = old[1].sequences, new[1].sequences
    common = [one for one in before if one in after]

    def finding(verdict: Verdict, reason: str, responsible: tuple[Parted, ...] = ()) -> Finding:
        return Finding(
            "exact", label, dataset, "boxes", verdict, reason, sequences=len(common), responsible=responsible
        )  # fmt: skip

    obstacle = incomparable(old[1], new[1])
    if obstacle:
        return finding(Verdict.INCONCLUSIVE, obstacle)
    parted = [one for one in (_parted(name, before[name], after[name]) for name in common) if one is not None]
    if not parted:
        return finding(Verdict.PASS, f"the same boxes in all {len(common)} sequences")
    other = environment_differences(old[0].environment, new[0].environment)
    reasons = ["the tracker declares itself stochastic"] if old[0].stochastic or new[0].stochastic else other
    responsible = tuple(sorted(parted, key=lambda one: (one.first is None, one.first or 0)))
    if reasons:
        return finding(Verdict.SKIPPED, f"another environment: {listed(reasons)}", responsible)
    places = [f"{one.sequence} from {one.frames()}" if one.frames() else one.sequence for one in responsible]
    return finding(
        Verdict.FAIL, f"other boxes in {len(parted)} of {len(common)} sequences: {listed(places)}", responsible
    )


def _parted(name: str, old: SequenceRecord, new: SequenceRecord) -> Parted | None:
    if old.digest.boxes == new.digest.boxes:
        return None
    first, last = parting(old.digest, new.digest) or (None, None)
    return Parted(name, first=first, last=last)


def incomparable(old: DatasetRecord, new: DatasetRecord) -> str | None:
    """Why two records are of different things, in a sentence; None where they are not."""
    for key in ("version", "protocol", "profile"):
        before, now = getattr(old, key), getattr(new, key)
        if before != now:
            return f"the benchmark's {key} is {now}, the baseline's {before}; update the baseline"
    return None


def environment_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs between two environments, one entry a key that both know."""
    return [
        f"{key} {old[key]} → {new[key]}"
        for key in sorted({*old} & {*new})
        if old[key] != new[key] and None not in (old[key], new[key])
    ]


def card_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What the tracker says of itself now and said otherwise before."""
    return [
        f"{key} {old.get(key, 'none')} → {new.get(key, 'none')}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]


def listed(items: list[str]) -> str:
    """The first few, and how many more."""
    more = f" and {len(items) - MOST} more" if len(items) > MOST else ""
    return ", ".join(items[:MOST]) + more
