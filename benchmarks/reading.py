"""Compare reading of annotations and results with ``numpy.loadtxt``, and time opening a benchmark, in CPU time.

python benchmarks/reading.py --data /data/LaSOT_toolkit --dataset lasot
"""

from __future__ import annotations

import argparse
import io
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np

from evalkit.factories import open_dataset
from evalkit.io.rows import format_rows, parse_rows


def cpu_seconds(action: Callable[[], object], *, times: int = 3) -> float:
    """Return the CPU seconds of the fastest of several calls."""
    found = []
    for _ in range(times):
        start = time.process_time()
        action()
        found.append(time.process_time() - start)
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--dataset", default="lasot")
    options = parser.parse_args()

    tracemalloc.start()
    dataset = open_dataset(options.dataset, options.data)
    memory = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    opening = cpu_seconds(lambda: open_dataset(options.dataset, options.data))
    print(f"opening {len(dataset.sequences)} sequences: {opening:.3f} s, {memory / 2**20:.1f} MiB")

    rows = [sequence.groundtruth for sequence in dataset.sequences]
    count = sum(map(len, rows))
    rng = np.random.default_rng(0)
    for name, shift in (("integers", 0.0), ("four digits", 0.1234), ("full floats", 1 / 3)):
        files = [format_rows(np.nan_to_num(part) + shift * rng.integers(1, 9)).encode() for part in rows]
        own = cpu_seconds(lambda files=files: [parse_rows(data) for data in files])  # type: ignore[misc]
        loadtxt = cpu_seconds(lambda files=files: [np.loadtxt(io.BytesIO(data), delimiter=",") for data in files])  # type: ignore[misc]
        print(f"{count} rows of {name}: {own:.3f} s, numpy.loadtxt {loadtxt:.3f} s, ratio {own / loadtxt:.2f}")


if __name__ == "__main__":
    main()
