"""One pass through a video that does not wait: frames that come while the tracker is busy are never seen."""

from __future__ import annotations

from evalkit.metrics.streaming import Stream, restaged
from evalkit.protocols.session import Session, frames_of, starting_region
from evalkit.types import Sequence, Tracker, Trajectory


def run(
    tracker: Tracker,
    sequence: Sequence,
    *,
    origin: int,
    name: str,
    fps: float,
    latency: float | None = None,
    repetition: int = 1,
) -> list[Trajectory]:
    """Lead a tracker through a sequence whose frames arrive at a rate.

    Args:
        fps: Frames a second.
        latency: Seconds that a frame is taken to cost, for a device other than this one; what it costs here if not
            given, which makes the result depend on the speed of this machine.

    Raises:
        EvalkitError: A frame cannot be read, frames and rows do not match, or the first row holds no box.
        TrackerError: The tracker raised; its exception is chained.

    Source: the definition in ``evalkit.metrics.streaming``.
    """
    frames = frames_of(sequence)
    session = Session(tracker, sequence, origin=origin, name=name)
    session.initialize(0, frames[0], starting_region(sequence, 0))
    stream = Stream(len(sequence), 1.0 / fps)
    while (index := stream.next_frame()) is not None:
        _, seconds = session.update(index, frames[index])
        stream.answered(seconds if latency is None else latency)
    return [restaged(session.trajectory("one_pass", repetition=repetition, boxes_only=True), stream)]
