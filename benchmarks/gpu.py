"""Measure everything that needs a GPU, in one run of less than five minutes.

    python benchmarks/gpu.py                       # writes gpu.json and gpu.md
    python benchmarks/gpu.py --only lockstep,precisions
    python benchmarks/gpu.py --cpu                 # a check that the script itself works, in half a minute

It needs no network, no data and no package besides those that evalkit requires. A section that fails is recorded with
its error, and the others go on. ``gpu.json`` is written after every section, and ``gpu.md``, the tables for
``docs/cost.md``, with it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gpu_cases as cases
import numpy as np
import torch
from gpu_cases import Options, Row
from gpu_training import measure_training

from evalkit import registry
from evalkit.cost.agreement import compare_tracking
from evalkit.engine import lockstep, resident, serial
from evalkit.engine.threads import pin_threads
from evalkit.engine.work import Worker
from evalkit.errors import EvalkitError
from evalkit.runtimes import parity
from evalkit.runtimes.availability import usable_cores

LASOT_FRAMES = 685_360
"""Frames of LaSOT's test set, 280 sequences."""
LASOT_SIZE = (1280, 720)
"""Width and height of most of its frames."""
LIGHTTRACK = "lighttrack-m"


def measure_parity(options: Options) -> Iterator[Row]:
    """Compare the search network of every family in every runtime with torch in fp32 on the CPU, and time it."""
    runtimes = ["torch"] if options.small else ["torch", "torch-channels-last", "torch-cuda-graph"]
    names = [LIGHTTRACK, "nanotrack-v3"] if options.small else [LIGHTTRACK, *cases.RANDOM_NETWORKS]
    for name in names:
        part = cases.build(options, name, "torch", device="cpu").parts()[0]
        inputs = parity.random_inputs(part.example)
        expected = parity.reference(part)(*inputs)
        for runtime in runtimes:
            precisions = registry.runtime.find(runtime).precisions_on(options.device)
            for precision in precisions[:2] if options.small else precisions:
                row = {"tracker": name, "runtime": runtime, "precision": precision}
                try:
                    yield row | _network_row(options, name, runtime, precision, inputs, expected)
                except EvalkitError as error:
                    yield row | {"error": str(error)}


def _network_row(options: Options, name: str, runtime: str, precision: str, inputs: Any, expected: Any) -> Row:
    network = cases.build(options, name, runtime, precision).networks.search
    found = network(*inputs)
    repeats = 2 if options.small else 30
    with cases.synchronised(options.device) as elapsed:
        for _ in range(repeats):
            again = network(*inputs)
        milliseconds = 1e3 * elapsed() / repeats
    return {
        "difference": max(parity.differences(found, expected)), "network_ms": milliseconds,
        "same_again": all(np.array_equal(one, other) for one, other in zip(found, again, strict=True)),
    }  # fmt: skip


def measure_lockstep(options: Options) -> Iterator[Row]:
    """Compare lockstep, of the network and of everything on the device, with serial runs; frames are in memory."""
    if options.small:
        yield from _lockstep_rows(options, cases.sequences(2, 8, scenes=2, frames=6), 2, [2])
        return
    for size, lanes in ((None, [16, 64, 128]), (LASOT_SIZE, [64])):
        dataset = cases.sequences(lanes[-1], 200, scenes=8, frames=40, size=size)
        place = "320x240" if size is None else f"{size[0]}x{size[1]}"
        yield from ({"frames": place, **row} for row in _lockstep_rows(options, dataset, 64, lanes))


def _lockstep_rows(options: Options, dataset: Any, batch: int, lanes: list[int]) -> Iterator[Row]:
    """Yield the speed of both runtimes alone, of a batch through the network, and of lanes on the device."""
    length = min(len(dataset.sequences[0]), 50)
    few = cases.shortened(dataset, 2 if options.small else 8, length)
    expected: Any = None
    for runtime in dict.fromkeys(["torch", options.graph_runtime]):
        worker = cases.worker_of(options, few, LIGHTTRACK, runtime)
        boxes, seconds = cases.track(partial(serial.execute, worker), worker)
        expected = expected or boxes
        yield {"engine": "serial", "runtime": runtime, **_speed(boxes, seconds), **cases.distances(boxes, expected)}
    worker = cases.worker_of(options, cases.shortened(dataset, batch, length), LIGHTTRACK, options.graph_runtime)
    boxes, seconds = cases.track(partial(lockstep.execute, worker, lanes=batch), worker)
    row = {"engine": f"lockstep of the network, {batch} lanes", "runtime": options.graph_runtime}
    yield row | _speed(boxes, seconds) | cases.distances(boxes, expected)
    for count in lanes:
        row = {"engine": f"lockstep on the device, {count} lanes"}
        part = cases.shortened(dataset, count, len(dataset.sequences[0]))
        yield row | _resident_row(options, part, LIGHTTRACK, count, expected)


