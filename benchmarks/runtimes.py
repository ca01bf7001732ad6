"""Compare all runtimes and precisions of one tracker: agreement with torch in tensors and in tracking, and CPU time.

    python benchmarks/runtimes.py --tracker lighttrack-m --weights FILE

All runtimes alternate in one process with one thread, so the ratios are also valid on a busy machine. The script takes
some minutes, most of them for exports and calibration, which are cached.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evalkit import factories, registry
from evalkit.cost import latency
from evalkit.cost.agreement import Agreement, compare_tracking
from evalkit.cost.latency import Rules, Timing
from evalkit.cost.staged_tracker import StagedTracker, Video
from evalkit.errors import EvalkitError
from evalkit.runtimes import parity
from evalkit.types import SplitTracker

BASE = ("torch", "fp32")
EMULATED = {
    (name, precision) for name in ("torch", "torch-channels-last", "torch-compile") for precision in ("bf16", "fp16")
}
"""Left out unless requested: much slower than fp32 if the processor has no instructions for them."""

COLUMNS = ("runtime", "precision", "tensors", "overlap", "AUC", "AUC lost", "CPU ms", "of reference", "torch / this")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracker", default="lighttrack-m")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument(
        "--sequences", type=int, default=8, help="number of rendered sequences for comparing the tracking"
    )
    parser.add_argument("--only", nargs="*", help="runtime/precision pairs; default: all that work on this machine")
    options = parser.parse_args()
    torch = build(options, *BASE)
    trackers = {
        pair: tracker for pair in choose_pairs(options.only) if (tracker := try_build(options, pair)) is not None
    }
    differences = largest_differences(torch, list(trackers.values()))
    agreements = compare_tracking(list(trackers.values()), torch, sequences=options.sequences)
    print(f"{agreements[0].frames} frames tracked with each", file=sys.stderr)
    timings, own = time_networks(trackers, options.queries)
    print(f"| {' | '.join(COLUMNS)} |\n|---|---{'|--:' * (len(COLUMNS) - 2)}|")
    for pair, difference, agreement in zip(trackers, differences, agreements, strict=True):
        print(table_row(pair, difference, agreement, timings[pair], own, timings.get(BASE)))


def choose_pairs(only: Sequence[str] | None) -> list[tuple[str, str]]:
    """Return pairs of runtime and precision, with torch in fp32 first."""
    if only:
        chosen = [(name, precision) for name, _, precision in (pair.partition("/") for pair in only)]
    else:
        chosen = [
            (one.name, precision)
            for one in registry.runtime.entries()
            if one.available and "cpu" in one.devices
            for precision in one.precisions_on("cpu")
            if (one.name, precision) not in EMULATED
        ]
    return [BASE, *(pair for pair in chosen if pair != BASE)]


def build(options: argparse.Namespace, runtime: str, precision: str) -> SplitTracker:
    """Build the tracker in a runtime, on one thread of the CPU."""
    tracker = factories.create_tracker(
        options.tracker, weights=options.weights, runtime=runtime, precision=precision, device="cpu", threads=1,
        settings={}, seed=0,
    )  # fmt: skip
    if not isinstance(tracker, SplitTracker):
        sys.exit(f"{options.tracker} has no network")
    return tracker


def try_build(options: argparse.Namespace, pair: tuple[str, str]) -> SplitTracker | None:
    """Build the tracker in a runtime; print the error and return None if that fails."""
    try:
        tracker = build(options, *pair)
    except EvalkitError as error:
        print(f"{' '.join(pair)}: {error}", file=sys.stderr)
        return None
    print(f"{' '.join(pair)}: ready", file=sys.stderr)
    return tracker


def largest_differences(torch: SplitTracker, trackers: Sequence[SplitTracker]) -> list[float]:
    """Return for each tracker the largest difference of any output from torch's, relative to the largest value."""
    inputs = StagedTracker(torch.sibling(), Video()).network_inputs(4)
    expected = parity.reference(torch.parts()[0])
    return [max(parity.largest_differences(tracker.network, expected, inputs)) for tracker in trackers]


def time_networks(
    trackers: dict[tuple[str, str], SplitTracker], queries: int
) -> tuple[dict[tuple[str, str], Timing], Timing]:
    """Return the times of each network and of the reference workload."""
    video = Video()
    walks = {"/".join(pair): StagedTracker(tracker, video) for pair, tracker in trackers.items()}
    timings, own = latency.time_alternately(walks, Rules("benchmark", warmup=3, queries=queries, seconds=0.0))
    return {pair: timings["/".join(pair)]["network"] for pair in trackers}, own


def table_row(
    pair: tuple[str, str], difference: float, agreement: Agreement, timing: Timing, own: Timing, base: Timing | None
) -> str:
    """Return one row of the table; ``torch / this`` is the median over alternating queries."""
    speed = f"{np.median(base.cpu / timing.cpu):.2f}" if base is not None else ""
    cells = (
        *pair, f"{difference:.1e}", f"{agreement.overlap:.4f}", f"{agreement.auc:.4f}", f"{agreement.loss:+.4f}",
        f"{np.median(timing.cpu) * 1e3:.1f}", f"{np.median(timing.cpu / own.cpu):.2f}", speed,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
