"""VOT's protocol since 2020: one run from each anchor, forwards to the end or backwards to the beginning."""

from __future__ import annotations

import numpy as np

from evalkit.errors import EvalkitError
from evalkit.frames import ahead
from evalkit.protocols.session import Session, frames_of, starting_region
from evalkit.types import Frames, Sequence, Tracker, Trajectory


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
    anchors = sequence.annotation.anchors
    if anchors is None or not anchors.any():
        raise EvalkitError("this protocol starts from anchors, and the sequence has none", where=sequence.name)
    frames = frames_of(sequence)
    return [
        _from_anchor(tracker, sequence, frames, int(anchor), bool(anchors[anchor] > 0), origin, name, repetition)
        for anchor in np.flatnonzero(anchors)
    ]


def _from_anchor(
    tracker: Tracker,
    sequence: Sequence,
    frames: Frames,
    anchor: int,
    forward: bool,
    origin: int,
    name: str,
    repetition: int,
) -> Trajectory:
    order = range(anchor, len(sequence)) if forward else range(anchor, -1, -1)
    session = Session(tracker, sequence, origin=origin, name=name, order=order)
    for index, image in enumerate(ahead(frames, order)):
        if index == 0:
            session.initialize(index, image, starting_region(sequence, anchor))
        else:
            session.update(index, image)
    return session.trajectory("multistart", repetition=repetition, anchor=anchor)
