"""The datasets of a suite, opened, with defaults in place of what the suite leaves out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalkit import protocols
from evalkit.errors import EvalkitError
from evalkit.factories import open_dataset
from evalkit.metrics import profiles
from evalkit.metrics.leading import leading
from evalkit.regression.suite import SuiteDataset
from evalkit.types import Dataset

DEFAULT_MARGIN = 0.005
"""Allowed loss of the leading metric, in its unit, where a suite names no metric."""


@dataclass(frozen=True)
class ResolvedDataset:
    """A dataset of a suite with defaults in place of what the suite leaves out.

    Attributes:
        name: The dataset's name in the suite, which worker processes open it by.
        sequences: Names of the sequences to run, those of the suite that are on disk, in the dataset's order.
        margins: Allowed loss by metric, from the suite; None where the suite names no metric.
        data: Folder that the dataset was opened from; None for the configured one.
        protocol_source: The protocol as ``path/to/file.py:function`` where the suite names a file, for other processes.
    """

    name: str
    dataset: Dataset
    sequences: tuple[str, ...]
    protocol: str
    profile: str
    margins: Mapping[str, float] | None
    data: Path | None
    protocol_source: str | None = None

    @property
    def gates_accuracy(self) -> bool:
        """Whether there is a gate on accuracy, which needs groundtruth."""
        return self.margins is None or bool(self.margins)

    def margins_of(self, available: Collection[str]) -> dict[str, float]:
        """Return the gated metrics among those available, with the allowed loss of each."""
        if self.margins is None:
            metric = leading(available)
            return {} if metric is None else {metric: DEFAULT_MARGIN}
        return {name: margin for name, margin in self.margins.items() if name in available}


def resolve_dataset(entry: SuiteDataset, margins: Mapping[str, float] | None, data: Path | None) -> ResolvedDataset:
    """Open a dataset of a suite.

    A sequence of the dataset that is not on disk is no error here: the comparison with the baseline reports it.

    Args:
        margins: Allowed loss by metric, from the suite.
        data: Folder of the benchmarks, in place of the suite's.

    Raises:
        EvalkitError: The dataset cannot be opened, or a sequence that the suite names is not on disk.
    """
    root = data or entry.data
    dataset = open_dataset(entry.name, root)
    protocol = protocols.choose(dataset, entry.protocol)
    return ResolvedDataset(
        name=entry.name,
        dataset=dataset,
        sequences=_sequences(dataset, entry.sequences),
        protocol=protocol,
        profile=entry.profile or profiles.official(dataset, protocol),
        margins=margins,
        data=root,
        protocol_source=protocols.source_of(entry.protocol),
    )


def _sequences(dataset: Dataset, asked: Sequence[str] | None) -> tuple[str, ...]:
    chosen = None if asked is None else {dataset.find(name).name for name in asked}
    return tuple(one.name for one in dataset.sequences if chosen is None or one.name in chosen)


def check_margins(datasets: Sequence[ResolvedDataset]) -> None:
    """Reject gates on accuracy that would never apply.

    Raises:
        EvalkitError: No dataset of the suite has that metric, or a dataset has none of the suite's metrics.
    """
    asked = dict(datasets[0].margins or {})
    if not asked:
        return
    available = {one.dataset.name: [metric.name for metric in profiles.find(one.profile).metrics] for one in datasets}
    everywhere = {name for names in available.values() for name in names}
    for metric in asked:
        if metric not in everywhere:
            raise _useless_gate(f"no dataset of this suite has the metric {metric!r}", asked, everywhere)
    for name, names in available.items():
        if not set(asked) & set(names):
            raise _useless_gate(f"none of these metrics exists for {name}", asked, names)


def _useless_gate(what: str, asked: Collection[str], available: Collection[str]) -> EvalkitError:
    return EvalkitError(
        what, where="[gates] accuracy", found=", ".join(asked), expected=f"some of {', '.join(sorted(available))}"
    )
