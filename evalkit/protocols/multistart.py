"""VOT's protocol since 2020: one run from each anchor, forwards to the last frame or backwards to the first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.protocols.pace import Pace, update_in_time
from evalkit.protocols.session import Session, starting_region
from evalkit.types import Region, Sequence, Tracker, Trajectory


@registry.protocol(
    "multistart",
    summary="one run from each anchor, forwards or backwards (VOT2020 and later)",
    applies=registry.only_where_listed,
)
def run_multistart(
    tracker: Tracker, sequence: Sequence, *, origin: int, name: str, repetition: int = 1
) -> list[Trajectory]:
    """Run a tracker from every anchor of a sequence.

    Args:
        origin: Coordinate of the top left pixel in the files of the dataset; 0 for VOT, whose regions are not shifted.
        name: Label of the tracker.
        repetition: Number of the repetition, counted from 1.

    Returns:
        One trajectory per anchor, in the order of the anchors. Rows are in run order: a backward run begins at its
        anchor and ends at the first frame.

    Raises:
        EvalkitError: There are no anchors, a frame cannot be read, or frames and rows do not match.
        TrackerError: The tracker failed; its exception is chained.
    """
    return track_from_anchors(tracker, sequence, "multistart", origin=origin, name=name, repetition=repetition)


def track_from_anchors(
    tracker: Tracker,
    sequence: Sequence,
    protocol: str,
    *,
    origin: int,
    name: str,
    repetition: int,
    new_pace: Callable[[], Pace] | None = None,
) -> list[Trajectory]:
    """Run a tracker from every anchor of a sequence.

    Args:
        protocol: Name of the protocol in the trajectories.
        new_pace: Makes the pace of each run; None: frames wait for the tracker.
    """
    anchors = sequence.annotation.anchors
    if anchors is None or not anchors.any():
        raise EvalkitError("this protocol starts from anchors, and the sequence has none", where=sequence.name)
    runs = []
    for anchor in np.flatnonzero(anchors).tolist():
        order = range(anchor, len(sequence)) if anchors[anchor] > 0 else range(anchor, -1, -1)
        session = Session(tracker, sequence, origin=origin, name=name, order=order)
        _track(session, starting_region(sequence, anchor), None if new_pace is None else new_pace())
        runs.append(session.trajectory(protocol, repetition=repetition, anchor=anchor))
    return runs


def _track(session: Session, start: Region, pace: Pace | None) -> None:
    for index, image in session.frames():
        if index > 0:
            update_in_time(session, index, image, pace, needed=False)
            continue
        seconds = session.initialize(index, image, start)
        if pace is not None:
            pace.started(start, seconds)
