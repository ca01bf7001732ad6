"""A scene: things that move over a moving ground, rendered at any moment without the moments before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from evalkit.rendering.fixed import ONE_BITS, TURN, UNIT, Stream, sine
from evalkit.rendering.sprites import Pose, Sprite, cover, paint
from evalkit.types import Annotation, Boxes, Image

TICKS = 16
"""Moments per frame; exposures within one frame lie at different ticks."""


@dataclass(frozen=True)
class Curve:
    """A quantity over time: a straight line plus waves.

    Attributes:
        base: Value at tick 0.
        slope: Change per frame.
        waves: Amplitude, period in frames, and phase in ``TURN``-ths of a turn, of each wave.
    """

    base: int
    slope: int = 0
    waves: tuple[tuple[int, int, int], ...] = ()

    def at(self, tick: int) -> int:
        value = self.base + self.slope * tick // TICKS
        for amplitude, period, phase in self.waves:
            value += (amplitude * int(sine(tick * TURN // (period * TICKS) + phase))) >> ONE_BITS
        return value


@dataclass(frozen=True, eq=False)
class Actor:
    """A sprite and how it moves; see ``Pose`` for the units.

    Attributes:
        anchored: It stands on the ground and is carried along when the camera moves.
        frames: First frame it is seen in, and the first it is not.
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
    anchored: bool = False
    frames: tuple[int, int] = (0, 1 << 30)


@dataclass(frozen=True, eq=False)
class Ground:
    """What lies behind everything, at twice the frame's resolution.

    Attributes:
        tile: Shape (S, S, 3), 8 bits, S a power of two; repeats without end.
        x, y: Where the camera looks, ``UNIT``-ths of a frame pixel.
        zoom: How much ground a frame pixel shows, ``UNIT``-ths.
    """

    tile: NDArray[np.uint8]
    x: Curve = Curve(0)
    y: Curve = Curve(0)
    zoom: Curve = Curve(UNIT)

    def view(self, tick: int, width: int, height: int) -> Image:
        """What an empty frame of that size shows."""
        zoom = self.zoom.at(tick)
        across, down = width * zoom // UNIT * 2, height * zoom // UNIT * 2
        left = self.x.at(tick) * 2 // UNIT + width - across // 2
        top = self.y.at(tick) * 2 // UNIT + height - down // 2
        part = _cut(self.tile, left, top, across, down)
        view: Image = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)  # type: ignore[assignment]
        return view


