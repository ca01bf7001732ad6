"""Measure training steps per second of LightTrack-Mobile, and the fraction of a step spent on generating pairs.

    python benchmarks/training.py [--device cuda:0] [--size 160] [--batch 16] [--steps 5]
                                  [--precision fp32] [--workers 2]

On a CPU the times are CPU seconds of one worker, which other load does not change; on other devices they are wall
seconds.
"""

from __future__ import annotations

import argparse
import time

import torch

from evalkit.trackers._lighttrack.architecture import MOBILE
from evalkit.trackers._lighttrack.training.plan import TrainingPlan
from evalkit.trackers._lighttrack.training.step import PRECISIONS, fetch_rows
from evalkit.trackers._lighttrack.training.subnet_training import Training
from evalkit.trackers._lighttrack.training.tile_bank import render_tiles


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--precision", default="fp32", choices=PRECISIONS)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(1)
    workers = given.workers if given.device == "cpu" else 1
    plan = TrainingPlan(MOBILE, batch=given.batch, sizes=(given.size,), workers=workers, precision=given.precision)
    training = Training(plan, render_tiles(1, backgrounds=16, objects=64).to(torch.device(given.device)))
    fetch_rows([training.run_step() for _ in range(1 if given.device == "cpu" else 6)])
    start = time.monotonic()
    rows = fetch_rows([training.run_step() for _ in range(given.steps)])
    wall = (time.monotonic() - start) / given.steps
    pairs, network = (sum(row[name] for row in rows) / given.steps for name in ("pairs_seconds", "network_seconds"))
    share = given.batch // workers
    print(f"{given.device}, {workers} workers, batch {given.batch}, search {given.size}")
    print(f"  per pair    {pairs / share * 1e3:7.1f} ms generation, {network / share * 1e3:7.1f} ms network")
    print(f"  generation  {pairs / (pairs + network):7.1%} of a step")
    print(f"  steps       {1 / wall:7.2f} per second, {given.batch / wall:.1f} pairs per second (wall-clock time)")


if __name__ == "__main__":
    main()
