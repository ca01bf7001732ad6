"""VOT's supervised protocol: a tracker that has lost its target is initialised again some frames later.

Source: VOT challenges 2013 to 2019; skip of the VOT toolkit's stacks, overlap of its ``region.c`` within the image.
"""

from __future__ import annotations

from evalkit import registry
from evalkit.geometry import bounding_box
from evalkit.metrics.raster import overlap
from evalkit.protocols.pace import Pace, update_in_time
from evalkit.protocols.session import Session, starting_region
from evalkit.types import Image, Mask, Region, Sequence, Tracker, Trajectory, VotRules


@registry.protocol(
    "supervised",
    summary="initialised again some frames after every failure (VOT2013 to VOT2019)",
    applies=registry.only_where_listed,
)
def run_supervised(
    tracker: Tracker, sequence: Sequence, *, origin: int, name: str, rules: VotRules, repetition: int = 1
) -> list[Trajectory]:
    """Run a tracker through a sequence, and initialise it again after its answer no longer overlaps the target.

    Frames from a failure to the next start hold no answer, and neither does the failed frame. An answer without a
    region is a failure. Where the groundtruth is unknown there is no failure, and no tracker is initialised.

    Args:
        origin: Coordinate of the top left pixel in the files of the dataset; 0 for VOT, whose regions are not shifted.
        name: Label of the tracker.
        rules: ``skip`` is the number of frames from a failure to the next start.
        repetition: Number of the repetition, counted from 1.

    Raises:
        EvalkitError: A frame cannot be read, or frames and rows do not match.
        TrackerError: The tracker failed; its exception is chained.
    """
    session = track_with_restarts(tracker, sequence, origin=origin, name=name, skip=rules.skip)
    return [session.trajectory("supervised", repetition=repetition)]


def track_with_restarts(
    tracker: Tracker, sequence: Sequence, *, origin: int, name: str, skip: int | None, pace: Pace | None = None
) -> Session:
    """Run a tracker through a sequence from its first annotated frame.

    Args:
        skip: Frames from a failure to the next start; None: the tracker is not checked for failures.
        pace: Frame rate that the tracker must keep up with; None: frames wait for the tracker.
    """
    session = Session(tracker, sequence, origin=origin, name=name)
    start, running = 0, False
    for index, image in session.frames():
        truth = sequence.region(index)
        if running:
            region = update_in_time(session, index, image, pace, needed=skip is not None)
            if skip is not None and truth is not None and _has_failed(region, truth, image):
                session.mark_failed(index)
                start, running = index + skip, False
        elif index >= start and truth is not None:
            given = starting_region(sequence, index)
            seconds = session.initialize(index, image, given)
            running = True
            if pace is not None:
                pace.started(given, seconds)
    return session


def _has_failed(region: Region | None, truth: Region, image: Image) -> bool:
    if region is None:
        return True
    height, width = image.shape[:2]
    return overlap(_with_corners(region), _with_corners(truth), (width, height)) <= 0


def _with_corners(region: Region) -> Region:
    return bounding_box(region) if isinstance(region, Mask) else region
