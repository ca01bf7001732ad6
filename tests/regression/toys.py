"""Trackers whose score is known."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping

from evalkit.geometry import bounding_box
from evalkit.types import Box, Image, Prediction, Region


class Mover:
    """Moves to the right at a set speed, 2 being the target's, and can change it from a set frame on."""

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
    """Fails in the tenth frame of every sequence."""

    def update(self, image: Image) -> Prediction:
        if self.frame == 9:
            raise RuntimeError("out of memory")
        return super().update(image)


class Busy(Mover):
    """Uses a set CPU time per frame."""

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


class Sleeping(Mover):
    """Sleeps for ever in the fifth frame."""

    def update(self, image: Image) -> Prediction:
        if self.frame == 4:
            time.sleep(10_000)
        return super().update(image)


class Dying(Mover):
    """Ends its process in the third frame."""

    def update(self, image: Image) -> Prediction:
        if self.frame == 2:
            os._exit(7)
        return super().update(image)