def _speed(boxes: Any, seconds: float) -> Row:
    return {"fps": sum(map(len, boxes.values())) / seconds}


def _resident_row(options: Options, dataset: Any, name: str, lanes: int, expected: Any, precision: str = "fp32") -> Row:
    """Track on the device; a short run before the clock starts captures the steps."""
    worker = cases.worker_of(options, dataset, name, "torch", precision)
    tracker: Any = worker.tracker
    device_lanes = tracker.device_lanes(lanes)
    first = Worker(worker.job, dataset=cases.shortened(dataset, lanes, 2 if options.small else 20))
    first.__dict__["tracker"] = tracker
    cases.track(lambda units: resident.execute(first, units, device_lanes, count=lanes), first)
    boxes, seconds = cases.track(lambda units: resident.execute(worker, units, device_lanes, count=lanes), worker)
    row = {"runtime": "torch", **_speed(boxes, seconds)}
    return row | (cases.distances(boxes, expected) if expected is not None else {}) | {"block": device_lanes.block}


def measure_families(options: Options) -> Iterator[Row]:
    """Compare lockstep on the device with a serial run in eager PyTorch, for every family."""
    names = [LIGHTTRACK, "nanotrack-v3"] if options.small else [LIGHTTRACK, *cases.RANDOM_NETWORKS]
    lanes, length = (2, 4) if options.small else (32, 60)
    dataset = cases.sequences(lanes, length, scenes=2 if options.small else 8, frames=4 if options.small else 30)
    for name in names:
        few = cases.shortened(dataset, 2 if options.small else 4, min(length, 30))
        worker = cases.worker_of(options, few, name, "torch")
        expected, _ = cases.track(partial(serial.execute, worker), worker)
        yield {"tracker": name, "lanes": lanes, **_resident_row(options, dataset, name, lanes, expected)}


def measure_precisions(options: Options) -> Iterator[Row]:
    """Measure the AUC on rendered targets and the speed on the device, in every precision."""
    precisions = registry.runtime.find("torch").precisions_on(options.device)
    precisions = precisions[:2] if options.small else precisions
    trackers = [cases.build(options, LIGHTTRACK, options.graph_runtime, precision) for precision in precisions]
    reference = cases.build(options, LIGHTTRACK, "torch", device="cpu")
    found = compare_tracking(
        trackers, reference, sequences=1 if options.small else 12, frames=4 if options.small else 30
    )
    lanes = 2 if options.small else 64
    dataset = cases.sequences(lanes, 4 if options.small else 200, scenes=2, frames=4 if options.small else 40)
    for precision, one in zip(precisions, found, strict=True):
        row = _resident_row(options, dataset, LIGHTTRACK, lanes, None, precision)
        yield {"precision": precision, "AUC": one.auc, "AUC_lost": one.loss, "overlap": one.overlap,
               "frames": one.frames, "lanes": lanes, "fps": row["fps"]}  # fmt: skip


