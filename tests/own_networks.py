"""A file with trackers that execute a network of their own and with networks without a tracker, and its costs."""

from __future__ import annotations

from typing import Any

from evalkit.cost import profiling
from evalkit.types import Cost, Execution

NETWORK = '''
"""A tracker with its own network, which takes BGR images in its own normalisation."""

import cv2
import numpy as np
import torch
from evalkit import Box, Prediction


class Head(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(8, 1, 1)

    def forward(self, answer):
        return self.layer(answer.features)


class Answer:
    """Features that are no tensor."""

    def __init__(self, features):
        self.features = features


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.backbone = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.linear = torch.nn.Linear(8, 4)
        self.head = Head()

    def forward(self, x, scale=1.0, *, mask=None):
        features = self.backbone(x) * scale
        return {"boxes": self.linear(features.mean((2, 3))), "maps": [features, features.relu()]}

    def template(self, z):
        self.kernel = self.backbone(z).mean((2, 3), keepdim=True)
        return self.kernel

    def track(self, x):
        return (self.backbone(x) * self.kernel).sum(1)

    def pair(self, images):
        return {"boxes": self.linear(self.backbone(images[0]).mean((2, 3)))}, images[1].mean()[None], 3


def image(frame, size, order=(2, 1, 0)):
    crop = cv2.resize(frame, (size, size))[..., order].astype(np.float32)
    return torch.from_numpy((crop - 100) / 50).permute(2, 0, 1)[None]


class Own:
    usage = {"outputs": {"boxes": {"meaning": "cx, cy, width, height", "unit": "fraction of the crop"}}}

    def __init__(self):
        self.network = Network().eval()

    def initialize(self, frame, region):
        self.region = region

    def update(self, frame):
        with torch.no_grad():
            self.network(image(frame, 32), 2.0, mask=None)
        return Prediction(self.region)


class Methods(Own):
    """Calls methods of its network that keep a state in it."""

    def initialize(self, frame, region):
        super().initialize(frame, region)
        with torch.no_grad():
            self.network.template(image(frame, 16))

    def update(self, frame):
        with torch.no_grad():
            self.network.track(image(frame, 32))
        return Prediction(self.region)


class Lists(Own):
    """Gives its network images in a list, and gets a tuple of different things."""

    def update(self, frame):
        with torch.no_grad():
            self.network.pair([image(frame, 32), image(frame, 16)])
        return Prediction(self.region)


class Wrapped(Own):
    """Calls a head with an object that is no tensor."""

    def update(self, frame):
        with torch.no_grad():
            self.network.head(Answer(self.network.backbone(image(frame, 32))))
        return Prediction(self.region)


class Divided(Own):
    """Calls two networks one after the other."""

    def __init__(self):
        super().__init__()
        self.backbone, self.head, self.network = self.network.backbone, self.network.head.layer, None

    def update(self, frame):
        with torch.no_grad():
            self.head(self.backbone(image(frame, 32)))
        return Prediction(self.region)


def module():
    return Network(), {"x": torch.rand(1, 3, 32, 32)}


def misstating():
    return Network(), torch.rand(2, 3, 32, 32), {"inputs": {"x": "RGB"}}


def stating():
    return Network(), torch.rand(2, 3, 32, 32), {"inputs": {"x": {"colours": "RGB"}}}


class Lightning(Network):
    example_input_array = torch.rand(1, 3, 32, 32)


def without_inputs():
    return Network()


def wrong_inputs():
    return Network(), torch.rand(1, 5, 32, 32)


def no_module():
    return "a network", torch.rand(1)


def failing():
    raise ValueError("no checkpoint")


ready = Lightning()
'''
"""Content of ``nets.py``."""
CONV, LINEAR = 32 * 32 * 8 * 27, 8 * 4
"""MACs of the network's layers."""


def profile(tracker: str, *runtimes: str, **options: Any) -> list[Cost]:
    executions = [Execution(runtime) for runtime in runtimes or ("torch",)]
    return profiling.profile_trackers([tracker], executions, **options)


def values(costs: list[Cost], runtime: str = "torch") -> dict[tuple[str, str], float | None]:
    counted = ("macs", "parameters")
    return {
        (one.quantity, one.convention): one.value for one in costs if one.runtime == runtime or one.quantity in counted
    }
