"""VOT's unsupervised protocol: one pass, with regions of any form and no help after the start."""

from __future__ import annotations

from evalkit.protocols.supervised import lead
from evalkit.types import Sequence, Tracker, Trajectory


def run(
    tracker: Tracker, sequence: Sequence, *, origin: int, name: str, repetition: int = 1, seed: int = 0
) -> list[Trajectory]:
    """Lead a tracker through a sequence once, from the first annotated frame.

    Args:
        seed: Unused; protocols share one signature.

    Raises:
        EvalkitError: A frame cannot be read, or frames and rows do not match.
        TrackerError: The tracker raised; its exception is chained.
    """
    session = lead(tracker, sequence, origin=origin, name=name, failures=False)
    return [session.trajectory("unsupervised", repetition=repetition)]
