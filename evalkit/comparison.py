"""What result folders say about several trackers on several benchmarks: the content of every report.

Needs result files and annotations; neither frames nor torch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evalkit import registry
from evalkit.engine.work import open_dataset
from evalkit.errors import EvalkitError
from evalkit.metrics import profiles as metric_profiles
from evalkit.registry import Entry
from evalkit.results import manifest
from evalkit.results.store import Store, labels
from evalkit.types import Cost, Dataset, Score, Trajectory

Key: TypeAlias = tuple[str, str]
"""Name of a dataset, label of a tracker."""

Runs: TypeAlias = Mapping[str, list[Trajectory]]
"""By sequence name; repetitions, or the runs from each anchor."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Trackers beside one another, as far as their results go.

    Attributes:
        trackers: Labels, in the order asked for; also those that have no results.
        scores: Of every tracker on every benchmark it has results for, attributes included.
        runs: The trajectories the scores were computed from.
        cards: What ``run.json`` says; results without one are somebody else's and have no entry.
        notices: What was found, and what was skipped and why, one sentence each.
        replay: Names of sequences to show frame by frame.
        names: The tracker that a label stands for, where the label does not say it.
    """

    trackers: tuple[str, ...]
    datasets: tuple[Dataset, ...] = ()
    scores: tuple[Score, ...] = ()
    costs: tuple[Cost, ...] = ()
    runs: Mapping[Key, Runs] = field(default_factory=dict)
    cards: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    replay: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def dataset(self, name: str) -> Dataset | None:
        return next((one for one in self.datasets if one.name == name), None)


def form_of(output: Path) -> Entry:
    """The registered report that writes files of this suffix.

    Raises:
        EvalkitError: There is none.
    """
    forms = {entry.facts["suffix"]: entry for entry in registry.report.entries() if "suffix" in entry.facts}
    if output.suffix.lower() not in forms:
        raise EvalkitError("no report has this form", where=f"--output {output}", expected=", ".join(sorted(forms)))
    return forms[output.suffix.lower()]


def gather(
    trackers: Sequence[str] | None,
    datasets: Sequence[str],
    *,
    data: Path | None = None,
    results: Path = Path("results"),
    profiles: Sequence[str] | None = None,
    costs: Iterable[Path] = (),
    allow_partial: bool = False,
    replay: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
) -> Comparison:
    """Read, score and time everything there is.

    Args:
        trackers: Labels; all that have results for one of the benchmarks by default.
        profiles: Metric profiles; each benchmark's own by default.
        costs: JSON files that ``evalkit profile --format json`` wrote.
        allow_partial: Also score trackers that miss some sequences.

    Raises:
        EvalkitError: A benchmark or result file is damaged, results are incomplete, or there is nothing at all.
    """
    opened = [open_dataset(name, data) for name in datasets]
    wanted = tuple(dict.fromkeys(trackers or _all_labels(results, opened)))
    scores: list[Score] = []
    runs: dict[Key, Runs] = {}
    cards: dict[Key, Mapping[str, Any]] = {}
    notices: list[str] = []
    for dataset in opened:
        for label in wanted:
            store = Store(results, dataset, label, dataset.protocols[0])
            found = read_runs(store, allow_partial=allow_partial)
            notices.append(_notice(store, found))
            if not found:
                continue
            runs[dataset.name, label] = found
            card = manifest.load(store.folder)
            if card is not None:
                cards[dataset.name, label] = card
            scores += score_runs(store, found, profiles)
    measured = [cost for key, found in runs.items() for cost in timing(key[1], found, cards.get(key))]
    stored = [cost for path in costs for cost in read_costs(path)]
    return Comparison(
        trackers=wanted,
        datasets=tuple(opened),
        scores=tuple(scores),
        costs=(*stored, *measured),
        runs=runs,
        cards=cards,
        notices=tuple(notices),
        replay=tuple(replay),
        names=dict(names or {}),
    )


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


def score_runs(store: Store, runs: Mapping[str, list[Trajectory]], profiles: Sequence[str] | None) -> list[Score]:
    """Scores by the asked profiles that apply, attributes included; a metric that two profiles give stays twice."""
    dataset = store.dataset
    chosen = [name for name in profiles or dataset.profiles[:1] if name in dataset.profiles]
    return [
        score
        for name in chosen
        for score in metric_profiles.score(name, dataset, store.label, store.protocol, runs, attributes=True)
    ]


def _notice(store: Store, runs: Runs) -> str:
    where = f"{store.dataset.name}: {store.label}"
    if not runs:
        return f"{where} skipped, there are no results in {store.folder.name}"
    expected = len(store.dataset.expected)
    origin = "with run.json" if (store.folder / manifest.FILE).is_file() else "imported, without run.json"
    count = f"all {expected} sequences" if len(runs) == expected else f"{len(runs)} of {expected} sequences"
    return f"{where} found, {count}, {origin}"


def timing(tracker: str, runs: Runs, card: Mapping[str, Any] | None) -> list[Cost]:
    """Frames per second and percentiles of the seconds per frame, from the times stored beside the boxes.

    The first frame of a run initialises and is counted apart: ``initialize_p50`` against ``latency_p50``.
    """
    seconds = [run.seconds for trajectories in runs.values() for run in trajectories]
    every = _finite(np.concatenate(seconds)) if seconds else np.empty(0)
    if every.size == 0 or every.sum() <= 0:
        return []
    update = _finite(np.concatenate([one[1:] for one in seconds]))
    first = _finite(np.array([one[0] for one in seconds if one.size]))
    values = {"fps": (every.size / float(every.sum()), "1/s")}
    if update.size:
        for percent in (50, 90, 99):
            values[f"latency_p{percent}"] = (float(np.percentile(update, percent)) * 1e3, "ms")
    if first.size:
        values["initialize_p50"] = (float(np.median(first)) * 1e3, "ms")
    return [
        Cost(tracker=tracker, quantity=name, convention="tracking", value=value, unit=unit, **_circumstances(card))
        for name, (value, unit) in values.items()
    ]


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    finite: NDArray[np.float64] = values[np.isfinite(values)]
    return finite


def _circumstances(card: Mapping[str, Any] | None) -> dict[str, Any]:
    """Runtime, precision, device and threads that a run was timed with; the processor's name where it is known."""
    if card is None:
        return {"runtime": "unknown", "precision": "unknown", "device": "unknown", "threads": 0}
    identity = card["identity"]
    environments = card.get("environments") or [{}]
    named = environments[0].get("gpu" if str(identity["device"]).startswith("cuda") else "processor")
    return {
        "runtime": identity["runtime"],
        "precision": identity["precision"],
        "device": named or identity["device"],
        "threads": identity["threads"],
    }


def read_costs(path: Path) -> list[Cost]:
    """Costs from the JSON that ``evalkit profile`` prints.

    Raises:
        EvalkitError: The file is missing, or it is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        records = content["records"]
        return [_cost(record) for record in records if "quantity" in record]
    except OSError as error:
        raise EvalkitError(f"this file cannot be read: {error.strerror}", where=path) from error
    except (ValueError, KeyError, TypeError) as error:
        raise EvalkitError(
            "these are no costs", where=path, found=f"{type(error).__name__}: {error}",
            hint="Write them with `evalkit profile --tracker NAME --format json > FILE`",
        ) from error  # fmt: skip


def _cost(record: Mapping[str, Any]) -> Cost:
    value = record["value"]
    return Cost(
        tracker=str(record["tracker"]),
        quantity=str(record["quantity"]),
        convention=str(record["convention"]),
        value=None if value is None or not math.isfinite(value) else float(value),
        unit=str(record["unit"]),
        input=str(record.get("input", "")),
        runtime=str(record.get("runtime", "torch")),
        precision=str(record.get("precision", "fp32")),
        device=str(record.get("device", "cpu")),
        threads=int(record.get("threads", 1)),
        not_counted=tuple(map(str, record.get("not_counted", ()))),
    )
