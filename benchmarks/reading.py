"""Reading annotations and results against ``numpy.loadtxt``, and opening a benchmark; CPU time, as ratios.

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


def seconds(action: Callable[[], object], *, times: int = 3) -> float:
    """CPU seconds of the fastest of several tries."""
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
    opening = seconds(lambda: open_dataset(options.dataset, options.data))
    print(f"opening {len(dataset.sequences)} sequences: {opening:.3f} s, {memory / 2**20:.1f} MiB")

    rows = [sequence.groundtruth for sequence in dataset.sequences]
    count = sum(map(len, rows))
    rng = np.random.default_rng(0)
    for name, shift in (("integers", 0.0), ("four digits", 0.1234), ("full floats", 1 / 3)):
        files = [format_rows(np.nan_to_num(part) + shift * rng.integers(1, 9)).encode() for part in rows]
        ours = seconds(lambda files=files: [parse_rows(data) for data in files])  # type: ignore[misc]
        numpys = seconds(lambda files=files: [np.loadtxt(io.BytesIO(data), delimiter=",") for data in files])  # type: ignore[misc]
        print(f"{count} rows of {name}: {ours:.3f} s, numpy.loadtxt {numpys:.3f} s, ratio {ours / numpys:.2f}")


if __name__ == "__main__":
    main()
