"""Compare how a tracker tracks when other runtimes execute its network with how it tracks in torch.

Outputs equal to six digits give equal boxes. For lower precisions no tolerance on the outputs tells how much accuracy
is lost, so it is measured by tracking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit import progress
from evalkit.geometry import bounding_box, overlap
from evalkit.metrics.success import THRESHOLDS
from evalkit.runtimes import calibration
from evalkit.types import Boxes, Floats, Region, Tracker

FIRST_SCENE = 100
"""Number of the first scene; int8 is calibrated on others."""


@dataclass(frozen=True)
class Agreement:
    """Agreement of a tracker with a reference on the same rendered sequences, without their first frames.

    Attributes:
        overlap: Mean overlap of their boxes, in [0, 1].
        auc, auc_torch: Mean success over the 21 thresholds, averaged over sequences, in [0, 1]; of the tracker, and of
            the reference.
        sequences: Number of sequences.
        frames: Number of frames in all.
    """

    overlap: float
    auc: float
    auc_torch: float
    sequences: int
    frames: int

    @property
    def loss(self) -> float:
        """AUC that is lost; negative where it rises."""
        return self.auc_torch - self.auc


def compare_tracking(
    trackers: Sequence[Tracker], reference: Tracker, *, sequences: int = 4, frames: int = 25
) -> list[Agreement]:
    """Track the same rendered targets with several trackers and with a reference.

    Args:
        trackers: Trackers that differ from the reference in the execution of the network.
        reference: The tracker executed by torch in fp32.
        sequences: Number of sequences.
        frames: Frames in each sequence, the first one included.

    Returns:
        One agreement for each of ``trackers``.
    """
    scenes = range(FIRST_SCENE, FIRST_SCENE + sequences)
    pairs = [
        _track((*trackers, reference), index, frames)
        for index in progress.each(scenes, "comparing how it tracks rendered scenes with torch")
    ]
    *aucs, auc_torch = np.mean([[success(truth, boxes) for boxes in tracked] for truth, tracked in pairs], axis=0)
    *tracked, by_reference = (np.concatenate(boxes) for boxes in zip(*(boxes for _, boxes in pairs), strict=True))
    return [
        Agreement(float(overlap(boxes, by_reference).mean()), float(auc), float(auc_torch), sequences, len(boxes))
        for boxes, auc in zip(tracked, aucs, strict=True)
    ]


def success(groundtruth: Boxes, boxes: Boxes) -> float:
    """Return the mean over ``THRESHOLDS`` of the fraction of frames whose overlap exceeds them.

    Args:
        groundtruth: Shape (N, 4). Frames with NaN are left out.
        boxes: Shape (N, 4). NaN where the tracker did not answer, which counts as overlap 0.

    >>> round(success(np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[0.0, 0.0, 2.0, 2.0]])), 4)
    0.9524
    """
    known = ~np.isnan(groundtruth).any(axis=1)
    values: Floats = np.nan_to_num(overlap(groundtruth[known], boxes[known]))
    return float((values[:, None] > THRESHOLDS).mean())


def _track(trackers: Sequence[Tracker], index: int, frames: int) -> tuple[Boxes, list[Boxes]]:
    """Return the groundtruth of a scene after its first frame, and the boxes of each tracker there."""
    images, box = calibration.images_and_box(index, frames)
    first = next(images)
    for tracker in trackers:
        tracker.initialize(first, box)
    rows = [[_to_row(tracker.update(image).region) for tracker in trackers] for image in images]
    tracked = np.array(rows).transpose(1, 0, 2)
    return calibration.scene(index, frames).annotation().boxes[1:], list(tracked)


def _to_row(region: Region | None) -> Floats:
    return np.full(4, np.nan) if region is None else bounding_box(region).array()