@dataclass(frozen=True)
class Truth:
    """What is exactly known about the target in one frame.

    Attributes:
        box: x, y, width, height of its full outline as far as it lies inside the frame; None if none of it does.
            Things in front of it do not shrink it.
        polygon: Shape (4, 2): corners of its own upright rectangle, turned with it; may reach over the frame's edge.
        visible: Shape (H, W), its pixels that nothing hides.
        cover: Visible part of its area, in eighths: 8 unless some of it is hidden, 0 only if all of it is.
        cut: The frame's edge cuts it.
    """

    box: tuple[float, float, float, float] | None
    polygon: NDArray[np.float64]
    visible: NDArray[np.bool_]
    cover: int
    cut: bool


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything that decides a rendered sequence.

    Attributes:
        name: Of the sequence.
        size: Width and height of the frames.
        length: Number of frames.
        ground, target: See there.
        behind: Painted before the target.
        front: Painted over it.
        gain, lift: Light: a pixel becomes (pixel * gain) / ``UNIT`` + lift.
        exposures: Moments averaged into a frame; more than 1 blurs what moves.
        shutter: Ticks between the first and the last of them.
        noise: Largest deviation of a pixel.
        attributes: Abbreviations as OTB and LaSOT use them.
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
        """The image of a frame, RGB."""
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
        carried_x = self.ground.x.at(tick) if actor.anchored else 0
        carried_y = self.ground.y.at(tick) if actor.anchored else 0
        return Pose(
            actor.x.at(tick) - carried_x,
            actor.y.at(tick) - carried_y,
            max(actor.width.at(tick), UNIT // 16),
            max(actor.height.at(tick), UNIT // 16),
            actor.angle.at(tick),
            actor.bend,
            tick * TURN // (actor.gait * TICKS),
            actor.roll.at(tick),
        )

    def _noise(self, index: int) -> NDArray[np.int32]:
        left, top = Stream(self.name, index).integers(0, 255, (2,))
        return _cut(self._grain, int(left), int(top), *self.size)

    @cached_property
    def _grain(self) -> NDArray[np.int32]:
        # The mean of two even draws: nearer to a camera's noise than one.
        draws = Stream(self.name, "grain").integers(-self.noise, self.noise, (2, 256, 256, 3))
        return np.asarray(draws.sum(axis=0) >> 1, dtype=np.int32)

    def truth(self, index: int) -> Truth:
        width, height = self.size
        tick = index * TICKS
        pose = self.pose(self.target, tick)
        outline = pose.place(self.target.sprite.outline)
        low, high = outline.min(axis=0), outline.max(axis=0)
        inside_low, inside_high = np.maximum(low, 0), np.minimum(high, (width * UNIT, height * UNIT))
        seen = bool((inside_low < inside_high).all())
        mask = cover(self.target.sprite, pose, width, height)
        visible = mask.copy()
        for actor in self.front:
            if actor.frames[0] <= index < actor.frames[1]:
                visible &= ~cover(actor.sprite, self.pose(actor, tick), width, height)
        return Truth(
            box=_box(inside_low, inside_high) if seen else None,
            polygon=_rectangle(self.target.sprite, pose),
            visible=visible,
            cover=_eighths(int(visible.sum()), int(mask.sum())) if seen else 0,
            cut=seen and bool((inside_low != low).any() or (inside_high != high).any()),
        )

    def annotation(self) -> Annotation:
        """Boxes (0-based, NaN rows where the target is out of the frame) and the flags of every frame.

        Flags: ``absent`` and ``out_of_view`` (nothing of it lies inside the frame), ``full_occlusion`` (inside, and
        hidden), ``cut_by_image``, ``cover``, and VOT's tags ``camera_motion``, ``illum_change``, ``occlusion``,
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
        ground = np.array([(self.ground.x.at(t), self.ground.y.at(t), self.ground.zoom.at(t)) for t in ticks])
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
    """The frames of a scene, each rendered when it is asked for.

    Args:
        scene: Makes the scene; called when the first frame is wanted.
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


def _cut(tile: NDArray[_Number], left: int, top: int, width: int, height: int) -> NDArray[_Number]:
    # A part of a tile that repeats without end; slices where it can, for they cost nothing.
    rows, columns = np.arange(top, top + height) % len(tile), np.arange(left, left + width) % len(tile)
    if rows[0] + height <= len(tile) and columns[0] + width <= len(tile):
        return tile[rows[0] : rows[0] + height, columns[0] : columns[0] + width]
    return tile.take(rows, axis=0).take(columns, axis=1)


def _change(values: NDArray[np.generic]) -> NDArray[np.float64]:
    # Shape (N, K): difference to the frame before; NaN (a target that was or is away) counts as no change.
    change = np.diff(np.asarray(values, dtype=np.float64), axis=0, prepend=np.asarray(values[:1], dtype=np.float64))
    return np.nan_to_num(change)


def _box(low: NDArray[np.int64], high: NDArray[np.int64]) -> tuple[float, float, float, float]:
    (x, y), (width, height) = low / UNIT, (high - low) / UNIT
    return float(x), float(y), float(width), float(height)


def _rectangle(thing: Sprite, pose: Pose) -> NDArray[np.float64]:
    (left, top), (right, bottom) = thing.outline.min(axis=0), thing.outline.max(axis=0)
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.int64)
    upright = Pose(pose.x, pose.y, pose.width, pose.height, pose.angle)
    return upright.place(corners) / UNIT


def _eighths(visible: int, total: int) -> int:
    if visible == total:
        return 8
    return 0 if visible == 0 else min(max((visible * 8 + total // 2) // total, 1), 7)
