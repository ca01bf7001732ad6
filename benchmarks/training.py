"""Steps per second of training LightTrack-Mobile, and the share of a step that goes into making pairs.

    python benchmarks/training.py [--device cuda:0] [--size 160] [--batch 16] [--steps 5] [--workers 2]

Figures are CPU seconds of one worker on a CPU, so that a busy machine does not change them, and wall seconds elsewhere.
"""

from __future__ import annotations

import argparse
import time

import torch

from evalkit.trackers._lighttrack.path import MOBILE
from evalkit.trackers._lighttrack.training.bank import rendered
from evalkit.trackers._lighttrack.training.loop import Training
from evalkit.trackers._lighttrack.training.plan import Plan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(1)
    workers = given.workers if given.device == "cpu" else 1
    plan = Plan(MOBILE, batch=given.batch, sizes=(given.size,), workers=workers)
    training = Training(plan, rendered(1, grounds=16, things=64).to(torch.device(given.device)))
    training.advance()
    start = time.monotonic()
    rows = [training.advance() for _ in range(given.steps)]
    wall = (time.monotonic() - start) / given.steps
    pairs, network = (sum(row[name] for row in rows) / given.steps for name in ("pairs_seconds", "network_seconds"))
    share = given.batch // workers
    print(f"{given.device}, {workers} workers, batch {given.batch}, search {given.size}")
    print(f"  a pair      {pairs / share * 1e3:7.1f} ms made, {network / share * 1e3:7.1f} ms through the network")
    print(f"  made        {pairs / (pairs + network):7.1%} of a step")
    print(
        f"  steps       {1 / wall:7.2f} a second, {given.batch / wall:.1f} pairs a second (wall, on this machine now)"
    )


if __name__ == "__main__":
    main()
