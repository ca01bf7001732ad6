"""The template and search parts of a Siamese network over 8-bit crops, and their execution by a runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from evalkit import runtimes
from evalkit.trackers._siamese.rules import ImageFormat
from evalkit.types import Execution, NetworkPart

CalibrationInputs: TypeAlias = Callable[[], Sequence[tuple[NDArray[Any], ...]]]
"""Function that returns inputs of the search part to calibrate int8 on."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Mean of ImageNet's red, green and blue, in [0, 1]."""
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Standard deviation of ImageNet's red, green and blue, in [0, 1]."""


class Preprocessing(nn.Module):
    """Converts 8-bit RGB crops (B, H, W, 3) to the network's input format, float32 (B, 3, H, W)."""

    scale: Tensor
    shift: Tensor

    def __init__(self, image_format: ImageFormat) -> None:
        super().__init__()
        self.bgr, self.normalized = image_format.bgr, image_format.normalized
        mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
        self.register_buffer("scale", (1.0 / (255.0 * std)).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", (-mean / std).view(1, 3, 1, 1), persistent=False)

    def forward(self, crop: Tensor) -> Tensor:
        """Return the converted crops."""
        image = crop.permute(0, 3, 1, 2)
        image = (image.flip(1) if self.bgr else image).float()
        return image * self.scale + self.shift if self.normalized else image


class TemplatePart(nn.Module):
    """From a template crop, uint8 (B, T, T, 3), to its features."""

    def __init__(self, network: nn.Module, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.network, self.preprocessing = network, preprocessing

    def forward(self, crop: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return the features, which ``SearchPart`` takes as its first inputs."""
        features: Tensor | tuple[Tensor, ...] = self.network.template(self.preprocessing(crop))  # type: ignore[operator]
        return features


class SearchPart(nn.Module):
    """From template features and a search crop, uint8 (B, S, S, 3), to the response."""

    def __init__(self, network: nn.Module, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.network, self.preprocessing = network, preprocessing

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the response; the search crop is the last input."""
        *features, crop = inputs
        response: tuple[Tensor, ...] = self.network(self.preprocessing(crop), *features)
        return response


class SiameseNetworks:
    """The template and search parts of a network, each loaded into a runtime.

    Args:
        network: In evaluation mode, with ``template(image)`` and ``forward(image, *features)``.
        image_format: Input format of the network.
        outputs: Names of the response's arrays.
        sizes: Sides of the template crop and of the usual search crop, in pixels.
        execution: Runtime, precision, device and threads. If the precision is int8, the template part, which runs once
            per sequence, is executed in fp32: it then needs no calibration, and the search part gets exact features.
            A runtime that takes long to start names another one for the template part
            (``RuntimeEntry.template_runtime``).
        samples: Called to get inputs of the search part if int8 has to be calibrated.

    Attributes:
        parts: The two networks, ``search`` first.
        search: Executes the search part: features and a crop to the response.
        template: Executes the template part: a crop to its features.
    """

    def __init__(
        self,
        network: nn.Module,
        image_format: ImageFormat,
        *,
        outputs: tuple[str, ...],
        sizes: tuple[int, int],
        execution: Execution,
        samples: CalibrationInputs | None = None,
    ) -> None:
        preprocessing = Preprocessing(image_format)
        template, search = (np.zeros((1, size, size, 3), dtype=np.uint8) for size in sizes)
        with torch.inference_mode():
            tensors = network.template(preprocessing(torch.from_numpy(template)))  # type: ignore[operator]
        features = tuple(tensor.numpy() for tensor in (tensors if isinstance(tensors, tuple) else (tensors,)))
        names = ("zf",) if len(features) == 1 else tuple(f"zf{level}" for level in range(len(features)))
        self.parts = (
            NetworkPart(
                "search", SearchPart(network, preprocessing), (*features, search), (*names, "search"), outputs
            ),
            NetworkPart("template", TemplatePart(network, preprocessing), (template,), ("template",), names),
        )  # fmt: skip
        exact = replace(execution, precision="fp32") if execution.precision == "int8" else execution
        exact = replace(exact, runtime=runtimes.find_runtime(execution).template_runtime or execution.runtime)
        self.search = runtimes.load(self.parts[0], execution, samples=samples)
        self.template = runtimes.load(self.parts[1], exact)
