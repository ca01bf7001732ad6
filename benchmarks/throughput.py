"""Frames per second of CPU time: evalkit's LightTrack on a fast runtime against eager PyTorch.

    python benchmarks/throughput.py --data /data/OTB --dataset otb100 --sequences Couple,Crossing

Three loops take every frame in turn, in one process on one thread, from frames decoded beforehand, so that whatever
else the machine does meets all of them: the *plain* one, which stands for the authors' code (``plain_loop.py``),
evalkit's own in *eager* PyTorch, and evalkit's on the runtime. Decoding is left out; crop, network and locate are in.

``--plain-threads 0`` gives the plain loop the threads that PyTorch takes by itself, one a core, as the authors' code
does.
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
from evalkit.runtimes import _torch
from evalkit.types import Box, Image, Sequence

LOOPS = ("plain", "eager", "ours")
STEPS = ("crop", "network", "locate")
WARM = 5
"""Frames left out of the times: memory is laid out and kernels are chosen in them."""
REST = 0.02
"""Seconds after a loop in several threads: idle ones spin for a while, which is nobody else's CPU time."""

Step: TypeAlias = Callable[[Image], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Takes a frame and returns the box (4,) in it and the CPU seconds of the three steps (3,)."""


@dataclass(frozen=True)
class Row:
    """One sequence, frames after the first ``WARM``.

    Attributes:
        seconds: Shape (3 loops, N, 3 steps), CPU time.
        difference: Pixels between plain and ours, the largest up to the frame where they chose different candidates.
        together: Frames up to there.
    """

    name: str
    seconds: NDArray[np.float64]
    difference: float
    together: int


class Loops:
    """The loops over one tracker's weights, each with a network of its own.

    Args:
        threads: Of the plain loop; 0 for what PyTorch takes by itself.
    """

    def __init__(self, job: Job, threads: int) -> None:
        self.threads = threads or torch.get_num_threads()
        # The authors' code leaves the allocator to itself, and it is one for the whole process.
        _torch.hold_memory = lambda: None  # type: ignore[assignment]
        self.ours = Worker(job).tracker
        self.eager: Any = Worker(replace(job, runtime="torch")).tracker
        network = copy.deepcopy(self.eager.parts()[0].module.network)
        self.plain = PlainLoop(PlainNetwork(network), self.eager.hyperparameters)
        pin_threads(1)

    def initialize(self, image: Image, region: Box) -> list[Step]:
        for loop in (self.plain, self.eager, self.ours):
            loop.initialize(image, region)
        return [self._plain, partial(_stepped, self.eager), partial(_stepped, self.ours)]

    def _plain(self, image: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        torch.set_num_threads(self.threads)
        before = self.plain.seconds.copy()
        box = self.plain.update(image)
        if self.threads > 1:
            time.sleep(REST)
        return box, self.plain.seconds - before


def _stepped(tracker: Any, image: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    start = time.process_time()
    inputs = tracker.crop(image)
    cropped = time.process_time()
    response = tracker.network(*inputs)
    passed = time.process_time()
    prediction = tracker.locate(response)
    end = time.process_time()
    return prediction.region.array(), np.array([cropped - start, passed - cropped, end - passed])


def measure(loops: Loops, sequence: Sequence, origin: int, most: int) -> Row:
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
    return Row(sequence.name, seconds[:, WARM:], float(apart[:together].max(initial=0.0)), together)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="synthetic")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--runtime", default="onnxruntime")
    parser.add_argument("--sequences", help="comma-separated; all at hand by default")
    parser.add_argument("--plain-threads", type=int, default=1)
    parser.add_argument("--frames", type=int, default=50, help="of every sequence, at most")
    options = parser.parse_args()
    dataset = open_dataset(options.dataset, options.data)
    job = Job(
        tracker="lighttrack-m", label="lighttrack-m", dataset=options.dataset, results=Path("results"),
        protocol="one_pass", data=options.data, weights=options.weights, runtime=options.runtime,
    )  # fmt: skip
    wanted = options.sequences.split(",") if options.sequences else [one.name for one in dataset.sequences]
    loops = Loops(job, options.plain_threads)
    rows = []
    for name in wanted:
        rows.append(measure(loops, dataset.sequence(name), dataset.origin, options.frames))
        show(rows[-1])
    show(
        Row(
            f"{options.dataset}, {options.runtime}, plain in {loops.threads} thread(s)",
            np.concatenate([row.seconds for row in rows], axis=1),
            max(row.difference for row in rows), sum(row.together for row in rows),
        )
    )  # fmt: skip


def show(row: Row) -> None:
    plain, eager, ours = row.seconds.sum(axis=2)
    median = 1e3 * np.median(row.seconds, axis=1)
    columns = "  ".join(f"{step} {'/'.join(f'{one:.2f}' for one in median[:, at])}" for at, step in enumerate(STEPS))
    print(
        f"{row.name}: {np.median(plain / ours):.2f} times the plain loop's frames per CPU second "
        f"and {np.median(eager / ours):.2f} times our eager loop's;  "
        f"ms {'/'.join(LOOPS)}: {columns};  boxes within {row.difference:.1e} px over {row.together} frames",
        flush=True,
    )


if __name__ == "__main__":
    main()
