"""Two fresh processes that take turns, frame by frame on one core: what disturbs one side disturbs the other.

Measured on one virtual machine: the CPU time of a frame moves by up to a half within seconds, with what neighbours do
to caches and memory, and by another factor for every workload; that of one process over another's that does the same,
by 1 %.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from evalkit.engine.threads import thread_environment
from evalkit.errors import EvalkitError
from evalkit.regression import lane

Seconds: TypeAlias = NDArray[np.float64]

FRAMES = 12
"""Frames of a cycle: the tracker follows these and starts again. Even, as two make a block."""
WARMUP = FRAMES
CYCLES = (3, 8)
"""At least and at most so many count, as many as ``SECONDS`` of CPU time have room for."""
SECONDS = 1.0
STEADY_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "MALLOC_TOP_PAD_": str(1 << 26),
}
"""Has glibc keep what was freed. Left alone it hands large pieces back and asks for them again in the next frame, or
does not, as memory happens to lie since the process began: two processes of one network in PyTorch then differ by 7 %
instead of 1 %, and the same code imported from two places by 3 to 6 %."""


@dataclass(frozen=True)
class Entrant:
    """One side.

    Attributes:
        tracker: Name to build it by; None for the reference workload.
        offered: What its factory may ask for; values that JSON has, and paths.
        search: Where its Python looks for modules.
    """

    tracker: str | None
    offered: Mapping[str, Any]
    search: tuple[str, ...] = field(default_factory=lambda: tuple(sys.path))

    @property
    def threads(self) -> int:
        return int(self.offered.get("threads", 1))


@dataclass(frozen=True)
class Clip:
    """What both sides track.

    Attributes:
        path: Frames, an .npz file.
        region: Of the first frame, as VOT writes it, 0-based.
    """

    path: Path
    region: str


@dataclass(frozen=True, eq=False)
class Turns:
    """What two processes took.

    Attributes:
        cpu, wall: Shape (2, N), seconds a frame of each side; the same frame of both in a column.
        modules: Of each side, the files of the modules it had loaded.
    """

    cpu: Seconds
    wall: Seconds
    modules: tuple[Mapping[str, str | None], Mapping[str, str | None]]

    @property
    def ratio(self) -> float:
        """CPU time of the second side over that of the first: the median over blocks of two frames.

        In a block each side begins once: whoever follows its own last frame finds warm caches.
        """
        first, second = self.cpu.reshape(2, -1, 2).sum(axis=2)
        return float(np.median(second / first))

    def swapped(self) -> Turns:
        """The same with the sides exchanged."""
        return Turns(self.cpu[::-1], self.wall[::-1], self.modules[::-1])


def cores() -> list[int | None]:
    """Cores that a process may be kept on; None where the system cannot."""
    return [*sorted(os.sched_getaffinity(0))] if hasattr(os, "sched_getaffinity") else [None]


def take(first: Entrant, second: Entrant, clip: Clip, *, core: int | None) -> Turns:
    """Start both and let them track alternately; who goes first alternates too.

    Raises:
        EvalkitError: A side cannot be started or fails.
    """
    with Lane(first, clip, core) as one, Lane(second, clip, core) as other:
        modules = one.ready(), other.ready()
        sides = [one, other]
        for _ in range(WARMUP):
            _turn(sides)
        times: list[list[tuple[float, float]]] = []
        spent = 0.0
        while len(times) < CYCLES[0] * FRAMES or (len(times) < CYCLES[1] * FRAMES and spent < SECONDS * 1e9):
            for way in (1, -1):
                times.append(_turn(sides[::way])[::way])
                spent += sum(cpu for cpu, _ in times[-1])
    table = np.maximum(np.array(times), 1.0) * 1e-9
    return Turns(table[:, :, 0].T, table[:, :, 1].T, modules)


def _turn(sides: Sequence[Lane]) -> list[tuple[float, float]]:
    return [side.frame() for side in sides]


class Lane:
    """A process that tracks a frame when it is told to; see ``evalkit.regression.lane``."""

    def __init__(self, entrant: Entrant, clip: Clip, core: int | None) -> None:
        self._words = tempfile.TemporaryFile(prefix="evalkit-")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, str(Path(lane.__file__))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._words,
            env={**os.environ, **thread_environment(entrant.threads), **STEADY_MEMORY},
        )  # fmt: skip
        # Both are pipes, as was asked for.
        self._orders = cast(IO[bytes], self._process.stdin)
        self._answers = cast(IO[bytes], self._process.stdout)
        job = {
            "tracker": entrant.tracker, "offered": entrant.offered, "clip": clip.path, "region": clip.region,
            "search": entrant.search, "cpu": core if entrant.threads == 1 else None,
        }  # fmt: skip
        self._order(json.dumps(job, default=str))

    def ready(self) -> dict[str, str | None]:
        """The files of its modules, once everything is loaded and a frame was tracked."""
        return cast(dict[str, str | None], self._answer()["modules"])

    def frame(self) -> tuple[float, float]:
        """CPU and wall time of the next frame, nanoseconds."""
        self._order("")
        cpu, wall = self._answer()
        return float(cpu), float(wall)

    def _order(self, line: str) -> None:
        try:
            self._orders.write(line.encode() + b"\n")
            self._orders.flush()
        except OSError:
            raise self._broken("it ended") from None

    def _answer(self) -> Any:
        line = self._answers.readline()
        if not line:
            raise self._broken("it ended")
        answer = json.loads(line)
        if isinstance(answer, dict) and "error" in answer:
            raise self._broken(str(answer["error"]))
        return answer

    def _broken(self, cause: str) -> EvalkitError:
        code = self._process.wait()
        self._words.seek(0)
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return EvalkitError(
            f"a process that was timed failed: {cause}", found=lines[-1] if lines else f"exit code {code}", exit_code=1
        )

    def __enter__(self) -> Lane:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._orders, self._answers, self._words):
            stream.close()
