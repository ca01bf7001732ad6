"""VOT's unsupervised protocol: one pass without reinitialisation, with regions of any kind."""

from __future__ import annotations

from evalkit import registry
from evalkit.protocols.supervised import track_with_restarts
from evalkit.types import Sequence, Tracker, Trajectory


@registry.protocol(
    "unsupervised",
    summary="initialised once, in the first annotated frame; regions of any kind (VOT)",
    applies=registry.only_where_listed,
)
def run_unsupervised(
    tracker: Tracker, sequence: Sequence, *, origin: int, name: str, repetition: int = 1
) -> list[Trajectory]:
    """Run a tracker once through a sequence, from the first annotated frame.

    Args:
        origin: Coordinate of the top left pixel in the files of the dataset; 0 for VOT, whose regions are not shifted.
        name: Label of the tracker.
        repetition: Number of the repetition, counted from 1.

    Raises:
        EvalkitError: A frame cannot be read, or frames and rows do not match.
        TrackerError: The tracker failed; its exception is chained.
    """
    session = track_with_restarts(tracker, sequence, origin=origin, name=name, skip=None)
    return [session.trajectory("unsupervised", repetition=repetition)]
