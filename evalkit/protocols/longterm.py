"""VOT's long-term protocol: one pass, and in every frame how sure the tracker is that the target is there."""

from __future__ import annotations

from evalkit.protocols.supervised import lead
from evalkit.types import Sequence, Tracker, Trajectory


def run(
    tracker: Tracker, sequence: Sequence, *, origin: int, name: str, repetition: int = 1, seed: int = 0
) -> list[Trajectory]:
    """Lead a tracker through a sequence once; nothing happens when the target leaves, the tracker is to find it again.

    The confidence is what the score is made of; a tracker that gives none keeps NaN.

    Args:
        seed: Unused; protocols share one signature.

    Raises:
        EvalkitError: A frame cannot be read, or frames and rows do not match.
        TrackerError: The tracker raised; its exception is chained.
    """
    session = lead(tracker, sequence, origin=origin, name=name, failures=False)
    return [session.trajectory("longterm", repetition=repetition)]
