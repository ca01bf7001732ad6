"""The tracker class that LightTrack, Ocean, SiamRPN++ and NanoTrack share."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.trackers import _inputs
from evalkit.trackers._siamese.crop import crop_square, mean_colour
from evalkit.trackers._siamese.hyperparameters import Hyperparameters
from evalkit.trackers._siamese.rules import ImageFormat, Response, Rules
from evalkit.trackers._siamese.selection import select_candidate, size_change_penalty
from evalkit.trackers._siamese.target_state import SMALL_TARGET, SMALLEST_SIDE, TargetState
from evalkit.trackers._siamese.usage import describe_usage, reference_program, search_sizes
from evalkit.types import Box, DeviceLanes, FrameContext, Image, NetworkPart, Polygon, Prediction, Region

_DEVICE_RUNTIMES = ("torch", "torch-cuda-graph")
"""Runtimes whose outputs those of the module on its device are."""


class Networks(Protocol):
    """The networks of a tracker, ready to be executed."""

    @property
    def template(self) -> Callable[..., tuple[NDArray[Any], ...]]:
        """Function from a template crop, uint8 (1, T, T, 3), to its features."""

    @property
    def search(self) -> Callable[..., Response]:
        """Function from features and, as the last argument, a search crop, uint8 (B, S, S, 3), to the response."""

    @property
    def parts(self) -> tuple[NetworkPart, ...]:
        """The networks themselves, ``search`` first."""


class SiameseTracker:
    """Searches for the template in a crop around the last position; a ``SplitTracker``.

    Args:
        rules: Differences of its family from the others.
        hyperparameters: Values tuned by its authors.
        networks: The networks, shared with its siblings.
        card: See ``SplitTracker.card``.
        image_format: Input format of the network, for the description of an export.
    """

    def __init__(
        self,
        rules: Rules,
        hyperparameters: Hyperparameters,
        *,
        networks: Networks,
        card: Mapping[str, Any],
        image_format: ImageFormat | None = None,
    ) -> None:
        self.image_format = image_format or ImageFormat()
        self.rules = rules
        self.hyperparameters = hyperparameters
        self.networks = networks
        self.card = card
        self._state: TargetState | None = None

    @property
    def state(self) -> TargetState:
        """State of the target after the last frame.

        Raises:
            ValueError: ``initialize`` was not called.
        """
        if self._state is None:
            raise ValueError("initialize must be called first")
        return self._state

    def before_frame(self, context: FrameContext) -> None:
        """Start the search network for the sizes of this sequence's search crops, outside of the clock.

        Raises:
            EvalkitError: The region has no area, or the network cannot be started for a size.
        """
        prepare = getattr(self.networks.search, "prepare", None)
        if context.region is None or prepare is None:
            return
        size = self._initial_search_size(_inputs.start_box(context.region)[2:], context.image)
        for side in {size, self.hyperparameters.lost_size or size}:
            prepare(*self._search_example(side))

    def initialize(self, image: Image, region: Region) -> None:
        """Take the template from the first image.

        Raises:
            EvalkitError: The image is not an 8-bit image, or the region has no area.
        """
        image = _inputs.as_rgb(image)
        x, y, width, height = _inputs.start_box(region)
        offset = 0.0 if isinstance(region, Polygon) else self.rules.start_offset
        center, size = (x + offset, y + offset), (width, height)
        colour = mean_colour(image)
        template = crop_square(
            image, center, max(1, round(self._context_side(size))), self.hyperparameters.template,
            padding=colour, round_corner=self.rules.round_corner,
        )  # fmt: skip
        self._state = TargetState(
            center, size, (image.shape[1], image.shape[0]), colour,
            features=self.networks.template(template[None]),
            search_size=self._initial_search_size(size, image),
        )  # fmt: skip

    def update(self, image: Image) -> Prediction:
        """Locate the target in the next image."""
        return self.locate(self.network(*self.crop(image)))

    def crop(self, image: Image) -> tuple[NDArray[Any], ...]:
        """Return the template's features and the search crop, uint8 (1, S, S, 3)."""
        state, size = self.state, self._search_size()
        side = self._context_side(state.size)
        state.scale = self.hyperparameters.template / side
        patch = crop_square(
            _inputs.as_rgb(image), state.center, max(1, self.rules.round_side(size / state.scale)), size,
            padding=state.colour, round_corner=self.rules.round_corner,
        )  # fmt: skip
        return *state.features, patch[None]

    def network(self, *inputs: NDArray[Any]) -> Response:
        """Return the response to template features and search crops; batches are allowed."""
        return self.networks.search(*inputs)

    def locate(self, response: Response) -> Prediction:
        """Select the best candidate of a response of batch 1 and move the state to it.

        Raises:
            EvalkitError: The response does not have the expected shape, or contains NaN.
        """
        state, values = self.state, self.hyperparameters
        self._check(response)
        anchors = self.rules.anchors(self._search_size())
        # Boxes can have no area, or be infinite.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            score, boxes = self.rules.decode(response, anchors, values)
            penalty = size_change_penalty(
                boxes, state.size[0] * state.scale, state.size[1] * state.scale, values.penalty_k
            )
        influence = values.lost_window_influence if state.lost else values.window_influence
        best = select_candidate(score, penalty, anchors.window, influence)
        confidence = float(score[best])
        rate = self.rules.smoothing(float(penalty[best]) * confidence * values.lr)
        return self._move([float(value) / state.scale for value in boxes[:, best]], rate, confidence)

    def _check(self, response: Response) -> None:
        size = self._search_size()
        cells = self.rules.cells(size)
        if response[0].shape[2:] != (cells, cells):
            raise EvalkitError(
                f"the network's response does not fit a search crop of {size} pixels", where="locate",
                found=response[0].shape[2:], expected=(cells, cells),
            )  # fmt: skip
        if any(np.isnan(output).any() for output in response):
            raise EvalkitError(
                "the network output contains NaN", where="locate",
                hint="Its weights have diverged or are damaged, or the precision is too low for them", exit_code=1,
            )  # fmt: skip

    def _move(self, box: list[float], rate: float, confidence: float) -> Prediction:
        state, values = self.state, self.hyperparameters
        (x, y), (width, height) = state.center, state.size
        target = (x + box[0], y + box[1], (1 - rate) * width + rate * box[2], (1 - rate) * height + rate * box[3])
        missed = values.long_term and confidence < values.lost_below
        if missed or not all(map(math.isfinite, target)):
            target = (x, y, width, height)
        clipped = self._clip(target)
        # Long-term trackers continue from the found position, even outside of the image; others from the clipped one.
        kept = target if values.long_term else clipped
        state.center, state.size = kept[:2], kept[2:]
        state.lost = missed or (state.lost and confidence <= values.found_above)
        return Prediction(self._box(clipped), confidence)

    def _clip(self, target: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        columns, rows = self.state.image_size
        x, y, width, height = target
        return (
            max(0.0, min(float(columns), x)),
            max(0.0, min(float(rows), y)),
            max(SMALLEST_SIDE, min(float(columns), width)),
            max(SMALLEST_SIDE, min(float(rows), height)),
        )

    def _box(self, target: tuple[float, float, float, float]) -> Box:
        x, y, width, height = target
        left, top = x - width / 2, y - height / 2
        if self.rules.clip_corner:
            left, top = max(0.0, left), max(0.0, top)
        return Box(left, top, width, height)

    def _search_size(self) -> int:
        return self.hyperparameters.lost_size if self.state.lost else self.state.search_size

    def _initial_search_size(self, size: tuple[float, float], image: Image) -> int:
        fraction = size[0] * size[1] / (image.shape[0] * image.shape[1])
        return self.hyperparameters.big if fraction < SMALL_TARGET else self.hyperparameters.small

    def _context_side(self, size: tuple[float, float]) -> float:
        margin = self.hyperparameters.context * (size[0] + size[1])
        return math.sqrt((size[0] + margin) * (size[1] + margin))

    def verify_execution(self) -> None:
        """Compare the first outputs of both networks with those of torch in fp32, if a runtime executes them.

        Raises:
            EvalkitError: They differ by more than the tolerance of the precision; the message names the runtime.
        """
        for network in (self.networks.search, self.networks.template):
            verify = getattr(network, "verify_first_calls", None)
            if verify is not None:
                verify()

    def sibling(self) -> SiameseTracker:
        """Return a tracker with the same networks and settings and a state of its own."""
        twin = copy.copy(self)
        twin._state = None
        return twin

    def device_lanes(self, count: int) -> DeviceLanes | None:
        """Return lanes whose states stay on the device of the network; None where they would compute something else.

        That is where this is a subclass or a long-term tracker, where its rules have functions of its own, and where
        another runtime than PyTorch executes the network.
        """
        execution = getattr(self.networks.search, "execution", None)
        if type(self) is not SiameseTracker or execution is None or execution.runtime not in _DEVICE_RUNTIMES:
            return None
        from evalkit.trackers._siamese import device_lanes, device_locate, device_step

        if not device_locate.supports(self.rules, self.hyperparameters):
            return None
        return device_lanes.SiameseLanes(
            device_step.DeviceModel(self.rules, self.hyperparameters, self.networks.parts[0], execution), count
        )

    def parts(self) -> tuple[NetworkPart, ...]:
        """Return the networks, ``search`` first."""
        return self.networks.parts

    def further_parts(self) -> tuple[NetworkPart, ...]:
        """Return the search network for the other sizes of the search crop, e.g. ``search-288``."""
        search = self.networks.parts[0]
        return tuple(
            replace(search, name=f"search-{size}", example=self._search_example(size))
            for size in search_sizes(self)[1:]
        )

    def _search_example(self, size: int) -> tuple[NDArray[Any], ...]:
        return *self.networks.parts[0].example[:-1], np.zeros((1, size, size, 3), np.uint8)

    def usage(self) -> Mapping[str, Any] | None:
        """Return how the networks are used, in words and numbers; None where the tracker has rules of its own."""
        return describe_usage(self)

    def reference_program(self) -> str:
        """Return a Python program that tracks with the exported networks by what ``usage`` says."""
        return reference_program()
