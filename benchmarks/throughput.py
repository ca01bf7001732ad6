"""Frames per second of CPU time: evalkit's LightTrack on a fast runtime against a plain loop in eager PyTorch.

    python benchmarks/throughput.py --data /data/OTB --dataset otb100 --sequences Couple,Crossing

Both take every frame in turn, in one process on one thread, from frames decoded beforehand, so that whatever else the
machine does meets both. Decoding is left out on both sides; cropping, the network and locating are in.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from plain_loop import PlainLoop

from evalkit.engine.threads import pin_threads
from evalkit.engine.work import Job, Worker, open_dataset
from evalkit.geometry import bounding_box, shifted
from evalkit.types import Box, Image, Sequence

STEPS = ("crop", "network", "locate")
WARM = 5
"""Frames left out of the times: memory is laid out and kernels are chosen in them."""


@dataclass(frozen=True)
class Row:
    """One sequence: CPU seconds by step in all, and how far the boxes lie apart.

    Attributes:
        difference: Pixels, the largest of any coordinate up to the frame where the loops chose different candidates.
        together: Frames up to there.
    """

    name: str
    frames: int
    plain: NDArray[np.float64]
    ours: NDArray[np.float64]
    difference: float
    together: int


def measure(worker: Worker, plain: PlainLoop, sequence: Sequence, origin: int, most: int) -> Row:
    images = [sequence.frames[index] for index in range(min(most, len(sequence)))] if sequence.frames else []
    start = sequence.region(0)
    if start is None:
        raise SystemExit(f"{sequence.name} has no first box")
    region = shifted(bounding_box(start), -origin, -origin)
    assert isinstance(region, Box)
    tracker = worker.tracker
    tracker.initialize(images[0], region)
    plain.initialize(images[0], region)
    ours, differences = np.zeros(3), []
    for index, image in enumerate(images[1:], start=1):
        if index == WARM:
            ours[:] = plain.seconds[:] = 0.0
        box, seconds = step(tracker, image)
        ours += seconds
        differences.append(float(np.abs(plain.update(image) - box).max()))
    together = next((index for index, one in enumerate(differences) if one > 1.0), len(differences))
    return Row(
        sequence.name, len(images) - WARM, plain.seconds.copy(), ours, max(differences[:together], default=0.0),
        together,
    )  # fmt: skip


def step(tracker: object, image: Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One frame, and the CPU seconds of its three steps."""
    start = time.process_time()
    inputs = tracker.crop(image)  # type: ignore[attr-defined]
    cropped = time.process_time()
    response = tracker.network(*inputs)  # type: ignore[attr-defined]
    passed = time.process_time()
    prediction = tracker.locate(response)  # type: ignore[attr-defined]
    end = time.process_time()
    return prediction.region.array(), np.array([cropped - start, passed - cropped, end - passed])


def network_of(job: Job) -> PlainLoop:
    tracker = Worker(Job(**{**vars(job), "runtime": "torch"})).tracker
    part = tracker.parts()[0]  # type: ignore[attr-defined]
    return PlainLoop(part.module.network, tracker.hyperparameters)  # type: ignore[attr-defined]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="synthetic")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--runtime", default="onnxruntime")
    parser.add_argument("--sequences", help="comma-separated; all at hand by default")
    parser.add_argument("--frames", type=int, default=100, help="of every sequence, at most")
    options = parser.parse_args()
    dataset = open_dataset(options.dataset, options.data)
    job = Job(
        tracker="lighttrack-m", label="lighttrack-m", dataset=options.dataset, results=Path("results"),
        protocol="one_pass", data=options.data, weights=options.weights, runtime=options.runtime,
    )  # fmt: skip
    wanted = options.sequences.split(",") if options.sequences else [one.name for one in dataset.sequences]
    plain, worker = network_of(job), Worker(job)
    pin_threads(1)
    torch.set_num_threads(1)
    rows = []
    for name in wanted:
        row = measure(worker, plain, dataset.sequence(name), dataset.origin, options.frames)
        rows.append(row)
        show(row.name, row)
    total = Row(
        "all", sum(row.frames for row in rows), sum((row.plain for row in rows), np.zeros(3)),
        sum((row.ours for row in rows), np.zeros(3)), max(row.difference for row in rows),
        sum(row.together for row in rows),
    )  # fmt: skip
    show(f"{options.dataset}, {options.runtime}", total)


def show(name: str, row: Row) -> None:
    plain, ours = (1e3 * steps / row.frames for steps in (row.plain, row.ours))
    columns = "  ".join(f"{step} {a:.2f}/{b:.2f}" for step, a, b in zip(STEPS, plain, ours, strict=True))
    print(
        f"{name}: {plain.sum() / ours.sum():.2f} times the frames per CPU second;  ms plain/ours: {columns};  "
        f"boxes within {row.difference:.1e} px over {row.together} frames",
        flush=True,
    )


if __name__ == "__main__":
    main()
