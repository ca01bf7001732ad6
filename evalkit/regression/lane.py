"""One side of a race: a program that builds a tracker and tracks a frame whenever it is told to.

Executed by path in a process of its own, possibly with an older evalkit than that of whoever started it; so it imports
little before it knows where to look. Standard input brings a line of JSON: ``tracker``, None for the reference
workload; what its factory is ``offered``; ``search``, where modules are; ``clip``, an .npz file of frames; the first
one's ``region`` as VOT writes it; the ``cpu`` to stay on, or None. Then it brings one line a frame. Standard output
answers a line of JSON each: first the files of the ``modules`` by name, then CPU and wall time of a frame in
nanoseconds; or an ``error``.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # whatever a tracker prints is no answer
    try:
        _serve(json.loads(sys.stdin.readline()), answers)
    except (Exception, SystemExit) as error:
        _say(answers, {"error": f"{type(error).__name__}: {error}"})


def _serve(job: dict[str, Any], answers: IO[str]) -> None:
    sys.path[:] = job["search"]
    if job["cpu"] is not None:
        os.sched_setaffinity(0, {job["cpu"]})
    step = _workload() if job["tracker"] is None else _steps(job)
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    _say(answers, {"modules": files})
    for _ in sys.stdin:
        _say(answers, step())


def _say(answers: IO[str], value: Any) -> None:
    print(json.dumps(value), file=answers, flush=True)


def _timed(work: Callable[[], object]) -> tuple[int, int]:
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    work()
    return time.process_time_ns() - cpu, time.perf_counter_ns() - wall


def _workload() -> Callable[[], tuple[int, int]]:
    from evalkit.cost import reference

    work = reference.workload()
    return lambda: _timed(work)


def _steps(job: dict[str, Any]) -> Callable[[], tuple[int, int]]:
    """Tracks the next frame, over and over the same ones. The first is tracked here: it loads what is loaded late."""
    import numpy as np

    from evalkit.engine.threads import pin_threads
    from evalkit.factories import create_tracker
    from evalkit.io.regions import parse_line

    offered = {**job["offered"], "weights": job["offered"]["weights"] and Path(job["offered"]["weights"])}
    tracker: Any = create_tracker(job["tracker"], **offered)
    pin_threads(offered["threads"])
    with np.load(job["clip"]) as clip:
        frames = [clip[name] for name in clip.files]
    region = parse_line(job["region"])
    order = itertools.cycle(range(1, len(frames)))

    def step() -> tuple[int, int]:
        index = next(order)
        if index == 1:
            tracker.initialize(frames[0], region)
        return _timed(lambda: tracker.update(frames[index]))

    step()
    return step


if __name__ == "__main__":
    main()
