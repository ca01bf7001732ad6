"""Small Siamese trackers of every family, and videos for them, to compare lanes on a device with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from evalkit.trackers import lighttrack, nanotrack, ocean, siamese, siamrpn
from evalkit.types import Box, Execution, Image, Prediction

TOLERANCE = 0.01
"""Pixels, as long as no other candidate wins: a batch changes only the last bits of a response."""

FAMILIES: dict[str, tuple[siamese.Rules, siamese.Hyperparameters]] = {
    "lighttrack": (lighttrack.RULES[16], lighttrack.PUBLISHED[0].values),
    "ocean": (ocean.PLAIN, ocean.PUBLISHED[2].values),
    "ocean with its aligned branch": (ocean.ALIGNED, ocean.PUBLISHED[0].values),
    "siamrpn++": (
        siamrpn.rules(siamrpn.CONFIGURATIONS["siamrpnpp-r50"]),
        siamrpn.CONFIGURATIONS["siamrpnpp-r50"].hyperparameters,
    ),
    "nanotrack": (nanotrack.rules(3), nanotrack.published(3).values),
}


class SmallNetwork(nn.Module):
    """Has the response of a family: cells brightened where the crop has the template's colours."""

    def __init__(self, rules: siamese.Rules, outputs: int) -> None:
        super().__init__()
        self.rules = rules
        self.shapes = max(1, len(rules.anchor_sizes))
        self.two_classes = rules.decode in (siamese.decode_two_class_distances, siamese.decode_anchor_offsets)
        self.aligned = outputs == 3
        torch.manual_seed(0)
        self.weights = nn.Parameter(torch.randn(3, 3) / 60)

    def template(self, image: Tensor) -> tuple[Tensor, ...]:
        return (nn.functional.adaptive_avg_pool2d(image, 4), image[:, :1, ::40, ::40])

    def forward(self, image: Tensor, *features: Tensor) -> tuple[Tensor, ...]:
        cells = self.rules.cells(image.shape[-1])
        pooled = nn.functional.adaptive_avg_pool2d(image, cells)
        middle = features[0][:, :, 1:3, 1:3].mean(dim=(2, 3), keepdim=True)
        like = (
            -((pooled - middle).abs().sum(dim=1, keepdim=True)) / 20
            + features[1].mean(dim=(1, 2, 3), keepdim=True) / 1000
        )
        mixed = torch.einsum("nchw,cd->ndhw", pooled - middle, self.weights)
        logits = like.repeat(1, self.shapes, 1, 1) * torch.linspace(1, 1.5, self.shapes, device=image.device).view(
            1, -1, 1, 1
        )
        if self.two_classes:
            logits = torch.cat([-logits, logits], dim=1)
        sizes = mixed.sum(dim=1, keepdim=True).tanh()
        if self.rules.anchor_sizes:
            boxes = torch.cat([mixed[:, :1], mixed[:, 1:2], sizes, -sizes], dim=1).repeat_interleave(self.shapes, dim=1)
            return logits, boxes / 10
        boxes = 24 + 6 * torch.cat([mixed.tanh(), sizes], dim=1)
        return (logits, boxes, 0.5 * like) if self.aligned else (logits, boxes)


def create_tracker(
    family: str, network: Callable[..., nn.Module] = SmallNetwork, **changed: Any
) -> siamese.SiameseTracker:
    rules, values = FAMILIES[family]
    values = replace(values, **{name: value for name, value in changed.items() if name not in ("execution",)})
    outputs = ("cls", "reg", "align") if rules.decode is siamese.decode_aligned_distances else ("cls", "reg")
    networks = siamese.SiameseNetworks(
        network(rules, len(outputs)).eval().requires_grad_(False), siamese.ImageFormat(), outputs=outputs,
        sizes=(values.template, values.small), execution=changed.get("execution", Execution()),
    )  # fmt: skip
    return siamese.SiameseTracker(rules, values, networks=networks, card={})


def video(number: int, length: int = 8) -> list[Image]:
    """Return a coloured square that moves over noise; videos have different sizes."""
    random = np.random.default_rng(number)
    height, width = 90 + 14 * number, 120 + 20 * number
    ground = random.integers(0, 120, (height, width, 3), dtype=np.uint8)
    images = []
    for frame in range(length):
        image = ground.copy()
        left, top = 20 + (3 + number) * frame, 30 + number * frame // 2
        image[top : top + 22, left : left + 26] = (250, 200 - 20 * number, 90)
        images.append(image)
    return images


FIRST = [Box(20, 30, 26, 22), Box(18.5, 30, 27, 22.5), Box(20, 28, 26, 6), Box(20.25, 30, 4, 4)]
"""First boxes; the last two are small targets, which have the larger search crop."""


def track_alone(tracker: siamese.SiameseTracker, number: int, length: int = 8) -> list[Prediction]:
    first, *images = video(number, length)
    twin = tracker.sibling()
    twin.initialize(first, FIRST[number])
    return [twin.update(image) for image in images]


def place(tracker: siamese.SiameseTracker, lanes: Any, lane: int, number: int) -> list[Image]:
    """Start a video in a lane and return its other frames."""
    first, *images = video(number)
    lanes.start(lane, tracker.sibling(), first, FIRST[number])
    return images


def track_in_lanes(tracker: siamese.SiameseTracker, lanes: Any, numbers: list[int]) -> list[list[Prediction]]:
    """Track videos in lanes of their own, in blocks of two frames, alternating between the halves."""
    lanes.reserve(max(video(number)[0].size // 3 for number in numbers))
    images = [place(tracker, lanes, lane, number) for lane, number in enumerate(numbers)]
    found: list[list[Prediction]] = [[] for _ in numbers]
    for block, start in enumerate(range(0, 7, 2)):
        counts = [len(one[start : start + 2]) for one in images] + [0] * (lanes.count - len(images))
        for lane, one in enumerate(images):
            for slot, image in enumerate(one[start : start + 2]):
                lanes.stage(block % 2, slot, lane, image)
        answers = lanes.launch(block % 2, counts).wait()
        for lane in range(len(images)):
            found[lane] += [lanes.prediction(row) for row in answers[: counts[lane], lane]]
    return found


def assert_close(found: list[Prediction], expected: list[Prediction]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.region.array(), other.region.array(), rtol=0, atol=TOLERANCE)
        assert one.confidence == pytest.approx(other.confidence, abs=1e-5)
