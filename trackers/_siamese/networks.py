"""A family's network as two pure parts over 8-bit crops, and what executes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from evalkit.errors import EvalkitError
from evalkit.types import NetworkPart

Executor = Callable[..., tuple[NDArray[Any], ...]]

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


class TwoPartNetworks:
    """Executes the two parts of a network on one device under one runtime.

    Args:
        network: In evaluation mode, with ``template(image)`` and ``forward(image, *features)``.
        preparation: Of its images.
        outputs: Names of the response's arrays.
        template_size: Side of the template crop.
        runtime, precision, device, threads: See ``evalkit.runtimes``.

    Attributes:
        samples: Returns real inputs of the search network; int8 is calibrated on them.
    """

    def __init__(
        self,
        network: nn.Module,
        preparation: Preparation,
        *,
        outputs: tuple[str, ...],
        template_size: int,
        runtime: str = "torch",
        precision: str = "fp32",
        device: str = "cpu",
        threads: int = 1,
    ) -> None:
        self._device = checked_device(device)
        if runtime == "torch":
            settle(self._device, threads)
        self._modules = {"template": Template(network, preparation), "search": Search(network, preparation)}
        self._outputs, self._template_size = outputs, template_size
        self._runtime, self._precision, self._threads = runtime, precision, threads
        self.samples: Callable[[], Sequence[tuple[NDArray[Any], ...]]] | None = None
        self._executors: dict[tuple[str, int], Executor] = {}
        self._features = self._example_features()
        if runtime == "torch" and precision == "fp32":
            for module in self._modules.values():
                module.to(self._device)

    def template(self, image: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        return self._executor("template", image.shape[1])(image)

    def search(self, *inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        return self._executor("search", inputs[-1].shape[1])(*inputs)

    def parts(self, search_size: int) -> tuple[NetworkPart, ...]:
        return self._part("search", search_size), self._part("template", self._template_size)

    def _executor(self, name: str, size: int) -> Executor:
        key = (name, size)
        if key not in self._executors:
            self._executors[key] = self._load(name, size)
        return self._executors[key]

    def _load(self, name: str, size: int) -> Executor:
        if self._runtime == "torch" and self._precision == "fp32":
            return Eager(self._modules[name], self._device)
        from evalkit import runtimes

        # The template network runs once per sequence and everything rests on its features: int8 is not for it.
        precision = "fp32" if name == "template" and self._precision == "int8" else self._precision
        return runtimes.load(
            self._runtime, self._part(name, size), precision=precision, device=str(self._device),
            threads=self._threads, samples=self.samples,
        )  # fmt: skip

    def _part(self, name: str, size: int) -> NetworkPart:
        crop = np.zeros((1, size, size, 3), dtype=np.uint8)
        names = tuple(f"zf{index}" for index in range(len(self._features))) if len(self._features) > 1 else ("zf",)
        if name == "template":
            return NetworkPart(name, self._modules[name], (crop,), ("template",), names)
        return NetworkPart(name, self._modules[name], (*self._features, crop), (*names, "search"), self._outputs)

    def _example_features(self) -> tuple[NDArray[Any], ...]:
        crop = np.zeros((1, self._template_size, self._template_size, 3), dtype=np.uint8)
        return Eager(self._modules["template"], torch.device("cpu"))(crop)


class Eager:
    """A module executed as it is, arrays in and out."""

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        self._module, self._device = module, device

    def __call__(self, *inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        with torch.inference_mode():
            answer = self._module(*(torch.from_numpy(array).to(self._device) for array in inputs))
            tensors = answer if isinstance(answer, tuple) else (answer,)
            return tuple(tensor.cpu().numpy() for tensor in tensors)


def checked_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        EvalkitError: There is no such device in this machine.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise EvalkitError(
            "this is not a device", where="--device", found=name, expected="cpu, cuda or cuda:N"
        ) from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise EvalkitError(
            "no CUDA device can be used", where="--device", found=name,
            hint="Is the driver installed, and PyTorch built for it? `evalkit doctor` shows both",
        )  # fmt: skip
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise EvalkitError("there is no such CUDA device", where="--device", found=name, expected=f"below cuda:{count}")
    if device.type not in ("cpu", "cuda"):
        raise EvalkitError(
            "trackers run on no such device", where="--device", found=name, expected="cpu, cuda or cuda:N"
        )
    return device


def settle(device: torch.device, threads: int) -> None:
    """Fix what PyTorch would otherwise choose by itself: threads, and on a GPU reduced precision and algorithms."""
    torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
