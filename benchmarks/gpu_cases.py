"""Trackers, sequences and clocks of ``gpu.py``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import torch
from engines import dataset_of, images, scene

from evalkit.engine.work import Answer, Job, Unit, Worker
from evalkit.factories import create_tracker
from evalkit.trackers import nanotrack, ocean, siamrpn
from evalkit.types import Annotation, Boxes, Dataset, Execution, Image, Sequence

Row: TypeAlias = dict[str, Any]
"""One measurement, JSON values only."""

RANDOM_NETWORKS: dict[str, Callable[[], Any]] = {
    "nanotrack-v3": lambda: nanotrack.model(3).network(),
    "siamrpnpp-alexnet": lambda: siamrpn.model("siamrpnpp-alexnet").network(),
    "siamrpnpp-mobilenetv2": lambda: siamrpn.model("siamrpnpp-mobilenetv2").network(),
    "siamrpnpp-r50": lambda: siamrpn.model("siamrpnpp-r50").network(),
    "ocean": lambda: ocean.model(None).network(),
}
"""Networks that are measured with random weights: speed and agreement do not depend on the values."""


@dataclass
class Options:
    """Device and extent of the measurements.

    Attributes:
        device: The device, e.g. ``cuda:0``.
        small: True for a check that everything runs.
        folder: For random checkpoints; deleted afterwards.
        training_seconds: Length of the short training.
    """

    device: str
    small: bool
    folder: Path
    training_seconds: float

    @property
    def on_cuda(self) -> bool:
        return self.device.startswith("cuda")

    @property
    def graph_runtime(self) -> str:
        """The fastest runtime of the device."""
        return "torch-cuda-graph" if self.on_cuda else "torch"


def checkpoint(options: Options, name: str) -> Path | None:
    """Return a checkpoint with random weights; None for a tracker with bundled ones."""
    if name not in RANDOM_NETWORKS:
        return None
    path = options.folder / f"{name}.pth"
    if not path.exists():
        torch.manual_seed(0)
        torch.save(RANDOM_NETWORKS[name]().state_dict(), path)
    return path


def build(options: Options, name: str, runtime: str, precision: str = "fp32", device: str | None = None) -> Any:
    """Return a tracker in a runtime."""
    return create_tracker(
        name, weights=checkpoint(options, name), runtime=runtime, precision=precision,
        device=device or options.device, threads=1, settings={}, seed=0,
    )  # fmt: skip


@dataclass(frozen=True)
class Decoded:
    """Decoded frames in memory, shown forwards and backwards until the sequence ends."""

    shown: tuple[Image, ...]
    length: int

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int, /) -> Image:
        return self.shown[back_and_forth(index, len(self.shown))]


@dataclass(frozen=True)
class Encoded:
    """JPEG files in memory."""

    shown: tuple[np.ndarray, ...]
    length: int

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int, /) -> Image:
        return decode(self.shown[back_and_forth(index, len(self.shown))])


def back_and_forth(index: int, count: int) -> int:
    place = index % max(2 * count - 2, 1)
    return place if place < count else 2 * count - 2 - place


def decode(data: np.ndarray) -> Image:
    """Decode a JPEG as evalkit's readers do."""
    image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


def encode(image: Image) -> np.ndarray:
    return cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])[1]


def scaled_scene(index: int, frames: int, size: tuple[int, int] | None) -> tuple[tuple[Image, ...], Boxes]:
    """Return the frames and boxes of a rendered scene, enlarged to a width and height."""
    found, boxes = images(index, frames), scene(index, frames).annotation().boxes
    if size is None:
        return found, boxes
    factor = np.array([size[0] / found[0].shape[1], size[1] / found[0].shape[0]] * 2)
    return tuple(cv2.resize(one, size) for one in found), boxes * factor


def sequences(
    count: int, length: int, *, scenes: int, frames: int, size: tuple[int, int] | None = None, encoded: bool = False
) -> Dataset:
    """Return a dataset of ``count`` sequences of ``length`` frames that show the same few scenes."""
    shown = [scaled_scene(index, frames, size) for index in range(scenes)]
    videos: list[Any] = [
        Encoded(tuple(map(encode, pictures)), length) if encoded else Decoded(pictures, length) for pictures, _ in shown
    ]
    order = [back_and_forth(index, frames) for index in range(length)]

    def sequence(number: int) -> Sequence:
        boxes = shown[number % scenes][1][order]
        return Sequence(f"s{number:03d}", lambda: Annotation(boxes), videos[number % scenes])

    return dataset_of(tuple(sequence(number) for number in range(count)))


def worker_of(options: Options, dataset: Dataset, name: str, runtime: str, precision: str = "fp32") -> Worker:
    """Return a worker whose tracker is built."""
    job = Job(
        tracker=name, label="measured", dataset="synthetic", results=Path("results"), protocol="one_pass",
        weights=checkpoint(options, name), execution=Execution(runtime, precision, options.device), timed=False,
    )  # fmt: skip
    worker = Worker(job, dataset=dataset)
    worker.tracker  # noqa: B018
    return worker


def track(engine: Callable[[list[Unit]], Iterator[Answer]], worker: Worker) -> tuple[dict[str, Boxes], float]:
    """Return the boxes by sequence and the seconds that tracking all of them took."""
    units = [Unit(worker.job, sequence.name) for sequence in worker.dataset.sequences]
    start = time.perf_counter()
    with closing(engine(units)) as running:  # type: ignore[type-var]
        answers = list(running)
    seconds = time.perf_counter() - start
    failed = [answer.error for answer in answers if answer.error]
    if failed:
        raise RuntimeError(failed[0])
    return {answer.unit.sequence: answer.trajectories[0].boxes for answer in answers}, seconds


def distances(found: dict[str, Boxes], expected: dict[str, Boxes]) -> Row:
    """Return how far the boxes of two runs are apart over the sequences that both have, in pixels."""
    both = [np.abs(found[name][: len(expected[name])] - expected[name][: len(found[name])]) for name in expected]
    largest = np.array([one.max() for one in both])
    return {
        "sequences": len(both), "median_px": float(np.median(largest)), "most_px": float(largest.max()),
        "sequences_beyond_0.01_px": int((largest > 0.01).sum()),
    }  # fmt: skip


def shortened(dataset: Dataset, count: int, length: int) -> Dataset:
    """Return the first sequences of a dataset, cut to a number of frames."""

    def cut(sequence: Sequence) -> Sequence:
        frames: Any = sequence.frames
        boxes = sequence.groundtruth[:length]
        return replace(sequence, read=lambda: Annotation(boxes), frames=replace(frames, length=len(boxes)))

    return dataset_of(tuple(cut(sequence) for sequence in dataset.sequences[:count]))


def decoding_rate(data: list[np.ndarray], threads: int, seconds: float) -> float:
    """Return the JPEGs per second that a number of threads decode."""

    def work(first: int) -> int:
        done = 0
        while time.perf_counter() < end:
            decode(data[(first + done) % len(data)])
            done += 1
        return done

    start = time.perf_counter()
    end = start + seconds
    with ThreadPoolExecutor(threads) as pool:
        done = sum(pool.map(work, range(threads)))
    return done / (time.perf_counter() - start)


@contextmanager
def synchronised(device: str) -> Iterator[Callable[[], float]]:
    """Give a function that returns the seconds since the start, after the device has finished."""

    def elapsed() -> float:
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)
        return time.perf_counter() - start

    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    yield elapsed
