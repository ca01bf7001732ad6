"""VOT's protocol since 2020: one run from each anchor, forwards to the end or backwards to the beginning."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evalkit.errors import EvalkitError
from evalkit.io.frames import ahead
from evalkit.protocols.pace import Pace, ask
from evalkit.protocols.session import Session, frames_of, starting_region
from evalkit.types import Frames, Region, Sequence, Tracker, Trajectory


def run(
    tracker: Tracker, sequence: Sequence, *, origin: int, name: str, repetition: int = 1, seed: int = 0
) -> list[Trajectory]:
    """Run a tracker from every anchor of a sequence, in the order of the anchors.

    Returns:
        One trajectory per anchor, in run order: a backward run begins at its anchor and ends at the first frame.

    Args:
        seed: Unused; protocols share one signature.

    Raises:
        EvalkitError: There are no anchors, a frame cannot be read, or frames and rows do not match.
        TrackerError: The tracker raised; its exception is chained.
    """
    return from_anchors(tracker, sequence, "multistart", origin=origin, name=name, repetition=repetition)


def from_anchors(
    tracker: Tracker,
    sequence: Sequence,
    protocol: str,
    *,
    origin: int,
    name: str,
    repetition: int,
    pace: Callable[[], Pace] | None = None,
) -> list[Trajectory]:
    """One run from each anchor; ``realtime`` adds a pace to each.

    Args:
        protocol: Whose trajectories they are.
    """
    anchors = sequence.annotation.anchors
    if anchors is None or not anchors.any():
        raise EvalkitError("this protocol starts from anchors, and the sequence has none", where=sequence.name)
    frames = frames_of(sequence)
    runs = []
    for anchor in np.flatnonzero(anchors).tolist():
        order = range(anchor, len(sequence)) if anchors[anchor] > 0 else range(anchor, -1, -1)
        session = Session(tracker, sequence, origin=origin, name=name, order=order)
        _lead(session, frames, order, starting_region(sequence, anchor), None if pace is None else pace())
        runs.append(session.trajectory(protocol, repetition=repetition, anchor=anchor))
    return runs


def _lead(session: Session, frames: Frames, order: range, start: Region, pace: Pace | None) -> None:
    for index, image in enumerate(ahead(frames, order)):
        if index > 0:
            ask(session, index, image, pace)
            continue
        seconds = session.initialize(index, image, start)
        if pace is not None:
            pace.started(start, seconds)