def measure_decoding(options: Options) -> Iterator[Row]:
    """Measure decoding alone, decoding in front of the device, and what LaSOT's test set would take."""
    cores = usable_cores()
    lanes = 2 if options.small else 64
    size = (320, 240) if options.small else LASOT_SIZE
    data = [cases.encode(image) for image in cases.scaled_scene(0, 4, size)[0]]
    rates = {
        threads: cases.decoding_rate(data, threads, 0.3 if options.small else 2.0) for threads in sorted({1, cores})
    }
    for threads, rate in rates.items():
        yield {"what": f"decoding, {threads} thread(s)", "fps": rate}
    shape: dict[str, Any] = {"scenes": 2, "frames": 4 if options.small else 20, "size": size}
    length = 4 if options.small else 100
    decoded = cases.sequences(lanes, length, **shape)
    tracking = _resident_row(options, decoded, LIGHTTRACK, lanes, None)["fps"]
    yield {"what": f"tracking, {lanes} lanes, frames in memory", "fps": tracking}
    both = _resident_row(options, cases.sequences(lanes, length, encoded=True, **shape), LIGHTTRACK, lanes, None)["fps"]
    yield {"what": f"decoding and tracking, {lanes} lanes", "fps": both}
    limit = "decoding" if rates[cores] < tracking else "tracking"
    yield {
        "what": f"LaSOT's test set, {LASOT_FRAMES} frames", "fps": both, "minutes": LASOT_FRAMES / both / 60,
        "minutes_without_interference": LASOT_FRAMES / min(rates[cores], tracking) / 60, "limit": limit,
    }  # fmt: skip


SECTIONS: dict[str, Callable[[Options], Iterator[Row]]] = {
    "lockstep": measure_lockstep,
    "precisions": measure_precisions,
    "decoding": measure_decoding,
    "training": measure_training,
    "families": measure_families,
    "parity": measure_parity,
}
"""The sections in the order in which they are measured: the most important first."""


def measure_section(name: str, options: Options) -> Row:
    """Return the rows of a section, its seconds, and its error if it failed."""
    start, rows, error = time.perf_counter(), [], None
    try:
        for row in SECTIONS[name](options):
            rows.append({"section": name, **row})
            print(f"{name}: {_row_text(row)}", flush=True)
    except Exception as caught:
        error = "".join(traceback.format_exception(caught))
        print(f"{name}: failed\n{error}", file=sys.stderr, flush=True)
    return {"name": name, "seconds": time.perf_counter() - start, "rows": rows, "error": error}


def describe_machine(options: Options) -> Row:
    """Return the card, the processor and the versions."""
    card = torch.cuda.get_device_name(options.device) if options.on_cuda else "none"
    return {
        "card": card, "device": options.device, "cores": os.cpu_count(), "processor": platform.processor(),
        "torch": torch.__version__, "cuda": torch.version.cuda, "python": platform.python_version(),
    }  # fmt: skip


def markdown(report: Row) -> str:
    """Return the report as tables, one per section and set of columns."""
    machine = report["machine"]
    lines = [f"Measured on {machine['card']}, {machine['cores']} cores, torch {machine['torch']}.", ""]
    for section in report["sections"]:
        lines += [f"### {section['name']}", ""]
        previous: list[str] = []
        for row in section["rows"]:
            columns = [key for key in row if key != "section"]
            if columns != previous:
                lines += [*([""] if previous else []), f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
                previous = columns
            lines.append(f"| {' | '.join(_value_text(row[key]) for key in columns)} |")
        lines += ["", f"failed: {section['error'].strip().splitlines()[-1]}", ""] if section["error"] else [""]
    return "\n".join(lines)


def _row_text(row: Row) -> str:
    return ", ".join(f"{key} {_value_text(value)}" for key, value in row.items())


def _value_text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--cpu", action="store_true", help="check the script on the CPU, with little of everything")
    parser.add_argument("--only", default=",".join(SECTIONS), help="comma-separated sections")
    parser.add_argument("--training-seconds", type=float, default=40.0, help="length of the short training")
    parser.add_argument("--output", type=Path, default=Path("gpu.json"), help="JSON file; the tables are next to it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options = Options("cpu" if given.cpu else given.device, given.cpu, Path(folder), given.training_seconds)
        if options.on_cuda and not torch.cuda.is_available():
            sys.exit("PyTorch sees no CUDA device here; --cpu checks the script without one")
        pin_threads(1)
        report: Row = {"version": 1, "machine": describe_machine(options), "sections": []}
        for name in given.only.split(","):
            report["sections"].append(measure_section(name, options))
            given.output.write_text(json.dumps(report, indent=2) + "\n")
            given.output.with_suffix(".md").write_text(markdown(report))
    return int(any(section["error"] for section in report["sections"]))


if __name__ == "__main__":
    sys.exit(main())
