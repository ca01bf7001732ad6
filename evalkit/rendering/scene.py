"""Scenes: sprites that move over a moving ground. Each frame is rendered independently of the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from evalkit.rendering.fixed_point import ONE_BITS, TURN, UNIT, RandomStream, sine
from evalkit.rendering.sprites import Pose, Sprite, covered_pixels, paint
from evalkit.types import Annotation, Boxes, Image

TICKS = 16
"""Ticks per frame; the exposures of a blurred frame are at different ticks."""


@dataclass(frozen=True)
class Curve:
    """A quantity as a function of time: a linear function plus sine waves.

    Attributes:
        base: Value at tick 0, without waves.
        slope: Change per frame.
        waves: Amplitude, period in frames, and phase in ``TURN``-ths of a turn of each wave.
    """

    base: int
    slope: int = 0
    waves: tuple[tuple[int, int, int], ...] = ()

    def at(self, tick: int) -> int:
        """Return the value at a tick."""
        value = self.base + self.slope * tick // TICKS
        for amplitude, period, phase in self.waves:
            value += (amplitude * int(sine(tick * TURN // (period * TICKS) + phase))) >> ONE_BITS
        return value


@dataclass(frozen=True, eq=False)
class Actor:
    """A sprite and its motion.

    Attributes:
        sprite: The sprite.
        x, y, width, height, angle, bend, roll: As in ``Pose``.
        gait: Period of the bending in frames.
        frames: First frame in which it is visible, and the first in which it is not any more.
    """

    sprite: Sprite
    x: Curve
    y: Curve
    width: Curve = Curve(UNIT)
    height: Curve = Curve(UNIT)
    angle: Curve = Curve(0)
    bend: int = 0
    gait: int = 24
    roll: Curve = Curve(0)
    frames: tuple[int, int] = (0, 1 << 30)


@dataclass(frozen=True, eq=False)
class Ground:
    """The background of a scene, at twice the resolution of the frame.

    Attributes:
        tile: Shape (S, S, 3), uint8, S a power of two; repeated in both directions.
        x, y: Position of the camera in ``UNIT``-ths of a frame pixel.
    """

    tile: NDArray[np.uint8]
    x: Curve = Curve(0)
    y: Curve = Curve(0)

    def view(self, tick: int, width: int, height: int) -> Image:
        """Return a frame of that size without sprites."""
        left, top = self.x.at(tick) * 2 // UNIT, self.y.at(tick) * 2 // UNIT
        part = _crop_repeated(self.tile, left, top, 2 * width, 2 * height)
        view: Image = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)  # type: ignore[assignment]
        return view


@dataclass(frozen=True)
class Truth:
    """Exact groundtruth of the target in one frame.

    Attributes:
        box: x, y, width, height in pixels of the part of its outline inside the frame; None if it is outside. Occluders
            do not reduce it.
        polygon: Shape (4, 2): corners in pixels of its rotated bounding rectangle, which may exceed the frame.
        visible: Shape (H, W): its pixels that are not occluded.
        cover: Visible fraction of its area in eighths: 8 only if nothing is occluded, 0 only if everything is.
        cut: True if the edge of the frame cuts it.
    """

    box: tuple[float, float, float, float] | None
    polygon: NDArray[np.float64]
    visible: NDArray[np.bool_]
    cover: int
    cut: bool


@dataclass(frozen=True, eq=False)
class Scene:
    """Description of a rendered sequence.

    Attributes:
        name: Name of the sequence; the noise depends on it.
        size: Width and height of the frames in pixels.
        length: Number of frames.
        ground: The background.
        target: The target.
        behind: Actors that are painted before the target.
        front: Actors that are painted after it, and occlude it.
        gain, lift: Illumination: a pixel becomes pixel * gain / ``UNIT`` + lift.
        exposures: Number of exposures that are averaged; more than 1 gives motion blur.
        shutter: Ticks between the first and the last exposure.
        noise: Largest deviation of a pixel.
        attributes: Abbreviations of OTB and LaSOT.
    """

    name: str
    size: tuple[int, int]
    length: int
    ground: Ground
    target: Actor
    behind: tuple[Actor, ...] = ()
    front: tuple[Actor, ...] = ()
    gain: Curve = Curve(UNIT)
    lift: Curve = Curve(0)
    exposures: int = 1
    shutter: int = TICKS // 2
    noise: int = 4
    attributes: frozenset[str] = field(default_factory=frozenset)

    def frame(self, index: int) -> Image:
        """Return the image of a frame, counted from 0."""
        first = index * TICKS - (self.shutter // 2 if self.exposures > 1 else 0)
        step = self.shutter // max(self.exposures - 1, 1)
        total = self._exposure(first).astype(np.int32)
        for k in range(1, self.exposures):
            total += self._exposure(first + k * step)
        light = self.gain.at(index * TICKS) * total // (UNIT * self.exposures) + self.lift.at(index * TICKS)
        return np.asarray(np.clip(light + self._noise(index), 0, 255), dtype=np.uint8)

    def _exposure(self, tick: int) -> Image:
        canvas = self.ground.view(tick, *self.size)
        for actor in (*self.behind, self.target, *self.front):
            if actor.frames[0] * TICKS <= tick < actor.frames[1] * TICKS:
                paint(canvas, actor.sprite, self.pose(actor, tick))
        return canvas

    def pose(self, actor: Actor, tick: int) -> Pose:
        """Return the pose of an actor at a tick."""
        return Pose(
            actor.x.at(tick),
            actor.y.at(tick),
            max(actor.width.at(tick), UNIT // 16),
            max(actor.height.at(tick), UNIT // 16),
            actor.angle.at(tick),
            actor.bend,
            tick * TURN // (actor.gait * TICKS),
            actor.roll.at(tick),
        )

    def _noise(self, index: int) -> NDArray[np.int32]:
        left, top = RandomStream(self.name, index).integers(0, 255, (2,))
        return _crop_repeated(self._grain, int(left), int(top), *self.size)

    @cached_property
    def _grain(self) -> NDArray[np.int32]:
        # The mean of two uniform random numbers resembles the noise of a camera more than one of them.
        draws = RandomStream(self.name, "grain").integers(-self.noise, self.noise, (2, 256, 256, 3))
        return np.asarray(draws.sum(axis=0) >> 1, dtype=np.int32)

    def truth(self, index: int) -> Truth:
        """Return the exact groundtruth of a frame, counted from 0."""
        width, height = self.size
        tick = index * TICKS
        pose = self.pose(self.target, tick)
        outline = pose.to_frame(self.target.sprite.outline)
        low, high = outline.min(axis=0), outline.max(axis=0)
        inside_low, inside_high = np.maximum(low, 0), np.minimum(high, (width * UNIT, height * UNIT))
        seen = bool((inside_low < inside_high).all())
        mask = covered_pixels(self.target.sprite, pose, width, height)
        visible = mask.copy()
        for actor in self.front:
            if actor.frames[0] <= index < actor.frames[1]:
                visible &= ~covered_pixels(actor.sprite, self.pose(actor, tick), width, height)
        return Truth(
            box=_box(inside_low, inside_high) if seen else None,
            polygon=_rotated_rectangle(self.target.sprite, pose),
            visible=visible,
            cover=_eighths(int(visible.sum()), int(mask.sum())) if seen else 0,
            cut=seen and bool((inside_low != low).any() or (inside_high != high).any()),
        )

    def annotation(self) -> Annotation:
        """Return boxes (0-based, NaN rows where the target is outside the frame) and flags of all frames.

        Flags: ``absent`` and ``out_of_view`` (the target is outside the frame), ``full_occlusion`` (inside, but
        occluded), ``cut_by_image``, ``cover``, and VOT's tags ``camera_motion``, ``illum_change``, ``occlusion``,
        ``size_change``, ``motion_change``.
        """
        truths = [self.truth(index) for index in range(self.length)]
        nothing = (np.nan,) * 4
        boxes = np.array([nothing if truth.box is None else truth.box for truth in truths], dtype=np.float64)
        absent = np.array([truth.box is None for truth in truths])
        covers = np.array([truth.cover for truth in truths], dtype=np.int64)
        flags = {
            "absent": absent,
            "out_of_view": absent,
            "full_occlusion": ~absent & (covers == 0),
            "cut_by_image": np.array([truth.cut for truth in truths]),
            "cover": covers,
            **self._tags(boxes, covers),
        }
        return Annotation(boxes=boxes, flags=flags)

    def _tags(self, boxes: Boxes, covers: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
        ticks = range(0, self.length * TICKS, TICKS)
        ground = np.array([(self.ground.x.at(t), self.ground.y.at(t)) for t in ticks])
        light = np.array([(self.gain.at(t), self.lift.at(t)) for t in ticks])
        center = boxes[:, :2] + boxes[:, 2:] / 2
        speed = np.hypot(*_change(center).T)
        area = np.abs(_change(np.log(boxes[:, 2:]).sum(axis=1, keepdims=True)))[:, 0]
        return {
            "camera_motion": np.abs(_change(ground)).max(axis=1) >= UNIT // 2,
            "illum_change": np.abs(_change(light)).max(axis=1) >= 2,
            "occlusion": covers < 8,
            "size_change": area > 0.02,
            "motion_change": speed > 0.1 * np.sqrt(boxes[:, 2:].prod(axis=1)),
        }


class SceneFrames:
    """The frames of a scene, each rendered when it is read.

    Args:
        scene: Returns the scene; called for every frame that is read.
        length: Number of frames.
    """

    def __init__(self, scene: Callable[[], Scene], length: int) -> None:
        self._scene = scene
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int, /) -> Image:
        if not 0 <= index < self._length:
            raise IndexError(f"frame {index} of {self._length}")
        return self._scene().frame(index)


_Number = TypeVar("_Number", bound=np.generic)


def _crop_repeated(tile: NDArray[_Number], left: int, top: int, width: int, height: int) -> NDArray[_Number]:
    # A part of a tile that is repeated in both directions; a slice where possible, which needs no copy.
    rows, columns = np.arange(top, top + height) % len(tile), np.arange(left, left + width) % len(tile)
    if rows[0] + height <= len(tile) and columns[0] + width <= len(tile):
        return tile[rows[0] : rows[0] + height, columns[0] : columns[0] + width]
    return tile.take(rows, axis=0).take(columns, axis=1)


def _change(values: NDArray[np.generic]) -> NDArray[np.float64]:
    # Shape (N, K): difference from the previous frame; NaN (the target is or was absent) counts as no change.
    change = np.diff(np.asarray(values, dtype=np.float64), axis=0, prepend=np.asarray(values[:1], dtype=np.float64))
    return np.nan_to_num(change)


def _box(low: NDArray[np.int64], high: NDArray[np.int64]) -> tuple[float, float, float, float]:
    (x, y), (width, height) = low / UNIT, (high - low) / UNIT
    return float(x), float(y), float(width), float(height)


def _rotated_rectangle(sprite: Sprite, pose: Pose) -> NDArray[np.float64]:
    (left, top), (right, bottom) = sprite.outline.min(axis=0), sprite.outline.max(axis=0)
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.int64)
    upright = Pose(pose.x, pose.y, pose.width, pose.height, pose.angle)
    return upright.to_frame(corners) / UNIT


def _eighths(visible: int, total: int) -> int:
    if visible == total:
        return 8
    return 0 if visible == 0 else min(max((visible * 8 + total // 2) // total, 1), 7)
