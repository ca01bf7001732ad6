"""How well `evalkit profile` repeats while every core is busy with something else.

    python benchmarks/repeat.py --tracker lighttrack-m --runtime torch --runtime onnxruntime --load memory

One program a core multiplies matrices, or copies memory, while the same profile is taken several times, each in a
process of its own. It prints the CPU-time ratios of every run and by how much the largest exceeds the smallest, and how
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
    parser.add_argument("--runtime", action="append", help="torch and onnxruntime by default")
    parser.add_argument("--load", choices=LOADS, default="products")
    parser.add_argument("--runs", type=int, default=2)
    options = parser.parse_args()
    runtimes = options.runtime or ["torch", "onnxruntime"]
    with busy(LOADS[options.load]):
        runs = [profile(options.tracker, runtimes) for _ in range(options.runs)]
    for record in runs[0]:
        if record["quantity"] in COMPARED:
            values = [value(run, record) for run in runs]
            spread = max(values) / min(values) - 1.0
            circumstances = f"{record['runtime']:20} {record['quantity']:12} {record['convention']:11}"
            print(circumstances, *(f"{one:8.3f}" for one in values), f"{spread:6.1%}")
    wall = [record["not_counted"] for run in runs for record in run if record["quantity"] in WALL]
    invalid = sum(any(note.startswith("invalid") for note in notes) for notes in wall)
    print(f"{invalid} of {len(wall)} wall-clock numbers are marked invalid")


def profile(tracker: str, runtimes: Sequence[str]) -> list[dict[str, Any]]:
    asked = [word for name in runtimes for word in ("--runtime", name)]
    command = [sys.executable, "-m", "evalkit", "profile", "--tracker", tracker, *asked, "--format", "json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    records: list[dict[str, Any]] = json.loads(done.stdout)["records"]
    return records


def value(run: Sequence[dict[str, Any]], like: dict[str, Any]) -> float:
    """Of the same quantity in another run."""
    same = ("runtime", "quantity", "convention")
    return float(next(one["value"] for one in run if all(one[key] == like[key] for key in same)))


@contextmanager
def busy(work: str) -> Iterator[None]:
    """A program for every core, in one thread each."""
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
