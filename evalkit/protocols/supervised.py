"""VOT's supervised protocol: a tracker that has lost its target is started again five frames later.

Source: VOT challenges 2013 to 2019; skip of the VOT toolkit's stacks, overlap of its ``region.c`` within the image.
"""

from __future__ import annotations

from evalkit.geometry import bounding_box
from evalkit.io.frames import ahead
from evalkit.metrics.raster import overlap
from evalkit.protocols.pace import Pace, ask
from evalkit.protocols.session import Session, frames_of, starting_region
from evalkit.types import Image, Mask, Region, Sequence, Tracker, Trajectory

SKIP = 5
"""Frames from a failure to the next start."""


def run(
    tracker: Tracker, sequence: Sequence, *, origin: int, name: str, repetition: int = 1, seed: int = 0
) -> list[Trajectory]:
    """Lead a tracker through a sequence, starting it again whenever its answer no longer touches the target.

    Frames between a failure and the next start hold no answer, and neither does the failed frame. A tracker that
    gives no region has failed; where the groundtruth is unknown nothing can fail, and no tracker is started.

    Args:
        seed: Unused; protocols share one signature.

    Raises:
        EvalkitError: A frame cannot be read, or frames and rows do not match.
        TrackerError: The tracker raised; its exception is chained.
    """
    session = lead(tracker, sequence, origin=origin, name=name)
    return [session.trajectory("supervised", repetition=repetition)]


def lead(
    tracker: Tracker, sequence: Sequence, *, origin: int, name: str, pace: Pace | None = None, failures: bool = True
) -> Session:
    """One pass with restarts; ``realtime`` adds a pace, its one-pass form goes without failures."""
    frames = frames_of(sequence)
    session = Session(tracker, sequence, origin=origin, name=name)
    start, running = 0, False
    for index, image in enumerate(ahead(frames, range(len(sequence)))):
        truth = sequence.region(index)
        if running:
            region = ask(session, index, image, pace)
            if failures and truth is not None and _lost(region, truth, image):
                session.fail(index)
                start, running = index + SKIP, False
        elif index >= start and truth is not None:
            given = starting_region(sequence, index)
            seconds = session.initialize(index, image, given)
            running = True
            if pace is not None:
                pace.started(given, seconds)
    return session


def _lost(region: Region | None, truth: Region, image: Image) -> bool:
    if region is None:
        return True
    height, width = image.shape[:2]
    return overlap(_drawable(region), _drawable(truth), (width, height)) <= 0


def _drawable(region: Region) -> Region:
    return bounding_box(region) if isinstance(region, Mask) else region
