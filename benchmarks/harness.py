"""Measure the overhead of evalkit: CPU time per frame outside crop, network and locate.

    python benchmarks/harness.py --data /data/OTB --dataset otb100 --sequences Couple

The overhead is the CPU time of a whole evaluation, from frames to result files, minus the tracker's own CPU time: once
with images decoded beforehand, which gives the overhead of the evaluation loop, and once from the image files, which
gives the additional cost of decoding. Decoding runs ahead in a thread and is never part of the recorded times; a reader
that sleeps demonstrates this.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.engine.threads import pin_threads
from evalkit.engine.work import Job, Unit, Worker, store_answer
from evalkit.factories import open_dataset
from evalkit.types import Dataset, Execution, Frames, Image, Prediction, Region, Sequence, Tracker

SLEEP = 0.02
"""Seconds that ``SlowFrames`` needs for a frame."""


class MeteredTracker:
    """A tracker that sums its own CPU seconds."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.seconds = 0.0

    def initialize(self, image: Image, region: Region) -> None:
        start = time.thread_time()
        self.tracker.initialize(image, region)
        self.seconds += time.thread_time() - start

    def update(self, image: Image) -> Prediction:
        start = time.thread_time()
        prediction = self.tracker.update(image)
        self.seconds += time.thread_time() - start
        return prediction


@dataclass
class Decoded:
    """Decoded frames in memory."""

    images: list[Image]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int, /) -> Image:
        return self.images[index]


@dataclass
class SlowFrames(Decoded):
    """Frames that take wall-clock time but no CPU time to read."""

    def __getitem__(self, index: int, /) -> Image:
        time.sleep(SLEEP)
        return self.images[index]


def measure_sequence(worker: Worker, sequence: Sequence, frames: Frames) -> tuple[float, float, NDArray[np.float64]]:
    """Return the CPU seconds of evaluating one sequence, those inside the tracker, and the recorded times."""
    dataset: Dataset = replace(worker.dataset, sequences=(replace(sequence, frames=frames),))
    local = Worker(worker.job, dataset=dataset)
    tracker = MeteredTracker(worker.tracker)
    start = time.process_time()
    answer = local.track(Unit(worker.job, sequence.name), tracker)
    store_answer(local.store, answer)
    total = time.process_time() - start
    if answer.error:
        raise SystemExit(answer.error)
    return total, tracker.seconds, answer.trajectories[0].seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="synthetic")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--tracker", default="lighttrack-m")
    parser.add_argument("--runtime", default="torch")
    parser.add_argument("--sequences", help="comma-separated; default: the first three available")
    options = parser.parse_args()
    dataset = open_dataset(options.dataset, options.data)
    wanted = options.sequences.split(",") if options.sequences else [one.name for one in dataset.sequences[:3]]
    with tempfile.TemporaryDirectory() as folder:
        job = Job(
            tracker=options.tracker, label="measured", dataset=options.dataset, results=Path(folder),
            protocol="one_pass", data=options.data, weights=options.weights, execution=Execution(options.runtime),
        )  # fmt: skip
        worker = Worker(job)
        pin_threads(1)
        for name in wanted:
            print_overhead(worker, dataset.sequence(name))


def print_overhead(worker: Worker, sequence: Sequence) -> None:
    if sequence.frames is None:
        raise SystemExit(f"{sequence.name} has no frames")
    count = len(sequence)
    decoded = Decoded([sequence.frames[index] for index in range(count)])
    measure_sequence(worker, sequence, decoded)
    whole, inside, _ = measure_sequence(worker, sequence, sequence.frames)
    total, tracker, seconds = measure_sequence(worker, sequence, decoded)
    _, _, slept = measure_sequence(worker, sequence, SlowFrames(decoded.images))
    own, decoding = total - tracker, (whole - inside) - (total - tracker)
    slow, usual = 1e3 * np.median(slept), 1e3 * np.median(seconds)
    print(
        f"{sequence.name}: overhead {1e3 * own / count:.3f} ms per frame, tracker {1e3 * tracker / count:.2f} ms = "
        f"{100 * own / tracker:.1f} %; decoding {1e3 * decoding / count:.2f} ms in addition; "
        f"recorded median {usual:.2f} ms, with frames that take {1e3 * SLEEP:.0f} ms to read {slow:.2f} ms",
        flush=True,
    )


if __name__ == "__main__":
    main()
