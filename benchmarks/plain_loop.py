"""Straightforward implementation of LightTrack's tracking loop, for comparison with evalkit's loop.

Every step is the simplest one: pad the frame, crop, resize, pass a tensor to the network in eager PyTorch, and compute
with NumPy arrays and a temporary array per operation. Nothing is slowed down on purpose: the loop represents the
authors' own code, and was timed against it frame by frame (the result is in ``README.md``).
"""

from __future__ import annotations

import time
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from evalkit.types import Box, Image

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
CONTEXT = 0.5
STRIDE = 16


class PlainLoop:
    """Track one target.

    Args:
        network: ``template(image)`` and ``forward(image, features)`` on normalised tensors.
        values: Hyperparameters as attributes with LightTrack's names.

    Attributes:
        seconds: Total CPU time of crop, network and locate, shape (3,).
    """

    def __init__(self, network: nn.Module, values: Any) -> None:
        self.network = network
        self.values = values
        self.seconds = np.zeros(3)

    def initialize(self, image: Image, box: Box) -> None:
        self.position = np.array([box.x + box.width / 2, box.y + box.height / 2])
        self.size = np.array([box.width, box.height])
        self.colour = tuple(int(value) for value in image.reshape(-1, 3).mean(axis=0))
        share = box.width * box.height / (image.shape[0] * image.shape[1])
        self.instance = self.values.big if share < 0.004 else self.values.small
        cells = self.instance // STRIDE
        self.window = np.outer(np.hanning(cells), np.hanning(cells))
        along = (np.arange(cells) - cells // 2) * STRIDE + self.instance // 2
        self.grid_x, self.grid_y = np.meshgrid(along, along)
        with torch.no_grad():
            crop = self.crop(image, round(self.side()), self.values.template)
            self.features = self.network.template(normalised(crop))  # type: ignore[operator]

    def update(self, image: Image) -> NDArray[np.float64]:
        """Return the box in the next frame, shape (4,): x, y, width, height."""
        start = time.process_time()
        scale = self.values.template / self.side()
        tensor = normalised(self.crop(image, int(self.instance / scale + 0.5), self.instance))
        cropped = time.process_time()
        with torch.no_grad():
            score, boxes = self.network(tensor, self.features)
        passed = time.process_time()
        self.locate(torch.sigmoid(score).squeeze().numpy(), boxes.squeeze().numpy(), scale, image)
        end = time.process_time()
        self.seconds += (cropped - start, passed - cropped, end - passed)
        x, y = np.maximum(self.position - self.size / 2, 0.0)
        return np.array([x, y, *self.size])

    def side(self) -> float:
        margin = CONTEXT * self.size.sum()
        return float(np.sqrt((self.size[0] + margin) * (self.size[1] + margin)))

    def crop(self, image: Image, side: int, size: int) -> Image:
        rows, columns, channels = image.shape
        half = (side + 1) / 2
        left, top = round(self.position[0] - half), round(self.position[1] - half)
        above, below, before, after = (
            max(0, -top),
            max(0, top + side - rows),
            max(0, -left),
            max(0, left + side - columns),
        )
        if above or below or before or after:
            padded = np.full((rows + above + below, columns + before + after, channels), self.colour, np.uint8)
            padded[above : above + rows, before : before + columns] = image
            image = padded
        top, left = top + above, left + before
        return np.asarray(cv2.resize(image[top : top + side, left : left + side], (size, size)), np.uint8).copy()

    def locate(self, score: NDArray[Any], reach: NDArray[Any], scale: float, image: Image) -> None:
        x1, y1 = self.grid_x - reach[0], self.grid_y - reach[1]
        x2, y2 = self.grid_x + reach[2], self.grid_y + reach[3]
        width, height = x2 - x1, y2 - y1
        target = self.size * scale
        growth = larger(square_side(width, height) / square_side(*target))
        aspect = larger((target[0] / target[1]) / (width / height))
        penalty = np.exp(-(growth * aspect - 1) * self.values.penalty_k)
        weight = self.values.window_influence
        value = penalty * score * (1 - weight) + self.window * weight
        row, column = np.unravel_index(value.argmax(), value.shape)
        middle = np.array([x1[row, column] + x2[row, column], y1[row, column] + y2[row, column]]) / 2
        found = np.array([width[row, column], height[row, column]]) / scale
        rate = (penalty[row, column] * score[row, column] * self.values.lr) ** 2
        frame = np.array([image.shape[1], image.shape[0]])
        self.position = np.clip(self.position + (middle - self.instance // 2) / scale, 0, frame)
        self.size = np.clip((1 - rate) * self.size + rate * found, 10, frame)


def normalised(crop: Image) -> Tensor:
    tensor = torch.from_numpy(crop.transpose(2, 0, 1)).float()
    tensor /= 255
    tensor -= MEAN
    tensor /= STD
    return tensor.unsqueeze(0)


def square_side(width: Any, height: Any) -> Any:
    margin = (width + height) * 0.5
    return np.sqrt((width + margin) * (height + margin))


def larger(ratio: Any) -> Any:
    return np.maximum(ratio, 1.0 / ratio)
