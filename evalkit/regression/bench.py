"""The benchmarks of a suite, with what the suite left open filled in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalkit import protocols
from evalkit.errors import EvalkitError, suggestion
from evalkit.factories import open_dataset
from evalkit.metrics import profiles
from evalkit.regression.suite import Benchmark
from evalkit.types import Dataset

LEADING = ("eao", "ao", "auc", "f_score")
"""The metric a benchmark is known by, the first of these that its profile has."""
MARGIN = 0.005
"""Of the leading metric where a suite names none."""


@dataclass(frozen=True)
class Bench:
    """A benchmark of a suite with what the suite left open filled in.

    Attributes:
        sequences: Names of those that are asked for and at hand.
        margins: The suite's, by metric; None where it names none.
        data: What the dataset was opened with.
    """

    dataset: Dataset
    sequences: tuple[str, ...]
    protocol: str
    profile: str
    margins: Mapping[str, float] | None
    data: Path | None

    def margins_of(self, available: Collection[str]) -> dict[str, float]:
        """Margin by metric: the suite's as far as these metrics go, or that of the leading one."""
        if self.margins is None:
            leading = next((name for name in LEADING if name in available), None)
            return {} if leading is None else {leading: MARGIN}
        return {name: margin for name, margin in self.margins.items() if name in available}


def open_benchmark(benchmark: Benchmark, margins: Mapping[str, float] | None, data: Path | None) -> Bench:
    """The dataset and the sequences that are at hand; what is missing shows against the baseline.

    Raises:
        EvalkitError: The dataset cannot be opened, or a sequence that the suite names is not there.
    """
    root = data or benchmark.data
    dataset = open_dataset(benchmark.name, root)
    present = [sequence.name for sequence in dataset.sequences]
    strangers = [name for name in benchmark.sequences or () if name not in present]
    if strangers:
        raise EvalkitError(
            "this sequence is not there",
            where=f"{dataset.name}/{strangers[0]}",
            found=", ".join(present[:8]),
            hint=suggestion(strangers[0], present),
        )
    protocol = protocols.choose(dataset, benchmark.protocol)
    return Bench(
        dataset=dataset,
        sequences=tuple(name for name in present if benchmark.sequences is None or name in benchmark.sequences),
        protocol=protocol,
        profile=benchmark.profile or profiles.official(dataset, protocol),
        margins=margins,
        data=root,
    )


def check_margins(benches: Sequence[Bench]) -> None:
    """Refuse accuracy gates that would never apply.

    Raises:
        EvalkitError: No benchmark of the suite has that metric, or a benchmark has none of the suite's metrics.
    """
    available = {
        bench.dataset.name: [metric.name for metric in profiles.find(bench.profile).metrics] for bench in benches
    }
    everywhere = {name for names in available.values() for name in names}
    asked = dict(benches[0].margins or {})
    unknown = [name for name in asked if name not in everywhere]
    idle = [name for name, names in available.items() if asked and not set(asked) & set(names)]
    if unknown or idle:
        raise EvalkitError(
            f"no benchmark of this suite has {unknown[0]!r}" if unknown else f"none of them applies to {idle[0]}",
            where="[gates] accuracy", found=", ".join(asked),
            expected=f"some of {', '.join(sorted(everywhere if unknown else available[idle[0]]))}",
        )  # fmt: skip
