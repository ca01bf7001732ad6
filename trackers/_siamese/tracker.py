"""The tracker that LightTrack, Ocean, SiamRPN++ and NanoTrack are."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.trackers import _inputs
from evalkit.trackers._siamese.choice import choose, penalties
from evalkit.trackers._siamese.crop import Colour, crop, mean_colour
from evalkit.trackers._siamese.layout import layout
from evalkit.trackers._siamese.rules import Hyperparameters, Layout, Response, Rules
from evalkit.types import Box, Image, NetworkPart, Polygon, Prediction, Region

SMALL_TARGET = 0.004
"""Share of the image below which a target is searched for in the bigger crop."""
SMALLEST_SIDE = 10.0
"""Pixels; no state gets narrower or lower than this."""


class Networks(Protocol):
    """What executes a tracker's networks.

    ``template`` takes a template crop, uint8 (1, T, T, 3), and returns its features; ``search`` takes features and,
    last, a search crop, uint8 (B, S, S, 3), and returns the response.
    """

    @property
    def template(self) -> Callable[..., tuple[NDArray[Any], ...]]: ...

    @property
    def search(self) -> Callable[..., Response]: ...

    @property
    def parts(self) -> tuple[NetworkPart, ...]: ...


@dataclass
class State:
    """What is known of the target after a frame, in pixels of the image.

    Attributes:
        center, size: x and y; width and height.
        image_size: Width and height of the first frame; positions are kept inside of it.
        colour: What crops are padded with.
        features: Of the template.
        search_size: Side of the search crop unless the target is lost.
        lost: Long-term trackers only.
        scale: Pixels of the crop a pixel of the image, for the crop that was taken last.
    """

    center: tuple[float, float]
    size: tuple[float, float]
    image_size: tuple[int, int]
    colour: Colour
    features: tuple[NDArray[Any], ...]
    search_size: int
    lost: bool = False
    scale: float = math.nan


class SiameseTracker:
    """Looks for the template in a crop around the last position.

    Args:
        rules: How this family does it.
        hyperparameters: What its authors tuned.
        networks: Execute its networks; shared between siblings.
        card: See ``SplitTracker``.
    """

    def __init__(
        self, rules: Rules, hyperparameters: Hyperparameters, *, networks: Networks, card: Mapping[str, Any]
    ) -> None:
        self.rules = rules
        self.hyperparameters = hyperparameters
        self.networks = networks
        self.card = card
        self._state: State | None = None

    @property
    def state(self) -> State:
        """What is known of the target.

        Raises:
            ValueError: ``initialize`` was not called.
        """
        if self._state is None:
            raise ValueError("initialize must be called first")
        return self._state

    def initialize(self, image: Image, region: Region) -> None:
        image = _inputs.rgb(image)
        x, y, width, height = _inputs.start(region)
        shift = 0.0 if isinstance(region, Polygon) else self.rules.first_pixel
        center, size = (x + shift, y + shift), (width, height)
        colour = mean_colour(image)
        template = crop(
            image, center, max(1, round(self._context_side(size))), self.hyperparameters.template,
            colour=colour, corner=self.rules.corner,
        )  # fmt: skip
        self._state = State(
            center, size, (image.shape[1], image.shape[0]), colour,
            features=self.networks.template(template[None]),
            search_size=self._search_size(size, image),
        )  # fmt: skip

    def update(self, image: Image) -> Prediction:
        return self.locate(self.network(*self.crop(image)))

    def crop(self, image: Image) -> tuple[NDArray[Any], ...]:
        state, size = self.state, self._instance()
        side = self._context_side(state.size)
        state.scale = self.hyperparameters.template / side
        patch = crop(
            _inputs.rgb(image), state.center, max(1, self.rules.side(size / state.scale)), size,
            colour=state.colour, corner=self.rules.corner,
        )  # fmt: skip
        return *state.features, patch[None]

    def network(self, *inputs: NDArray[Any]) -> Response:
        return self.networks.search(*inputs)

    def locate(self, response: Response) -> Prediction:
        state, values = self.state, self.hyperparameters
        candidates = self._candidates(response)
        with np.errstate(
            over="ignore", divide="ignore", invalid="ignore"
        ):  # boxes without extent, or beyond all bounds
            score, boxes = self.rules.decode(response, candidates, values)
            penalty = penalties(boxes, state.size[0] * state.scale, state.size[1] * state.scale, values.penalty_k)
        influence = values.lost_window_influence if state.lost else values.window_influence
        best = choose(score, penalty, candidates.window, influence)
        confidence = float(score[best])
        rate = self.rules.smoothing(float(penalty[best]) * confidence * values.lr)
        return self._moved([float(value) / state.scale for value in boxes[:, best]], rate, confidence)

    def _candidates(self, response: Response) -> Layout:
        size = self._instance()
        cells = self.rules.cells(size)
        if response[0].shape[2:] != (cells, cells):
            raise EvalkitError(
                f"the network's response does not fit a search crop of {size} pixels", where="locate",
                found=response[0].shape[2:], expected=(cells, cells),
            )  # fmt: skip
        if any(np.isnan(output).any() for output in response):
            raise EvalkitError(
                "the network answered what is no number (NaN)", where="locate",
                hint="Its weights have diverged or are damaged, or the precision is too low for them", exit_code=1,
            )  # fmt: skip
        return layout(self.rules, size)

    def _moved(self, box: list[float], rate: float, confidence: float) -> Prediction:
        state, values = self.state, self.hyperparameters
        (x, y), (width, height) = state.center, state.size
        answer = (x + box[0], y + box[1], (1 - rate) * width + rate * box[2], (1 - rate) * height + rate * box[3])
        missed = values.long_term and confidence < values.lost_below
        if missed or not all(map(math.isfinite, answer)):
            answer = (x, y, width, height)
        shown = self._clipped(answer)
        # A long-term tracker goes on from what it found, even outside the image; the others from what they answered.
        kept = answer if values.long_term else shown
        state.center, state.size = kept[:2], kept[2:]
        state.lost = missed or (state.lost and confidence <= values.found_above)
        return Prediction(self._box(shown), confidence)

    def _clipped(self, answer: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        columns, rows = self.state.image_size
        x, y, width, height = answer
        return (
            max(0.0, min(float(columns), x)),
            max(0.0, min(float(rows), y)),
            max(SMALLEST_SIDE, min(float(columns), width)),
            max(SMALLEST_SIDE, min(float(rows), height)),
        )

    def _box(self, answer: tuple[float, float, float, float]) -> Box:
        x, y, width, height = answer
        left, top = x - width / 2, y - height / 2
        return Box(max(0.0, left), max(0.0, top), width, height) if self.rules.inside else Box(left, top, width, height)

    def _instance(self) -> int:
        return self.hyperparameters.lost_size if self.state.lost else self.state.search_size

    def _search_size(self, size: tuple[float, float], image: Image) -> int:
        share = size[0] * size[1] / (image.shape[0] * image.shape[1])
        return self.hyperparameters.big if share < SMALL_TARGET else self.hyperparameters.small

    def _context_side(self, size: tuple[float, float]) -> float:
        margin = self.hyperparameters.context * (size[0] + size[1])
        return math.sqrt((size[0] + margin) * (size[1] + margin))

    def sibling(self) -> SiameseTracker:
        twin = copy.copy(self)
        twin._state = None
        return twin

    def parts(self) -> tuple[NetworkPart, ...]:
        return self.networks.parts
