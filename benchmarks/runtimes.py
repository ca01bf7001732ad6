"""One tracker under every runtime and precision: agreement with torch in tensors and in tracking, and CPU time.

    python benchmarks/runtimes.py --tracker lighttrack-m --weights FILE > runtimes.md

All are measured in turn in one process, with one thread; the quotients hold on a busy machine too.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from evalkit import registry, runtimes
from evalkit.cost import latency
from evalkit.cost.agreement import Agreement, tracking
from evalkit.cost.latency import Rules, Timing
from evalkit.cost.stages import Video, Walk
from evalkit.errors import EvalkitError
from evalkit.runtimes import parity
from evalkit.runtimes._torch import reference
from evalkit.types import SplitTracker

SLOW = {("torch", "bf16"), ("torch", "fp16"), ("torch-channels-last", "bf16"), ("torch-channels-last", "fp16")}
"""Combinations that this processor only imitates."""


@dataclass
class Row:
    runtime: str
    precision: str
    tracker: SplitTracker
    difference: float
    agreement: Agreement


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracker", default="lighttrack-m")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--only", nargs="*", help="runtime/precision pairs; all that work here by default")
    options = parser.parse_args()
    torch = build(options, "torch", "fp32")
    rows = [row for row in (prepare(options, *pair, torch) for pair in pairs(options.only)) if row is not None]
    video = Video()
    walks = {f"{row.runtime} {row.precision}": Walk(row.tracker, video) for row in rows}
    timings, own = latency.measure(walks, Rules("benchmark", warmup=3, queries=options.queries, seconds=0.0))
    show(rows, {name: stages["network"] for name, stages in timings.items()}, own)


def pairs(only: list[str] | None) -> list[tuple[str, str]]:
    if only:
        return [(name, precision) for name, _, precision in (pair.partition("/") for pair in only)]
    return [
        (one.name, precision)
        for one in runtimes.listing()
        if one.available and "cpu" in one.devices
        for precision in one.precisions
        if (one.name, precision) not in SLOW
    ]


def build(options: argparse.Namespace, runtime: str, precision: str) -> SplitTracker:
    tracker = registry.create_tracker(
        options.tracker, weights=options.weights, runtime=runtime, precision=precision, device="cpu", threads=1,
        settings={}, seed=0,
    )  # fmt: skip
    if not isinstance(tracker, SplitTracker):
        sys.exit(f"{options.tracker} has no network")
    return tracker


def prepare(options: argparse.Namespace, runtime: str, precision: str, torch: SplitTracker) -> Row | None:
    try:
        tracker = build(options, runtime, precision)
    except EvalkitError as error:
        print(f"{runtime} {precision}: {error}", file=sys.stderr)
        return None
    part = torch.parts()[0]
    walk = Walk(torch.sibling(), Video())
    difference = max(parity.compare(tracker.network, reference(part), walk.inputs(4)))
    print(f"{runtime} {precision}: ready", file=sys.stderr)
    return Row(runtime, precision, tracker, difference, tracking(tracker, torch))


def show(rows: list[Row], timings: dict[str, Timing], own: Timing) -> None:
    eager = timings.get("torch fp32")
    print(
        "| runtime | precision | tensors | overlap with torch | AUC | AUC lost | CPU ms | CPU/reference | torch/CPU |"
    )
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|")
    for row in rows:
        timing, found = timings[f"{row.runtime} {row.precision}"], row.agreement
        speed = f"{eager.work / timing.work:.2f}" if eager else ""
        print(
            f"| {row.runtime} | {row.precision} | {row.difference:.1e} | {found.overlap:.4f} | {found.auc:.4f} | "
            f"{found.loss:+.4f} | {timing.work * 1e3:.2f} | {timing.work / own.work:.3f} | {speed} |"
        )


if __name__ == "__main__":
    main()
