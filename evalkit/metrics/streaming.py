"""Streaming evaluation: scores of a tracker on a live stream, as a function of the frame rate.

Frame k arrives k / fps seconds after the start; the time of the initialisation is not counted. An idle tracker takes
the newest frame that has arrived, and is then busy for the time that it needs for that frame. Scored at a frame is the
last answer that the tracker has given when the next frame arrives. As long as no frame is dropped, the tracker has seen
the frames that it saw when it was run, and its stored answers can be replayed exactly; beyond that rate there is no
score.

Source of the idea: Li, Wang and Ramanan, Towards Streaming Perception, ECCV 2020; the grace of one interval is that of
VOT's realtime challenge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError, listed
from evalkit.metrics import profiles
from evalkit.types import Dataset, Floats, Score, Trajectory

RATES = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 60.0, 120.0)
"""Frame rates in frames per second that reports plot scores at."""


class Stream:
    """The schedule of a live stream: the frames that a tracker takes, and when it has answered.

    Args:
        frames: Number of frames; the first one is for the initialisation.
        interval: Seconds from frame to frame.
    """

    def __init__(self, frames: int, interval: float) -> None:
        self._interval = interval
        # The product of frames and interval is rounded: a billionth of an interval must not make an answer late.
        self._slack = interval * 1e-9
        self._idle_from = 0.0
        self._taken = 0
        self._finished = np.full(frames, np.inf)
        self._finished[:1] = 0.0

    def next_frame(self) -> int | None:
        """Return the index of the frame that the tracker takes next; None at the end of the video."""
        last = len(self._finished) - 1
        if self._taken == last:
            return None
        newest = int((self._idle_from + self._slack) // self._interval)
        self._taken = min(max(newest, self._taken + 1), last)
        return self._taken

    def finish(self, seconds: float) -> None:
        """Record that the frame taken last needed this time."""
        start = max(self._idle_from, self._taken * self._interval)
        self._idle_from = start + seconds
        self._finished[self._taken] = self._idle_from

    def taken(self) -> NDArray[np.bool_]:
        """Return the frames that the tracker took, shape (frames,)."""
        seen: NDArray[np.bool_] = np.isfinite(self._finished)
        return seen

    def answers(self) -> NDArray[np.intp]:
        """Return for each frame the index of the frame whose answer is the last when the next frame arrives.

        Returns:
            Shape (frames,).
        """
        frames = np.flatnonzero(self.taken())
        deadlines = (np.arange(len(self._finished)) + 1) * self._interval + self._slack
        # A tracker answers in order, so that its finishing times increase.
        ready = np.searchsorted(self._finished[frames], deadlines, side="right")
        arrived = np.searchsorted(frames, np.arange(len(deadlines)), side="right")
        latest: NDArray[np.intp] = frames[np.minimum(ready, arrived) - 1]
        return latest


def schedule(seconds: Floats, interval: float) -> Stream:
    """Simulate the live stream for a tracker whose time for every frame is known.

    Args:
        seconds: Shape (N,).
        interval: Seconds from frame to frame.
    """
    stream = Stream(len(seconds), interval)
    while (frame := stream.next_frame()) is not None:
        stream.finish(float(seconds[frame]))
    return stream


def replay(trajectory: Trajectory, fps: float, *, latency: float | None = None) -> Trajectory | None:
    """Return a stored one-pass trajectory as it would have been on a live stream of that frame rate.

    Args:
        latency: Seconds per frame of the device to simulate; the stored times by default.

    Returns:
        None where the tracker would have dropped frames, and so have seen another video.

    Raises:
        EvalkitError: No latency is given, and times are not stored.
    """
    seconds = trajectory.seconds if latency is None else np.full(len(trajectory), latency)
    if np.isnan(seconds[1:]).any():
        raise EvalkitError(
            "the result has no times of its frames",
            where=f"{trajectory.tracker} on {trajectory.sequence}",
            hint="Give the latency of the device with --latency SECONDS, or run the tracker again with one job",
        )
    stream = schedule(seconds, 1.0 / fps)
    return _delayed(trajectory, stream) if stream.taken().all() else None


def _delayed(trajectory: Trajectory, stream: Stream) -> Trajectory:
    """Replace the answer at each frame by the last one that was ready."""
    latest = stream.answers()
    regions = trajectory.regions
    return replace(
        trajectory,
        boxes=trajectory.boxes[latest],
        regions=None if regions is None else tuple(regions[index] for index in latest.tolist()),
        confidence=trajectory.confidence[latest],
    )


def scores_at(
    profile: str,
    dataset: Dataset,
    tracker: str,
    protocol: str,
    runs: Mapping[str, list[Trajectory]],
    *,
    rates: Sequence[float],
    latency: float | None = None,
    attributes: bool = False,
    confidence: float | None = 0.95,
) -> list[Score]:
    """Score stored one-pass results on live streams of given frame rates.

    A score has no value at a rate at which the tracker would have dropped frames; its notes name the sequences.

    Args:
        runs: By sequence name; the first repetition is used.
        rates: Frames per second.
        latency: See ``replay``.
        attributes: Also compute one score per metric and attribute.
        confidence: Level of the intervals; None for none.

    Raises:
        EvalkitError: The results are not one-pass ones, times are neither stored nor given, or see ``profiles.score``.
    """
    if protocol != "one_pass":
        raise EvalkitError(
            "only one-pass results can be scored at a frame rate", where=dataset.name, found=protocol,
            expected="one_pass", hint="VOT has a protocol for it: run with `--protocol realtime`",
        )  # fmt: skip
    found: list[Score] = []
    for fps in rates:
        known, dropping = _replayed(runs, fps, latency)
        scored = {name: stored[:1] for name, stored in runs.items()} if dropping else known
        scores = profiles.score(
            profile, dataset, tracker, protocol, scored, attributes=attributes,
            confidence=None if dropping else confidence,
        )  # fmt: skip
        found += [_without_value(score, fps, dropping) if dropping else replace(score, fps=fps) for score in scores]
    return found


def _without_value(score: Score, fps: float, dropping: tuple[str, ...]) -> Score:
    count = f"{len(dropping)} of {score.sequences} sequences"
    note = f"no score at {fps:g} fps: frames would be dropped in {count} ({listed(dropping)})"
    return replace(
        score, value=None, per_sequence=dict.fromkeys(score.per_sequence), curve=None, notes=(note,), fps=fps
    )


def _replayed(
    runs: Mapping[str, list[Trajectory]], fps: float, latency: float | None
) -> tuple[dict[str, list[Trajectory]], tuple[str, ...]]:
    """Return the trajectories that can be replayed, and the names of the sequences in which frames would be dropped."""
    replayed = {name: replay(found[0], fps, latency=latency) for name, found in runs.items() if found}
    known = {name: [trajectory] for name, trajectory in replayed.items() if trajectory is not None}
    return known, tuple(name for name in replayed if name not in known)
