"""One-pass evaluation: the tracker is initialised once, from the first annotated box."""

from __future__ import annotations

from evalkit import registry
from evalkit.protocols.session import Session, starting_region
from evalkit.types import Sequence, Tracker, Trajectory


@registry.protocol(
    "one_pass",
    summary="initialised once, in the first frame (OTB, LaSOT, GOT-10k, TrackingNet)",
    applies=registry.only_where_listed,
)
def run_one_pass(
    tracker: Tracker, sequence: Sequence, *, origin: int, name: str, repetition: int = 1
) -> list[Trajectory]:
    """Run a tracker once through a sequence.

    The first row of the trajectory is the given box. The others are the bounding boxes of the answers; NaN where the
    tracker gave none.

    Args:
        origin: Coordinate of the top left pixel in the files of the dataset, 0 or 1.
        name: Label of the tracker.
        repetition: Number of the repetition, counted from 1.

    Raises:
        EvalkitError: A frame cannot be read, frames and rows do not match, or the first row holds no box.
        TrackerError: The tracker failed; its exception is chained.

    Source: OTB's one-pass evaluation (OPE), also used by LaSOT, GOT-10k and TrackingNet.
    """
    session = Session(tracker, sequence, origin=origin, name=name)
    for index, image in session.frames():
        if index == 0:
            session.initialize(index, image, starting_region(sequence, 0))
        else:
            session.update_later(index, image)
    return [session.trajectory("one_pass", repetition=repetition, boxes_only=True)]
