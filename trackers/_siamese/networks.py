"""A family's network as two pure parts over 8-bit crops, and what executes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from evalkit import runtimes
from evalkit.types import NetworkPart

Samples: TypeAlias = Callable[[], Sequence[tuple[NDArray[Any], ...]]]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Preparation(nn.Module):
    """From 8-bit RGB crops (B, H, W, 3) to what a network was trained on, float32 (B, 3, H, W).

    Args:
        bgr: The network wants the channels reversed.
        normalized: The network wants values scaled to ImageNet's mean and deviation, not 0..255.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, *, bgr: bool = False, normalized: bool = False) -> None:
        super().__init__()
        self.bgr, self.normalized = bgr, normalized
        mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
        self.register_buffer("scale", (1.0 / (255.0 * std)).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", (-mean / std).view(1, 3, 1, 1), persistent=False)

    def forward(self, crop: Tensor) -> Tensor:
        image = crop.permute(0, 3, 1, 2)
        image = (image.flip(1) if self.bgr else image).float()
        return image * self.scale + self.shift if self.normalized else image


class Template(nn.Module):
    """Features of a template crop."""

    def __init__(self, network: nn.Module, preparation: Preparation) -> None:
        super().__init__()
        self.network, self.preparation = network, preparation

    def forward(self, crop: Tensor) -> Tensor | tuple[Tensor, ...]:
        features: Tensor | tuple[Tensor, ...] = self.network.template(self.preparation(crop))  # type: ignore[operator]
        return features


class Search(nn.Module):
    """The response to template features and, last, a search crop."""

    def __init__(self, network: nn.Module, preparation: Preparation) -> None:
        super().__init__()
        self.network, self.preparation = network, preparation

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        *features, crop = inputs
        response: tuple[Tensor, ...] = self.network(self.preparation(crop), *features)
        return response


class Execution(NamedTuple):
    """How networks are executed; see ``evalkit.runtimes``."""

    runtime: str = "torch"
    precision: str = "fp32"
    device: str = "cpu"
    threads: int = 1


class TwoPartNetworks:
    """The two parts of a network, executed by one runtime.

    Args:
        network: In evaluation mode, with ``template(image)`` and ``forward(image, *features)``.
        preparation: Of its images.
        outputs: Names of the response's arrays.
        sizes: Sides of the template crop and of the usual search crop.
        execution: By what it is executed. A template is computed once a sequence, and in fp32 where the search is in
            int8: its features need no calibration then, and the search sees them exact.
        samples: Returns inputs of the search part; asked for only when int8 has to be calibrated.
    """

    def __init__(
        self,
        network: nn.Module,
        preparation: Preparation,
        *,
        outputs: tuple[str, ...],
        sizes: tuple[int, int],
        execution: Execution,
        samples: Samples | None = None,
    ) -> None:
        template, search = (np.zeros((1, size, size, 3), dtype=np.uint8) for size in sizes)
        with torch.inference_mode():
            tensors = network.template(preparation(torch.from_numpy(template)))  # type: ignore[operator]
        features = tuple(tensor.numpy() for tensor in (tensors if isinstance(tensors, tuple) else (tensors,)))
        names = ("zf",) if len(features) == 1 else tuple(f"zf{level}" for level in range(len(features)))
        self.parts = (
            NetworkPart(
                "search", Search(network, preparation), (*features, search), (*names, "search"), outputs
            ),
            NetworkPart("template", Template(network, preparation), (template,), ("template",), names),
        )  # fmt: skip
        exact = execution._replace(precision="fp32") if execution.precision == "int8" else execution
        self.search = runtimes.load(part=self.parts[0], samples=samples, **execution._asdict())
        self.template = runtimes.load(part=self.parts[1], **exact._asdict())
