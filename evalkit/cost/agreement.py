"""Whether a tracker still tracks under another runtime: its boxes and its AUC beside those of torch.

Equal tensors to six digits give equal boxes; for lower precisions no tolerance on tensors says what tracking loses, so
tracking says it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.geometry import bounding_box, overlap
from evalkit.metrics.success import THRESHOLDS
from evalkit.runtimes import calibration
from evalkit.types import Boxes, Region, Tracker

FIRST = 100
"""Of the scenes: not those that int8 was calibrated on."""


@dataclass(frozen=True)
class Agreement:
    """Two executions of one tracker on the same rendered sequences, frames after the first.

    Attributes:
        overlap: Mean overlap of their boxes, in [0, 1].
        auc, auc_torch: Mean success over the 21 thresholds, averaged over sequences, in [0, 1].
    """

    overlap: float
    auc: float
    auc_torch: float
    sequences: int
    frames: int

    @property
    def loss(self) -> float:
        """AUC that the execution costs; negative where it gained."""
        return self.auc_torch - self.auc


def tracking(tracker: Tracker, reference: Tracker, *, sequences: int = 4, frames: int = 25) -> Agreement:
    """Follow the same targets with both.

    Args:
        reference: The tracker executed by torch in fp32.
    """
    return side_by_side([tracker], reference, sequences=sequences, frames=frames)[0]


def side_by_side(
    trackers: Sequence[Tracker], reference: Tracker, *, sequences: int = 4, frames: int = 25
) -> list[Agreement]:
    """``tracking`` for several trackers, the reference followed once."""
    pairs = [_followed((*trackers, reference), index, frames) for index in range(FIRST, FIRST + sequences)]
    *aucs, auc_torch = np.mean([[success(truth, boxes) for boxes in answers] for truth, answers in pairs], axis=0)
    *ours, theirs = (np.concatenate(boxes) for boxes in zip(*(answers for _, answers in pairs), strict=True))
    return [
        Agreement(float(overlap(boxes, theirs).mean()), float(auc), float(auc_torch), sequences, len(boxes))
        for boxes, auc in zip(ours, aucs, strict=True)
    ]


def success(groundtruth: Boxes, boxes: Boxes) -> float:
    """Mean over ``THRESHOLDS`` of the share of frames whose overlap exceeds them; frames without groundtruth left out.

    >>> round(success(np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[0.0, 0.0, 2.0, 2.0]])), 4)
    0.9524
    """
    known = ~np.isnan(groundtruth).any(axis=1)
    values: NDArray[np.float64] = np.nan_to_num(overlap(groundtruth[known], boxes[known]))
    return float((values[:, None] > THRESHOLDS).mean())


def _followed(trackers: Sequence[Tracker], index: int, frames: int) -> tuple[Boxes, list[Boxes]]:
    """Groundtruth of a scene after its first frame, and what each tracker answered there."""
    images, box = calibration.scene(index, frames)
    first = next(images)
    for tracker in trackers:
        tracker.initialize(first, box)
    rows = [[_box(tracker.update(image).region) for tracker in trackers] for image in images]
    answers = np.array(rows).transpose(1, 0, 2)
    return calibration.rendered(index, frames).annotation().boxes[1:], list(answers)


def _box(region: Region | None) -> NDArray[np.float64]:
    return np.full(4, np.nan) if region is None else bounding_box(region).array()
