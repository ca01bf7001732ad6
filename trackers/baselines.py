"""Baselines: simple trackers without learned weights."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from evalkit.geometry import bounding_box
from evalkit.registry import tracker
from evalkit.trackers import _inputs
from evalkit.types import Box, Image, Prediction, Region

SIDE = 64
"""Side of the filter's input patch, in pixels."""
PADDING = 2.2
"""Side of the patch as a multiple of the target's side."""
RATE = 0.025
"""Learning rate: weight of the newest frame in the filter; Danelljan et al., 2014."""
RIDGE = 1e-2
"""Regularisation, added to the filter's denominator; Danelljan et al., 2014."""
SPREAD = 0.1
"""Standard deviation of the desired response as a fraction of the target's size."""
SCALES = (1.0, 1.03, 1 / 1.03)
"""Factors on the target's size that are tried in every frame."""
SCALE_PENALTY = 0.985
"""Factor on the response of a changed size, so that noise does not change the size."""


@tracker("identity", summary="predicts the first frame's region in every frame: the lower bound of any benchmark")
class Identity:
    """Predicts the region it was initialised with in every frame."""

    def __init__(self) -> None:
        self._region: Region | None = None

    def initialize(self, image: Image, region: Region) -> None:
        """Remember the region."""
        self._region = region

    def update(self, image: Image) -> Prediction:
        """Return the remembered region with confidence 1."""
        return Prediction(self._region, 1.0)


@tracker("mosse", summary="correlation filter on grey and gradient channels with a search over scale; no weights")
class Mosse:
    """MOSSE, a correlation filter that is updated in every frame, with the channels and scales of its successors.

    Sources: Bolme et al., CVPR 2010 (the filter as a quotient of running averages); Danelljan et al., BMVC 2014
    (several channels with one denominator); Li and Zhu, ECCV 2014 workshops (search over scale).
    """

    def initialize(self, image: Image, region: Region) -> None:
        """Learn the filter from the first image.

        Raises:
            EvalkitError: The image is not an 8-bit image, or the region has no area.
        """
        image = _inputs.as_rgb(image)
        _inputs.start_box(region)  # rejects a region without area; of polygons the bounding box is tracked
        box = bounding_box(region)
        self._center = np.array([box.x + box.width / 2, box.y + box.height / 2])
        self._size = np.maximum([box.width, box.height], 2.0)
        self._scale = 1.0
        self._window = np.outer(np.hanning(SIDE), np.hanning(SIDE))
        self._target = _gaussian_spectrum(SPREAD * SIDE / PADDING)
        spectrum = self._spectrum(image, 1.0)
        self._numerator, self._denominator = self._learned(spectrum)

    def update(self, image: Image) -> Prediction:
        """Move to the peak of the response and update the filter; the confidence is the peak's value."""
        image = _inputs.as_rgb(image)
        candidates = [self._respond(image, factor) for factor in SCALES]
        best, (peak, dy, dx) = max(enumerate(candidates), key=lambda one: one[1][0])
        self._center = self._center + np.array([dx, dy]) * self._stride * SCALES[best]
        self._center = np.clip(self._center, 0.0, (image.shape[1], image.shape[0]))
        self._scale = float(np.clip(self._scale * SCALES[best], *self._limits(image)))
        numerator, denominator = self._learned(self._spectrum(image, 1.0))
        self._numerator = (1 - RATE) * self._numerator + RATE * numerator
        self._denominator = (1 - RATE) * self._denominator + RATE * denominator
        width, height = self._size * self._scale
        x, y = self._center - np.array([width, height]) / 2
        return Prediction(Box(float(x), float(y), float(width), float(height)), float(peak))

    @property
    def _stride(self) -> NDArray[np.float64]:
        """Pixels of the image per pixel of the patch, in x and y."""
        stride: NDArray[np.float64] = self._size * self._scale * PADDING / SIDE
        return stride

    def _limits(self, image: Image) -> tuple[float, float]:
        smallest = max(4.0 / float(self._size.min()), 0.1)
        return smallest, max(smallest, float(min(image.shape[:2]) / self._size.max()))

    def _respond(self, image: Image, factor: float) -> tuple[float, float, float]:
        spectrum = self._spectrum(image, factor)
        response = np.fft.irfft2((self._numerator.conj() * spectrum).sum(axis=0) / (self._denominator + RIDGE))
        row, column = np.unravel_index(int(response.argmax()), response.shape)
        peak = float(response[row, column]) * (1.0 if factor == 1.0 else SCALE_PENALTY)
        return peak, _signed(int(row)), _signed(int(column))

    def _spectrum(self, image: Image, factor: float) -> NDArray[np.complex128]:
        width, height = self._size * self._scale * PADDING * factor
        patch = _crop(image, self._center, width, height)
        return np.fft.rfft2(_channels(patch) * self._window)

    def _learned(self, spectrum: NDArray[np.complex128]) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
        return spectrum * self._target.conj(), (spectrum * spectrum.conj()).real.sum(axis=0)


def _gaussian_spectrum(spread: float) -> NDArray[np.complex128]:
    # Spectrum of the desired response: a Gaussian centred on the patch's corner, with periodic boundaries.
    offset = np.minimum(np.arange(SIDE), SIDE - np.arange(SIDE)) ** 2
    return np.fft.rfft2(np.exp(-(offset[:, None] + offset[None, :]) / (2 * spread**2)))


def _signed(index: int) -> float:
    return float(index if index < SIDE // 2 else index - SIDE)


def _crop(image: Image, center: NDArray[np.float64], width: float, height: float) -> Image:
    # Outside of the image its edge pixels are repeated.
    columns = np.round(center[0] - width / 2) + np.arange(max(round(width), 2))
    rows = np.round(center[1] - height / 2) + np.arange(max(round(height), 2))
    columns = np.clip(columns, 0, image.shape[1] - 1).astype(np.intp)
    rows = np.clip(rows, 0, image.shape[0] - 1).astype(np.intp)
    patch: Image = cv2.resize(image[rows[:, None], columns[None, :]], (SIDE, SIDE))
    return patch


def _channels(patch: Image) -> NDArray[np.float64]:
    """Return shape (C, SIDE, SIDE): centred grey and colour channels, and gradient strength in six directions."""
    pixels = patch.astype(np.float64) / 255
    grey = pixels.mean(axis=-1)
    dy, dx = np.gradient(grey)
    strength, angle = np.hypot(dx, dy), np.arctan2(dy, dx) % np.pi
    strength = strength / (cv2.blur(strength, (9, 9)) + 0.02)
    bins = (angle * (6 / np.pi)).astype(np.intp) % 6
    edges = (bins == np.arange(6)[:, None, None]) * strength
    colours = [grey, pixels[..., 0] - grey, pixels[..., 2] - grey]
    return np.stack([*(2 * (channel - channel.mean()) for channel in colours), *(0.25 * (edges - edges.mean()))])
