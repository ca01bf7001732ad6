"""VOT's long-term protocol: one pass, with the confidence of every answer that the target is visible."""

from __future__ import annotations

from evalkit import registry
from evalkit.protocols.supervised import track_with_restarts
from evalkit.types import Sequence, Tracker, Trajectory


@registry.protocol(
    "longterm",
    summary="initialised once; the target may disappear and return, confidences are scored (VOT-LT)",
    applies=registry.only_where_listed,
)
def run_longterm(
    tracker: Tracker, sequence: Sequence, *, origin: int, name: str, repetition: int = 1
) -> list[Trajectory]:
    """Run a tracker once through a sequence; the tracker itself has to find a target that has returned.

    Scores depend on the confidences; those of a tracker that gives none are NaN.

    Args:
        origin: Coordinate of the top left pixel in the files of the dataset; 0 for VOT, whose regions are not shifted.
        name: Label of the tracker.
        repetition: Number of the repetition, counted from 1.

    Raises:
        EvalkitError: A frame cannot be read, or frames and rows do not match.
        TrackerError: The tracker failed; its exception is chained.
    """
    session = track_with_restarts(tracker, sequence, origin=origin, name=name, skip=None)
    return [session.trajectory("longterm", repetition=repetition)]
