"""The core types of evalkit; its parts pass nothing else to one another.

Coordinates are pixels. Annotations and results keep the coordinates of the file they came from;
``Dataset.origin`` says whether the top left pixel is 0 or 1 there. Trackers always see 0-based pixels.
"""

from __future__ import annotations

from evalkit.types.datasets import Annotation, Dataset, Frames, Sequence, VotRules
from evalkit.types.device import DeviceLanes, DeviceTracker, RunningBlock
from evalkit.types.regions import Box, Boxes, Floats, Image, Mask, Polygon, Region
from evalkit.types.scores import Cost, Metric, Score, finite_or_none
from evalkit.types.tracking import (
    BareNetwork,
    ContextTracker,
    DeferringTracker,
    DescribedTracker,
    Execution,
    FrameContext,
    FrameState,
    NetworkPart,
    Prediction,
    SplitTracker,
    Tracker,
    Trajectory,
)

__all__ = [
    "Annotation",
    "BareNetwork",
    "Box",
    "Boxes",
    "ContextTracker",
    "Cost",
    "Dataset",
    "DeferringTracker",
    "DescribedTracker",
    "DeviceLanes",
    "DeviceTracker",
    "Execution",
    "Floats",
    "FrameContext",
    "FrameState",
    "Frames",
    "Image",
    "Mask",
    "Metric",
    "NetworkPart",
    "Polygon",
    "Prediction",
    "Region",
    "RunningBlock",
    "Score",
    "Sequence",
    "SplitTracker",
    "Tracker",
    "Trajectory",
    "VotRules",
    "finite_or_none",
]
