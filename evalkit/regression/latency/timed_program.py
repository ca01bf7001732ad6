"""The program of a timed process: it builds a tracker and tracks one frame per request.

It is executed by path in a process of its own, and may have to time a tracker of an older evalkit than this one. It
therefore sets the import path first, and then uses public names of ``evalkit`` only: ``create_tracker``, ``Box``,
``Mask``, ``Polygon``.

Standard input brings one line of JSON: ``tracker`` (None for the reference workload), ``arguments`` of
``create_tracker``, ``import_path``, ``clip`` (an .npz file of frames), ``region`` of the first frame, and ``core`` (the
one to stay on, or None). Then it brings one line per frame. Standard output brings a line of JSON in return for each:
first the files of the loaded ``modules`` by name, then CPU and wall-clock time of a frame in nanoseconds; or an
``error``.
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
    """Serve the requests of standard input until it ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what a tracker prints must not be read as an answer
    try:
        _serve(json.loads(sys.stdin.readline()), answers)
    except (Exception, SystemExit) as error:
        _send(answers, {"error": f"{type(error).__name__}: {error}"})


def _serve(job: dict[str, Any], answers: IO[str]) -> None:
    sys.path[:] = job["import_path"]
    if job["core"] is not None:
        os.sched_setaffinity(0, {job["core"]})
    track_frame = _reference_workload() if job["tracker"] is None else _tracker(job)
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    _send(answers, {"modules": files})
    for _ in sys.stdin:
        _send(answers, track_frame())


def _send(answers: IO[str], value: Any) -> None:
    print(json.dumps(value), file=answers, flush=True)


def _time(work: Callable[[], object]) -> tuple[int, int]:
    """Return CPU and wall-clock time of a call in nanoseconds."""
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    work()
    return time.process_time_ns() - cpu, time.perf_counter_ns() - wall


def _reference_workload() -> Callable[[], tuple[int, int]]:
    from evalkit.cost import reference

    work = reference.workload()
    return lambda: _time(work)


def _tracker(job: dict[str, Any]) -> Callable[[], tuple[int, int]]:
    """Return a function that tracks the next frame of the clip, which is repeated without end.

    The first frame is tracked here, so that what is loaded late is loaded before a clock counts.
    """
    import numpy as np

    from evalkit import create_tracker

    arguments = {**job["arguments"], "weights": job["arguments"]["weights"] and Path(job["arguments"]["weights"])}
    tracker: Any = create_tracker(job["tracker"], **arguments)
    _limit_threads(arguments["threads"])
    with np.load(job["clip"]) as clip:
        frames = [clip[name] for name in clip.files]
    region = _region(job["region"])
    order = itertools.cycle(range(1, len(frames)))

    def track_frame() -> tuple[int, int]:
        index = next(order)
        if index == 1:
            tracker.initialize(frames[0], region)
        return _time(lambda: tracker.update(frames[index]))

    track_frame()
    return track_frame


def _limit_threads(threads: int) -> None:
    import cv2

    cv2.setNumThreads(threads)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


def _region(content: dict[str, Any]) -> Any:
    """Build the region that ``timed_process.region_json`` wrote."""
    import numpy as np

    from evalkit import Box, Mask, Polygon

    if "box" in content:
        return Box(*content["box"])
    if "polygon" in content:
        return Polygon(np.array(content["polygon"], dtype=np.float64))
    return Mask(np.array(content["bitmap"], dtype=np.bool_), content["x"], content["y"])


if __name__ == "__main__":
    main()
