"""One-pass evaluation: started once, from the first annotated box, and never helped again."""

from __future__ import annotations

from evalkit.io.frames import ahead
from evalkit.protocols.session import Session, frames_of, starting_region
from evalkit.types import Sequence, Tracker, Trajectory


def run(
    tracker: Tracker, sequence: Sequence, *, origin: int, name: str, repetition: int = 1, seed: int = 0
) -> list[Trajectory]:
    """Lead a tracker through a sequence once.

    The first row of the result is the given box; the others are what the tracker answered, NaN where it gave none.

    Args:
        seed: Unused; protocols share one signature.

    Raises:
        EvalkitError: A frame cannot be read, frames and rows do not match, or the first row holds no box.
        TrackerError: The tracker raised; its exception is chained.

    Source: OTB's one-pass evaluation (OPE); LaSOT, GOT-10k and TrackingNet use the same.
    """
    frames = frames_of(sequence)
    session = Session(tracker, sequence, origin=origin, name=name)
    start = starting_region(sequence, 0)
    for index, image in enumerate(ahead(frames, range(len(sequence)))):
        if index == 0:
            session.initialize(index, image, start)
        else:
            session.update(index, image)
    return [session.trajectory("one_pass", repetition=repetition, boxes_only=True)]
