"""Boxes of one tracked video as text, CSV, COCO-video JSON and CVAT XML."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from evalkit.errors import EvalkitError
from evalkit.io import atomic
from evalkit.io.rows import format_number, format_rows
from evalkit.types import Trajectory


@dataclass(frozen=True, eq=False)
class TrackedVideo:
    """What a file of boxes describes.

    Attributes:
        name: Name of the video.
        trajectory: What the tracker answered.
        size: Width and height of the images.
        files: Names of the image files, where frames are files.
    """

    name: str
    trajectory: Trajectory
    size: tuple[int, int]
    files: tuple[str, ...] = ()

    def file_name(self, number: int) -> str:
        """Return the name of the image of a frame; a made-up one where frames are not files."""
        return self.files[number] if self.files else f"{self.name}/{number:06d}.jpg"


def as_text(video: TrackedVideo) -> str:
    """Return one line ``x,y,width,height`` per frame, 0-based pixels; ``nan,nan,nan,nan`` where there is no box."""
    return format_rows(video.trajectory.boxes)


def as_csv(video: TrackedVideo) -> str:
    """Return a table with frame number from 0, box, confidence and seconds; empty where there is no value."""
    lines = ["frame,x,y,width,height,confidence,seconds"]
    trajectory = video.trajectory
    rows = zip(trajectory.boxes.tolist(), trajectory.confidence.tolist(), trajectory.seconds.tolist(), strict=True)
    for number, (box, confidence, seconds) in enumerate(rows):
        values = ("" if math.isnan(value) else format_number(value) for value in (*box, confidence, seconds))
        lines.append(",".join([str(number), *values]))
    return "\n".join(lines) + "\n"


def as_coco_video(video: TrackedVideo) -> str:
    """Return COCO-video JSON (CocoVID): videos, images with ``frame_id``, annotations with ``instance_id``."""
    width, height = video.size
    images = [
        {"id": number + 1, "video_id": 1, "frame_id": number, "file_name": video.file_name(number), "width": width,
         "height": height}
        for number in range(len(video.trajectory))
    ]  # fmt: skip
    annotations: list[dict[str, Any]] = []
    for number, box in enumerate(video.trajectory.boxes.tolist()):
        if math.isnan(box[0]):
            continue
        confidence = float(video.trajectory.confidence[number])
        one = {"id": len(annotations) + 1, "image_id": number + 1, "video_id": 1, "category_id": 1, "instance_id": 1,
               "track_id": 1, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}  # fmt: skip
        annotations.append(one if math.isnan(confidence) else {**one, "score": confidence})
    content = {
        "videos": [{"id": 1, "name": video.name, "width": width, "height": height}],
        "images": images, "annotations": annotations, "categories": [{"id": 1, "name": "target"}],
    }  # fmt: skip
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def as_cvat(video: TrackedVideo) -> str:
    """Return CVAT's XML for video 1.1: one track; frames without a box are marked ``outside``."""
    width, height = video.size
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "  <version>1.1</version>", "  <meta><task>"]
    lines += [f"    <name>{escape(video.name)}</name>", f"    <size>{len(video.trajectory)}</size>"]
    lines += ["    <mode>interpolation</mode>", "    <labels><label><name>target</name></label></labels>"]
    lines += [f"    <original_size><width>{width}</width><height>{height}</height></original_size>"]
    lines += ["  </task></meta>", '  <track id="0" label="target" source="auto">']
    last = [0.0, 0.0, 0.0, 0.0]
    for number, box in enumerate(video.trajectory.boxes.tolist()):
        outside = math.isnan(box[0])
        last = last if outside else box
        x, y, w, h = last
        values = {"frame": number, "outside": int(outside), "occluded": 0, "keyframe": 1, "xtl": f"{x:.2f}",
                  "ytl": f"{y:.2f}", "xbr": f"{x + w:.2f}", "ybr": f"{y + h:.2f}", "z_order": 0}  # fmt: skip
        lines.append("    <box " + " ".join(f"{key}={quoteattr(str(value))}" for key, value in values.items()) + "/>")
    return "\n".join([*lines, "  </track>", "</annotations>"]) + "\n"


FORMATS: dict[str, Callable[[TrackedVideo], str]] = {
    ".txt": as_text, ".csv": as_csv, ".json": as_coco_video, ".xml": as_cvat,
}  # fmt: skip
"""Function that writes boxes, by file name suffix: text, CSV, COCO-video, CVAT."""


def write_boxes(path: Path, video: TrackedVideo) -> None:
    """Write the boxes in the format of the suffix.

    Raises:
        EvalkitError: The suffix is not known, or the file cannot be written.
    """
    convert = FORMATS.get(path.suffix.lower())
    if convert is None:
        raise EvalkitError("unknown format of boxes", where=path, expected=", ".join(FORMATS))
    atomic.write_text(path, convert(video))
