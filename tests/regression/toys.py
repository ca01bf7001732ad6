"""Trackers whose score is known beforehand."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping

from evalkit.geometry import bounding_box
from evalkit.types import Box, Image, Prediction, Region


class Mover:
    """Moves to the right at a set speed, which is right at 2, and may drop to another at a set frame."""

    def __init__(self, settings: Mapping[str, str] | None = None, threads: int = 1) -> None:
        values = {key: float(value) for key, value in (settings or {}).items()}
        self.speed = values.get("speed", 2.0)
        self.changed_speed = values.get("changed_speed", self.speed)
        self.changed_from = values.get("changed_from", 10**9)
        self.wobble = values.get("wobble", 0.0)
        self.card = {"hyperparameters": values}

    def initialize(self, image: Image, region: Region) -> None:
        self.box = bounding_box(region)
        self.frame = 1

    def update(self, image: Image) -> Prediction:
        self.frame += 1
        speed = self.speed if self.frame < self.changed_from else self.changed_speed
        # A last bit that depends on how it is executed, as with another number of threads.
        self.box = Box(self.box.x + speed + self.wobble, self.box.y, self.box.width, self.box.height)
        return Prediction(self.box, 1.0)


class Failing(Mover):
    """Fails at the tenth frame of every sequence."""

    def update(self, image: Image) -> Prediction:
        if self.frame == 9:
            raise RuntimeError("out of memory")
        return super().update(image)


class Busy(Mover):
    """Burns the milliseconds of CPU time it is told to."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        values = dict(settings or {})
        self.seconds = float(values.pop("milliseconds")) / 1000
        super().__init__(values)

    def update(self, image: Image) -> Prediction:
        end = time.process_time() + self.seconds
        while time.process_time() < end:
            pass
        return super().update(image)


class Chatty(Mover):
    """Prints, as many trackers do."""

    def update(self, image: Image) -> Prediction:
        sys.stdout.write("[1, 1]\n")  # what an answer of a timed process looks like
        return super().update(image)


class Dying(Mover):
    """Takes its process with it at the third frame."""

    def update(self, image: Image) -> Prediction:
        if self.frame == 2:
            os._exit(7)
        return super().update(image)
