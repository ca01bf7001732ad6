"""Accuracy in a video that does not wait: success as a function of the frame rate.

Frame k arrives k / fps seconds after the start; the time of the initialisation is not counted. An idle tracker takes up
the newest frame that has arrived, and then is busy for as long as that frame takes it. What counts at a frame is the
tracker's last answer by the time the next frame arrives. As long as no frame is passed over the tracker has seen what
it saw when it was run, and its stored answers are replayed exactly; beyond that rate it has to be run again
(``evalkit.protocols.streaming``).

Source of the idea: Li, Wang and Ramanan, Towards Streaming Perception, ECCV 2020; the grace of one interval is that of
VOT's realtime challenge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.metrics import profiles
from evalkit.types import Dataset, Score, Trajectory

RATES = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 60.0, 120.0)
"""Frames per second that scores are given for."""

Rerun = Callable[[str, float], Trajectory]
"""Runs the tracker again on a sequence, by name, at a frame rate."""


class Stream:
    """A video whose frames come whether or not the tracker is ready.

    Args:
        frames: How many; the first one is for the initialisation.
        interval: Seconds from frame to frame.
    """

    def __init__(self, frames: int, interval: float) -> None:
        self._interval = interval
        # Frames times interval is not exact: a billionth of an interval must not make an answer late.
        self._slack = interval * 1e-9
        self._idle_from = 0.0
        self._taken = 0
        self._finished = np.full(frames, np.inf)
        self._finished[:1] = 0.0

    def next_frame(self) -> int | None:
        """The frame that the tracker takes up next; None when the video is over."""
        last = len(self._finished) - 1
        if self._taken == last:
            return None
        newest = int((self._idle_from + self._slack) // self._interval)
        self._taken = min(max(newest, self._taken + 1), last)
        return self._taken

    def answered(self, seconds: float) -> None:
        """The frame taken up last took so long."""
        start = max(self._idle_from, self._taken * self._interval)
        self._idle_from = start + seconds
        self._finished[self._taken] = self._idle_from

    def asked(self) -> NDArray[np.bool_]:
        """Shape (frames,): frames that the tracker saw."""
        seen: NDArray[np.bool_] = np.isfinite(self._finished)
        return seen

    def shown(self) -> NDArray[np.intp]:
        """Shape (frames,): at each frame, the frame whose answer stands when the next one arrives."""
        frames = np.flatnonzero(self.asked())
        deadlines = (np.arange(len(self._finished)) + 1) * self._interval + self._slack
        # A tracker answers in order, so that its finishing times rise.
        ready = np.searchsorted(self._finished[frames], deadlines, side="right")
        come = np.searchsorted(frames, np.arange(len(deadlines)), side="right")
        shown: NDArray[np.intp] = frames[np.minimum(ready, come) - 1]
        return shown


def schedule(seconds: NDArray[np.float64], interval: float) -> Stream:
    """The stream of a tracker whose time for every frame is known."""
    stream = Stream(len(seconds), interval)
    while (frame := stream.next_frame()) is not None:
        stream.answered(float(seconds[frame]))
    return stream


def replay(trajectory: Trajectory, fps: float, *, latency: float | None = None) -> Trajectory | None:
    """What a stored one-pass trajectory would have been in a video of that frame rate.

    Args:
        latency: Seconds a frame takes on the device in question; the stored times if not given.

    Returns:
        None where the tracker would have passed frames over, and so have seen something else.

    Raises:
        EvalkitError: No latency is given, and times are not stored.
    """
    seconds = trajectory.seconds if latency is None else np.full(len(trajectory), latency)
    if np.isnan(seconds[1:]).any():
        raise EvalkitError(
            "the result does not say how long each frame took",
            where=f"{trajectory.tracker} on {trajectory.sequence}",
            hint="Give the latency of the device with --latency SECONDS, or run the tracker again with one job",
        )
    stream = schedule(seconds, 1.0 / fps)
    return restaged(trajectory, stream) if stream.asked().all() else None


def restaged(trajectory: Trajectory, stream: Stream) -> Trajectory:
    """The answers that stand at each frame, in place of those that belong to it."""
    shown = stream.shown()
    regions = trajectory.regions
    return replace(
        trajectory,
        boxes=trajectory.boxes[shown],
        regions=None if regions is None else tuple(regions[index] for index in shown.tolist()),
        confidence=trajectory.confidence[shown],
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
) -> list[Score]:
    """What stored one-pass results score in videos that do not wait, by rate.

    A rate at which the tracker would have passed frames over has no value; its notes name the sequences.

    Args:
        runs: By sequence name; the first repetition is taken.
        latency: As for ``replay``.
        attributes: Also one score per metric and attribute.

    Raises:
        EvalkitError: The results are not one-pass ones, or times are neither stored nor given; see ``profiles.score``.
    """
    if protocol != "one_pass":
        raise EvalkitError(
            "the score of a video that does not wait is one of one-pass results", where=dataset.name, found=protocol,
            hint="VOT has a protocol for it: run with `--protocol realtime`",
        )  # fmt: skip
    found: list[Score] = []
    for fps in rates:
        known, beyond = _staged(runs, fps, latency)
        shown = {name: staged[:1] for name, staged in runs.items()} if beyond else known
        confidence = None if beyond else 0.95
        scores = profiles.score(
            profile, dataset, tracker, protocol, shown, attributes=attributes, confidence=confidence
        )
        found += [_unknown(score, fps, beyond) if beyond else replace(score, fps=fps) for score in scores]
    return found


def _unknown(score: Score, fps: float, beyond: tuple[str, ...]) -> Score:
    listed = ", ".join(beyond[:8]) + (", ..." if len(beyond) > 8 else "")
    count = f"{len(beyond)} of {score.sequences} sequences"
    note = f"no score at {fps:g} fps: frames would be passed over in {count} ({listed})"
    return replace(
        score, value=None, per_sequence=dict.fromkeys(score.per_sequence), curve=None, notes=(note,), fps=fps
    )


def _staged(
    runs: Mapping[str, list[Trajectory]], fps: float, latency: float | None
) -> tuple[dict[str, list[Trajectory]], tuple[str, ...]]:
    """What can be replayed, and the names of the sequences that cannot."""
    staged = {name: replay(found[0], fps, latency=latency) for name, found in runs.items() if found}
    known = {name: [trajectory] for name, trajectory in staged.items() if trajectory is not None}
    return known, tuple(name for name in staged if name not in known)


@dataclass(frozen=True)
class RateScore:
    """A score at one frame rate.

    Attributes:
        score: None where the tracker has to be run again to know.
        replayed: Sequences that were replayed from stored answers.
        to_rerun: Sequences on which the tracker would have passed frames over.
    """

    fps: float
    score: Score | None
    replayed: int
    to_rerun: tuple[str, ...]


def score_over_rates(
    profile: str,
    dataset: Dataset,
    tracker: str,
    runs: Mapping[str, list[Trajectory]],
    *,
    rates: Sequence[float] = RATES,
    latency: float | None = None,
    rerun: Rerun | None = None,
    metric: str = "auc",
) -> list[RateScore]:
    """A one-pass score as a function of the frame rate.

    Args:
        runs: One-pass results by sequence name; the first repetition is taken.
        latency: As for ``replay``.
        rerun: Asked for the sequences that cannot be replayed; without it their rate has no score.
    """
    return [_at_rate(profile, dataset, tracker, runs, fps, latency, rerun, metric) for fps in rates]


def _at_rate(
    profile: str,
    dataset: Dataset,
    tracker: str,
    runs: Mapping[str, list[Trajectory]],
    fps: float,
    latency: float | None,
    rerun: Rerun | None,
    metric: str,
) -> RateScore:
    known, beyond = _staged(runs, fps, latency)
    replayed = len(known)
    if beyond and rerun is None:
        return RateScore(fps, None, replayed, beyond)
    if rerun is not None:
        known.update({name: [rerun(name, fps)] for name in beyond})
    results = {name: known[name] for name, found in runs.items() if found}
    scores = profiles.score(profile, dataset, tracker, "one_pass", results)
    chosen = next((item for item in scores if item.metric == metric), None)
    if chosen is None:
        raise ValueError(f"profile {profile} does not report {metric}")
    return RateScore(fps, chosen, replayed, beyond)
