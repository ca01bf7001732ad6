"""Measure the repeatability of `evalkit profile` while every core is busy with other work.

    python benchmarks/repeat.py --tracker lighttrack-m --runtime torch --runtime onnxruntime --load memory

One program per core multiplies matrices, or copies memory, while the same profile is repeated several times, each in a
separate process. The script prints the CPU-time ratios of every run, how far the largest exceeds the smallest, and how
many of the wall-clock numbers were marked invalid, which should be all.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

LOADS = {
    "none": "",
    "products": "a = np.ones((600, 600), np.float32)\nwhile True: a @ a",
    "memory": "a = np.ones(1 << 24, np.float32); b = a.copy()\nwhile True: np.copyto(b, a)",
}
COMPARED = ("cpu_ratio", "cpu_speedup")
WALL = ("latency_p50", "latency_p90", "latency_p99", "fps")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracker", default="lighttrack-m")
    parser.add_argument("--runtime", action="append", help="repeatable; default: torch and onnxruntime")
    parser.add_argument("--load", choices=LOADS, default="products")
    parser.add_argument("--runs", type=int, default=2)
    options = parser.parse_args()
    runtimes = options.runtime or ["torch", "onnxruntime"]
    with background_load(LOADS[options.load]):
        runs = [run_profile(options.tracker, runtimes) for _ in range(options.runs)]
    for record in runs[0]:
        if record["quantity"] in COMPARED:
            values = [same_quantity(run, record) for run in runs]
            spread = max(values) / min(values) - 1.0
            label = f"{record['runtime']:20} {record['quantity']:12} {record['convention']:11}"
            print(label, *(f"{one:8.3f}" for one in values), f"{spread:6.1%}")
    wall = [record["not_counted"] for run in runs for record in run if record["quantity"] in WALL]
    invalid = sum(any(note.startswith("invalid") for note in notes) for notes in wall)
    print(f"{invalid} of {len(wall)} wall-clock numbers are marked invalid")


def run_profile(tracker: str, runtimes: Sequence[str]) -> list[dict[str, Any]]:
    """Run `evalkit profile` in a new process and return its records."""
    asked = [word for name in runtimes for word in ("--runtime", name)]
    command = [sys.executable, "-m", "evalkit", "profile", "--tracker", tracker, *asked, "--format", "json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    records: list[dict[str, Any]] = json.loads(done.stdout)["records"]
    return records


def same_quantity(run: Sequence[dict[str, Any]], like: dict[str, Any]) -> float:
    """Return the value of the same quantity in another run."""
    keys = ("runtime", "quantity", "convention")
    return float(next(one["value"] for one in run if all(one[key] == like[key] for key in keys)))


@contextmanager
def background_load(work: str) -> Iterator[None]:
    """Run one single-threaded program per core; none if ``work`` is empty."""
    count = (os.cpu_count() or 1) if work else 0
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", f"import numpy as np\n{work}"]
    others = [subprocess.Popen(command, env=alone) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


if __name__ == "__main__":
    main()
