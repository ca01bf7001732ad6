"""Start and control a process that times one version of a tracker; its program is ``timed_program``."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from evalkit.engine.threads import thread_environment
from evalkit.errors import EvalkitError
from evalkit.regression.latency import timed_program
from evalkit.types import Box, Polygon, Region

STEADY_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "MALLOC_TOP_PAD_": str(1 << 26),
}
"""Makes glibc keep freed memory. By default it may return large blocks and request them again in every frame, or not,
depending on the memory layout of the process: two processes of the same network in PyTorch then differ by 7 % instead
of 1 %, and the same code imported from two folders by 3 to 6 %."""


@dataclass(frozen=True)
class TimedCode:
    """A version of a tracker to time.

    Attributes:
        tracker: Name by which ``evalkit.create_tracker`` builds it; None for the reference workload.
        arguments: Keyword arguments of ``evalkit.create_tracker``; JSON values and paths.
        import_path: ``sys.path`` of its process.
    """

    tracker: str | None
    arguments: Mapping[str, Any]
    import_path: tuple[str, ...] = field(default_factory=lambda: tuple(sys.path))

    @property
    def threads(self) -> int:
        """Threads of the tracker's runtime."""
        return int(self.arguments.get("threads", 1))


@dataclass(frozen=True)
class Clip:
    """The frames that both versions track.

    Attributes:
        path: An .npz file with the frames, in order.
        region: The target in the first frame, 0-based.
    """

    path: Path
    region: Region


def region_json(region: Region) -> dict[str, Any]:
    """Return a region as JSON values, to the last bit."""
    if isinstance(region, Box):
        return {"box": [float(value) for value in region.array()]}
    if isinstance(region, Polygon):
        return {"polygon": region.points.tolist()}
    return {"bitmap": region.bitmap.astype(int).tolist(), "x": region.x, "y": region.y}


class TimedProcess:
    """A process that tracks one frame per request; use as a context manager.

    Args:
        core: The core to stay on, if the tracker has one thread; None for no such limit.
        timeout: Seconds after which the process is stopped while it builds the tracker or tracks a frame; None for no
            limit.
    """

    def __init__(self, code: TimedCode, clip: Clip, core: int | None, timeout: float | None = None) -> None:
        self._timeout = timeout
        self._timed_out = False
        self._log = tempfile.TemporaryFile(prefix="evalkit-")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, str(Path(timed_program.__file__))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            env={**os.environ, **thread_environment(code.threads), **STEADY_MEMORY},
        )  # fmt: skip
        # Both are pipes, as requested above.
        self._requests = cast(IO[bytes], self._process.stdin)
        self._answers = cast(IO[bytes], self._process.stdout)
        job = {
            "tracker": code.tracker, "arguments": code.arguments, "clip": clip.path,
            "region": region_json(clip.region), "import_path": code.import_path,
            "core": core if code.threads == 1 else None,
        }  # fmt: skip
        self._send(json.dumps(job, default=str))

    def wait_until_ready(self) -> dict[str, str | None]:
        """Wait until the tracker is built and has tracked a frame.

        Returns:
            The files of the loaded modules, by name.

        Raises:
            EvalkitError: The process failed or took too long.
        """
        return cast(dict[str, str | None], self._receive()["modules"])

    def track_frame(self) -> tuple[float, float]:
        """Track the next frame, and return its CPU and wall-clock time in nanoseconds.

        Raises:
            EvalkitError: The process failed or took too long.
        """
        self._send("")
        cpu, wall = self._receive()
        return float(cpu), float(wall)

    def _send(self, line: str) -> None:
        try:
            self._requests.write(line.encode() + b"\n")
            self._requests.flush()
        except OSError:
            raise self._failure("it ended") from None

    def _receive(self) -> Any:
        with self._time_limit():
            line = self._answers.readline()
        if not line:
            raise self._failure("it ended")
        answer = json.loads(line)
        if isinstance(answer, dict) and "error" in answer:
            raise self._failure(str(answer["error"]))
        return answer

    @contextlib.contextmanager
    def _time_limit(self) -> Iterator[None]:
        if self._timeout is None:
            yield
            return
        timer = threading.Timer(self._timeout, self._stop)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _stop(self) -> None:
        self._timed_out = True
        self._process.kill()

    def _failure(self, cause: str) -> EvalkitError:
        code = self._process.wait()
        if self._timed_out:
            return EvalkitError(f"a timed process did not answer within {self._timeout:g} seconds", exit_code=1)
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return EvalkitError(
            f"a timed process failed: {cause}", found=lines[-1] if lines else f"exit code {code}", exit_code=1
        )

    def __enter__(self) -> TimedProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._requests, self._answers, self._log):
            with contextlib.suppress(OSError):  # an unsent request of a process that ended
                stream.close()
