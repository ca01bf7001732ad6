"""Compare frames per CPU second of evalkit's LightTrack on a fast runtime with eager PyTorch.

    python benchmarks/throughput.py --data /data/OTB --dataset otb100 --sequences Couple,Crossing

Three loops alternate frame by frame, in one process on one thread, on frames decoded beforehand, so that other load
affects all of them equally: the *plain* loop, which represents the authors' code (``plain_loop.py``), evalkit's loop in
*eager* PyTorch, and evalkit's loop on the runtime. The times include crop, network and locate, but no decoding.

``--plain-threads 0`` lets PyTorch choose the threads of the plain loop, one per core, as in the authors' code.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from plain_loop import PlainLoop
from plain_network import PlainNetwork

from evalkit.engine.threads import pin_threads
from evalkit.engine.work import Job, Worker
from evalkit.factories import open_dataset
from evalkit.geometry import bounding_box, shifted
from evalkit.runtimes import torch_execution
from evalkit.types import Box, Execution, Image, Sequence

LOOPS = ("plain", "eager", "runtime")
STEPS = ("crop", "network", "locate")
WARMUP = 5
"""Frames excluded from the times: memory is allocated and kernels are chosen in them."""
PAUSE = 0.02
"""Seconds of pause after a loop with several threads, whose idle threads spin and would slow down the next loop."""

Step: TypeAlias = Callable[[Image], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Takes a frame and returns its box, shape (4,), and the CPU seconds of the three steps, shape (3,)."""


@dataclass(frozen=True)
class Row:
    """Times of one sequence, without the first ``WARMUP`` frames.

    Attributes:
        seconds: Shape (3 loops, N, 3 steps), CPU time.
        difference: Largest distance in pixels between the boxes of the plain loop and of the runtime, over the frames
            before they choose different candidates.
        together: Number of these frames.
    """

    name: str
    seconds: NDArray[np.float64]
    difference: float
    together: int


class Loops:
    """The three loops with the same weights, each with a network of its own.

    Args:
        threads: Threads of the plain loop; 0 for PyTorch's default.
    """

    def __init__(self, job: Job, threads: int) -> None:
        self.threads = threads or torch.get_num_threads()
        # The authors' code does not configure the allocator, which is shared by the whole process.
        torch_execution.keep_freed_memory = lambda: None  # type: ignore[assignment]
        self.fast = Worker(job).tracker
        self.eager: Any = Worker(replace(job, execution=Execution("torch"))).tracker
        network = copy.deepcopy(self.eager.parts()[0].module.network)
        self.plain = PlainLoop(PlainNetwork(network), self.eager.hyperparameters)
        pin_threads(1)

    def initialize(self, image: Image, region: Box) -> list[Step]:
        for loop in (self.plain, self.eager, self.fast):
            loop.initialize(image, region)
        return [self._plain_update, partial(_timed_update, self.eager), partial(_timed_update, self.fast)]

    def _plain_update(self, image: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        torch.set_num_threads(self.threads)
        before = self.plain.seconds.copy()
        box = self.plain.update(image)
        if self.threads > 1:
            time.sleep(PAUSE)
        return box, self.plain.seconds - before


def _timed_update(tracker: Any, image: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    start = time.process_time()
    inputs = tracker.crop(image)
    cropped = time.process_time()
    response = tracker.network(*inputs)
    passed = time.process_time()
    prediction = tracker.locate(response)
    end = time.process_time()
    return prediction.region.array(), np.array([cropped - start, passed - cropped, end - passed])


def measure_sequence(loops: Loops, sequence: Sequence, origin: int, most: int) -> Row:
    """Run all loops on at most ``most`` frames of a sequence."""
    images = [sequence.frames[index] for index in range(min(most, len(sequence)))] if sequence.frames else []
    start = sequence.region(0)
    if start is None:
        raise SystemExit(f"{sequence.name} has no first box")
    region = shifted(bounding_box(start), -origin, -origin)
    assert isinstance(region, Box)
    steps = loops.initialize(images[0], region)
    answers = [[step(image) for step in steps] for image in images[1:]]
    boxes = np.array([[box for box, _ in frame] for frame in answers])
    seconds = np.array([[spent for _, spent in frame] for frame in answers]).transpose(1, 0, 2)
    apart = np.abs(boxes[:, 0] - boxes[:, 2]).max(axis=1)
    together = next((index for index, one in enumerate(apart) if one > 1.0), len(apart))
    return Row(sequence.name, seconds[:, WARMUP:], float(apart[:together].max(initial=0.0)), together)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="synthetic")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--runtime", default="onnxruntime")
    parser.add_argument("--sequences", help="comma-separated; default: all available")
    parser.add_argument("--plain-threads", type=int, default=1)
    parser.add_argument("--frames", type=int, default=50, help="maximum number of frames of every sequence")
    options = parser.parse_args()
    dataset = open_dataset(options.dataset, options.data)
    job = Job(
        tracker="lighttrack-m", label="lighttrack-m", dataset=options.dataset, results=Path("results"),
        protocol="one_pass", data=options.data, weights=options.weights, execution=Execution(options.runtime),
    )  # fmt: skip
    wanted = options.sequences.split(",") if options.sequences else [one.name for one in dataset.sequences]
    loops = Loops(job, options.plain_threads)
    rows = []
    for name in wanted:
        rows.append(measure_sequence(loops, dataset.sequence(name), dataset.origin, options.frames))
        print_row(rows[-1])
    print_row(
        Row(
            f"{options.dataset}, {options.runtime}, plain in {loops.threads} thread(s)",
            np.concatenate([row.seconds for row in rows], axis=1),
            max(row.difference for row in rows), sum(row.together for row in rows),
        )
    )  # fmt: skip


def print_row(row: Row) -> None:
    plain, eager, fast = row.seconds.sum(axis=2)
    median = 1e3 * np.median(row.seconds, axis=1)
    columns = "  ".join(f"{step} {'/'.join(f'{one:.2f}' for one in median[:, at])}" for at, step in enumerate(STEPS))
    print(
        f"{row.name}: {np.median(plain / fast):.2f} times the plain loop's frames per CPU second "
        f"and {np.median(eager / fast):.2f} times the eager loop's;  "
        f"ms {'/'.join(LOOPS)}: {columns};  boxes agree within {row.difference:.1e} px over {row.together} frames",
        flush=True,
    )


if __name__ == "__main__":
    main()
