"""LightTrack-Mobile as it is, and with one fault at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from evalkit.factories import create_tracker
from evalkit.trackers._siamese import build
from evalkit.types import Image, NetworkPart, Prediction, Region


def sound(
    *, weights: Path | None = None, settings: Mapping[str, str] | None = None, runtime: str = "torch", threads: int = 1
) -> Any:
    """Return the tracker without a fault."""
    return create_tracker(
        "lighttrack-m", weights=weights, settings=settings or {}, runtime=runtime, threads=threads, device="cpu"
    )


def crop_shifted_by_one(*, weights: Path | None = None) -> Any:
    tracker = sound(weights=weights)
    corner = tracker.rules.round_corner
    tracker.rules = replace(tracker.rules, round_corner=lambda value: corner(value) + 1)
    return tracker


def penalty_ten_percent_off(*, weights: Path | None = None) -> Any:
    return sound(weights=weights, settings={"penalty_k": "0.0077"})


def _with_network(change: Callable[[nn.Module], None]) -> Callable[..., Any]:
    """Return a factory of the tracker whose network is changed before a runtime loads it."""

    def factory(*, weights: Path | None = None) -> Any:
        load_network = build.load_network

        def changed(*arguments: Any) -> nn.Module:
            network = load_network(*arguments)
            with torch.no_grad():
                change(network)
            return network

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(build, "load_network", changed)
            return sound(weights=weights)

    return factory


def _change_one_eps(network: nn.Module) -> None:
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    norms[len(norms) // 2].eps = 2e-5


def _round_to_eight_bits(network: nn.Module) -> None:
    for tensor in network.parameters():
        step = tensor.abs().max() / 127
        if step > 0:
            tensor.copy_((tensor / step).round() * step)


one_eps_changed = _with_network(_change_one_eps)
weights_rounded = _with_network(_round_to_eight_bits)


class Wrapped:
    """The tracker inside of a class that can change one step."""

    def __init__(self, *, weights: Path | None = None) -> None:
        self.inner = sound(weights=weights)
        self.card = self.inner.card

    def initialize(self, image: Image, region: Region) -> None:
        self.inner.initialize(image, region)

    def update(self, image: Image) -> Prediction:
        return self.inner.update(image)  # type: ignore[no-any-return]

    def crop(self, image: Image) -> Any:
        return self.inner.crop(image)

    def network(self, *inputs: Any) -> Any:
        return self.inner.network(*inputs)

    def locate(self, response: Any) -> Prediction:
        return self.inner.locate(response)  # type: ignore[no-any-return]

    def sibling(self) -> Any:
        return self.inner.sibling()

    def parts(self) -> tuple[NetworkPart, ...]:
        return self.inner.parts()  # type: ignore[no-any-return]


class ChannelsSwapped(Wrapped):
    def initialize(self, image: Image, region: Region) -> None:
        self.inner.initialize(image[..., ::-1], region)

    def update(self, image: Image) -> Prediction:
        return self.inner.update(image[..., ::-1])  # type: ignore[no-any-return]


class LayerAdded(Wrapped):
    """Adds a convolution that changes no box."""

    def parts(self) -> tuple[NetworkPart, ...]:
        search, template = self.inner.parts()
        extra = nn.Conv2d(1, 1, 1)
        return replace(search, module=_Followed(search.module, extra)), template


class _Followed(nn.Module):
    def __init__(self, module: nn.Module, extra: nn.Module) -> None:
        super().__init__()
        self.module, self.extra = module, extra

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        cls, *others = self.module(*inputs)
        return self.extra(cls), *others


class LatencyDoubled(Wrapped):
    def update(self, image: Image) -> Prediction:
        start = time.process_time()
        answer = self.inner.update(image)
        until = 2 * time.process_time() - start
        while time.process_time() < until:
            pass
        return answer  # type: ignore[no-any-return]
