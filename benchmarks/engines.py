"""Compare the engines: processes, Ray and lockstep; and measure memory over a thousand sequences.

    python benchmarks/engines.py workers --data /data/OTB --dataset otb100 --sequences Couple,Man --repeat 3 --ray
    python benchmarks/engines.py lockstep --lanes 4
    python benchmarks/engines.py lockstep --lanes 64 --device cuda:0 --runtime torch-cuda-graph --serial-runtime torch \
        --sequences 64 --frames 100
    python benchmarks/engines.py memory

``workers`` also compares every byte of the results, except times. On a machine with other load use the CPU time per
frame, on an idle machine the wall-clock time. The CPU time of Ray's workers cannot be measured from this process.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.engine import lockstep, resident, serial
from evalkit.engine.plan import Plan
from evalkit.engine.threads import pin_threads
from evalkit.engine.work import Answer, Job, Unit, Worker
from evalkit.factories import open_dataset
from evalkit.rendering.recipes import random_scene
from evalkit.rendering.scene import Scene, SceneFrames
from evalkit.types import Dataset, Execution, Image, Sequence

KIB = 1024
SCENES = 24
"""Number of different scenes; they are reused, because composing a scene takes longer than tracking it."""


def compare_workers(options: argparse.Namespace) -> None:
    """Alternate between one process, two, and a Ray cluster of two; compare the results byte for byte."""
    engines = {"1 process": (), "2 processes": ("--jobs", "2")}
    if options.ray:
        engines["ray, 2 workers"] = ("--engine", "ray", "--jobs", "2")
    with tempfile.TemporaryDirectory() as folder:
        spent: dict[str, list[tuple[float, float]]] = {name: [] for name in engines}
        for turn in range(options.rounds):
            for name, arguments in engines.items():
                spent[name].append(time_command(options, Path(folder) / f"{turn} {name}", arguments))
        outputs = [result_files(path) for path in sorted(Path(folder).iterdir())]
    print(f"results of {len(outputs)} runs are byte-identical: {all(one == outputs[0] for one in outputs)}")
    base = np.median(np.array(spent["1 process"]), axis=0)
    for name, rows in spent.items():
        wall, cpu = np.median(np.array(rows), axis=0)
        cost = "" if name.startswith("ray") else f", {cpu / base[1]:.2f} times its CPU time"
        print(f"{name}: {wall:.1f} s = {base[0] / wall:.2f} times the speed of one process{cost}")


def time_command(options: argparse.Namespace, results: Path, more: tuple[str, ...]) -> tuple[float, float]:
    """Return wall-clock and CPU seconds of a whole command, including its worker processes."""
    command = [sys.executable, "-m", "evalkit", "run", "--tracker", options.tracker, "--dataset", options.dataset]
    for option in ("data", "weights", "sequences", "runtime", "repeat"):
        if getattr(options, option):
            command += [f"--{option}", str(getattr(options, option))]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    answer = subprocess.run([*command, "--results", str(results), *more], capture_output=True, text=True)
    if answer.returncode != 0:
        sys.exit(f"{' '.join(answer.args)} ended with exit code {answer.returncode}:\n{answer.stderr}")
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def result_files(results: Path) -> dict[str, bytes]:
    """Return the result files by path, without times and without ``run.json``, which names the machines."""
    paths = (path for path in results.rglob("*") if path.is_file() and path.name != "run.json")
    return {str(path.relative_to(results)): path.read_bytes() for path in paths if "_time" not in path.stem}


def compare_lockstep(options: argparse.Namespace) -> None:
    """Alternate between both lockstep engines and the serial engine on the same decoded frames."""
    job = job_of(options)
    rendered = [in_memory(index, options.frames) for index in range(int(options.sequences or 8))]
    dataset = dataset_of(tuple(rendered))
    worker = alone = Worker(job, dataset=dataset)
    if options.serial_runtime is not None:
        execution = replace(job.execution, runtime=options.serial_runtime)
        alone = Worker(replace(job, execution=execution), dataset=dataset)
    units = [Unit(job, sequence.name) for sequence in rendered]
    frames = sum(len(sequence) for sequence in rendered)
    pin_threads(1)
    clock = time.process_time if options.device == "cpu" else time.perf_counter
    loops: dict[str, Callable[[], Iterator[Answer]]] = {
        "serial": lambda: serial.execute(alone, units),
        "lockstep of the network": lambda: lockstep.execute(worker, units, lanes=options.lanes),
    }
    tracker: Any = worker.tracker
    if (device_lanes := tracker.device_lanes(options.lanes)) is not None:
        loops["lockstep on the device"] = lambda: resident.execute(worker, units, device_lanes, count=options.lanes)
    spent: dict[str, list[float]] = {name: [] for name in loops}
    boxes: dict[str, dict[str, np.ndarray]] = {}
    for turn in range(options.rounds + 1):
        for name, loop in loops.items():
            start = clock()
            answers = list(loop())
            spent[name] += [clock() - start] if turn else []
            boxes[name] = {answer.unit.sequence: answer.trajectories[0].boxes for answer in answers}
    unit = "CPU second" if options.device == "cpu" else "second"
    milliseconds = 1e3 * np.median(spent["serial"]) / frames
    print(f"serial on {options.device}, {alone.job.execution.runtime}: {milliseconds:.2f} ms per frame")
    for name in list(loops)[1:]:
        ratios = np.array(spent["serial"]) / np.array(spent[name])
        apart = [np.abs(boxes["serial"][one] - boxes[name][one]).max() for one in boxes["serial"]]
        print(
            f"{name}, {options.lanes} lanes, {job.execution.runtime}: {np.median(ratios):.3f} times the frames per "
            f"{unit} of the serial engine; ratio by round {ratios.round(3)}; distance of the boxes "
            f"{np.median(apart):.1e} px (median), {max(apart):.1e} px (maximum)"
        )


def measure_memory(options: argparse.Namespace) -> None:
    """Print the peak memory while a thousand short rendered sequences are tracked and stored."""
    count = int(options.sequences or 1000)
    with tempfile.TemporaryDirectory() as folder:
        job = replace(job_of(options), results=Path(folder))
        dataset = dataset_of(tuple(on_demand(index, options.frames) for index in range(count)))
        worker = Worker(job, dataset=dataset)
        units = [Unit(job, sequence.name) for sequence in worker.dataset.sequences]
        for number, _ in enumerate(Plan().execute(worker, units), start=1):
            if number in (count // 20, count // 10, count // 2, count):
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                print(f"{number} sequences, {number * options.frames} frames: peak {peak / KIB:.0f} MiB", flush=True)


@dataclass(frozen=True)
class Decoded:
    """Decoded frames in memory."""

    images: tuple[Image, ...]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int, /) -> Image:
        return self.images[index]


@lru_cache(maxsize=SCENES)
def scene(index: int, length: int) -> Scene:
    return random_scene(0, index, length=length)


def on_demand(index: int, length: int) -> Sequence:
    made = partial(scene, index % SCENES, length)
    return Sequence(f"sample{index:04d}", lambda: made().annotation(), SceneFrames(made, length))


def in_memory(index: int, length: int) -> Sequence:
    rendered = on_demand(index, length)
    annotation = rendered.annotation
    return replace(rendered, read=lambda: annotation, frames=Decoded(images(index % SCENES, length)))


@lru_cache(maxsize=SCENES)
def images(index: int, length: int) -> tuple[Image, ...]:
    return tuple(scene(index, length).frame(number) for number in range(length))


def dataset_of(sequences: tuple[Sequence, ...]) -> Dataset:
    names = tuple(sequence.name for sequence in sequences)
    return replace(open_dataset("synthetic", None), name="samples", sequences=sequences, expected=names, origin=0)


def job_of(options: argparse.Namespace) -> Job:
    return Job(
        tracker=options.tracker, label="measured", dataset="synthetic", results=Path("results"), protocol="one_pass",
        weights=options.weights, execution=Execution(options.runtime or "torch", device=options.device), timed=False,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = {"workers": compare_workers, "lockstep": compare_lockstep, "memory": measure_memory}
    parser.add_argument("what", choices=modes)
    parser.add_argument("--tracker", help="default: lighttrack-m; mosse for memory")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--runtime", default="")
    parser.add_argument(
        "--serial-runtime", help="runtime of the serial engine in a comparison with lockstep; default: --runtime"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dataset", default="synthetic")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sequences", help="comma-separated names for workers, otherwise a number")
    parser.add_argument("--frames", type=int, default=20, help="length of every rendered sequence")
    parser.add_argument("--lanes", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--repeat", type=int, help="repetitions of every sequence; a longer run is less dominated by its start"
    )
    parser.add_argument("--ray", action="store_true", help="also measure Ray workers")
    options = parser.parse_args()
    options.tracker = options.tracker or ("mosse" if options.what == "memory" else "lighttrack-m")
    modes[options.what](options)


if __name__ == "__main__":
    main()
