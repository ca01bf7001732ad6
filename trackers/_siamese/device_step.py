"""One step of all lanes of a Siamese tracker on a device, and the states that it moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from evalkit.errors import EvalkitError
from evalkit.runtimes.torch_execution import copy_module
from evalkit.trackers._siamese.device_crop import FramePixels, crop_squares
from evalkit.trackers._siamese.device_locate import ROUNDINGS, DeviceAnchors, Targets, context_side, locate_targets
from evalkit.trackers._siamese.hyperparameters import Hyperparameters
from evalkit.trackers._siamese.rules import Rules
from evalkit.trackers._siamese.target_state import SMALLEST_SIDE, TargetState
from evalkit.types import Execution, NetworkPart

ANSWER = 6
"""Numbers of an answer: see ``device_locate.Located.answers``."""


@dataclass(frozen=True, eq=False)
class DeviceModel:
    """The parts of a tracker that a step uses: its rules, hyperparameters, search network and execution."""

    rules: Rules
    values: Hyperparameters
    part: NetworkPart
    execution: Execution


class StepTensors(NamedTuple):
    """Inputs and outputs of the network in a step, each of shape (n, ...)."""

    inputs: tuple[Tensor, ...]
    response: tuple[Tensor, ...]


class DeviceStep:
    """States, frames and answers of lanes on a device, and the step that reads and writes them.

    There is one lane more than asked for: a captured graph computes on a fixed number of lanes, and the last one takes
    the places that are left over.

    Args:
        model: The tracker.
        count: Number of lanes.
        device: Where everything is.

    Attributes:
        frames: uint8, shape (P, 3): pixels of the frames of each row and lane, then the padding colour of each lane.
        sizes: int64, shape (rows, lanes, 2): width and height of each frame.
        answers: float64, shape (rows, lanes, ``ANSWER``).
    """

    frames: Tensor
    sizes: Tensor
    answers: Tensor

    def __init__(self, model: DeviceModel, count: int, device: torch.device) -> None:
        self.model = model
        self.count = count
        self.device = device
        self._module = copy_module(model.part, device, precision=model.execution.precision)
        lanes = count + 1
        self._center = torch.zeros((lanes, 2), dtype=torch.float64, device=device)
        self._size = torch.full((lanes, 2), SMALLEST_SIDE, dtype=torch.float64, device=device)
        self._limits = torch.full((lanes, 2), SMALLEST_SIDE, dtype=torch.float64, device=device)
        self._colours = torch.zeros((lanes, 3), dtype=torch.uint8, device=device)
        self._features = [torch.zeros((lanes, *value.shape[1:]), device=device) for value in model.part.example[:-1]]
        self._anchors: dict[int, DeviceAnchors] = {}

    def allocate_frames(self, rows: int, pixels: int) -> None:
        """Replace the frames, their sizes and the answers by new ones of ``rows`` frames of each lane.

        Args:
            rows: Number of frames of a lane that are on the device at the same time.
            pixels: Most pixels of a frame.
        """
        self._capacity = pixels
        self._first_colour = rows * self.count * pixels
        self.frames = torch.empty(0, dtype=torch.uint8)
        self.frames = torch.zeros((self._first_colour + self.count + 1, 3), dtype=torch.uint8, device=self.device)
        self.frames[self._first_colour :] = self._colours
        self.sizes = torch.ones((rows, self.count + 1, 2), dtype=torch.int64, device=self.device)
        self.answers = torch.zeros((rows, self.count + 1, ANSWER), dtype=torch.float64, device=self.device)

    def place(self, lane: int, state: TargetState) -> None:
        """Set the state of a lane to that of a tracker after its first frame."""
        for tensor, values in (
            (self._center, state.center), (self._size, state.size), (self._limits, state.image_size),
            (self._colours, state.colour),
        ):  # fmt: skip
            tensor[lane] = torch.tensor(values, dtype=tensor.dtype)
        self.frames[self._first_colour + lane] = self._colours[lane]
        for tensor, feature in zip(self._features, state.features, strict=True):
            tensor[lane] = torch.from_numpy(feature[0])

    def prepare(self, crop_size: int) -> None:
        """Place the anchors of a search crop on the device, which a captured step cannot do."""
        if crop_size not in self._anchors:
            anchors = self.model.rules.anchors(crop_size)
            self._anchors[crop_size] = DeviceAnchors(
                *(
                    torch.tensor(one, dtype=torch.float64, device=self.device)
                    for one in (anchors.window, anchors.x, anchors.y, anchors.width, anchors.height)
                )
            )

    def __call__(self, crop_size: int, call: Tensor) -> StepTensors:
        """Move some lanes by one frame.

        Args:
            crop_size: Side of their search crops in pixels; ``prepare`` must have been called for it.
            call: int64, shape (n + 1,): the lanes, then the row of their frames.

        Raises:
            EvalkitError: The network's response does not fit the search crop.
        """
        lanes, row = call[:-1], call[-1]
        rules, values = self.model.rules, self.model.values
        targets = Targets(self._center[lanes], self._size[lanes], self._limits[lanes])
        scale = values.template / context_side(targets.size, values.context)
        crops = self._crop(lanes, row, targets, scale, crop_size)
        inputs = (*(feature[lanes] for feature in self._features), crops)
        response = self._respond(inputs, crop_size)
        located = locate_targets(
            response, targets, scale, self._anchors[crop_size], family=rules, values=values,
            smallest_side=SMALLEST_SIDE,
        )  # fmt: skip
        self._center.index_copy_(0, lanes, located.center)
        self._size.index_copy_(0, lanes, located.size)
        self.answers.view(-1, ANSWER).index_copy_(0, self._place_in_row(row, lanes), located.answers)
        return StepTensors(inputs, response)

    def _crop(self, lanes: Tensor, row: Tensor, targets: Targets, scale: Tensor, crop_size: int) -> Tensor:
        round_corner, round_side = ROUNDINGS[self.model.rules.round_corner], ROUNDINGS[self.model.rules.round_side]
        side = round_side(crop_size / scale).long().clamp_min(1)
        corner = round_corner(targets.center - ((side + 1) / 2)[:, None]).long()
        size = self.sizes.view(-1, 2)[self._place_in_row(row, lanes)]
        colour = self._first_colour + lanes
        # The lane beyond the last one has no frame; its padding colour is one of a single pixel.
        first = torch.where(lanes == self.count, colour, (row * self.count + lanes) * self._capacity)
        frames = FramePixels(self.frames, first, colour, size[:, 0], size[:, 1])
        return crop_squares(frames, corner[:, 0], corner[:, 1], side, crop_size)

    def _place_in_row(self, row: Tensor, lanes: Tensor) -> Tensor:
        # An index of shape () would be copied to the host.
        return row * (self.count + 1) + lanes

    def _respond(self, inputs: tuple[Tensor, ...], crop_size: int) -> tuple[Tensor, ...]:
        response = self._module(*inputs)
        cells = self.model.rules.cells(crop_size)
        if response[0].shape[2:] != (cells, cells):
            raise EvalkitError(
                f"the network's response does not fit a search crop of {crop_size} pixels", where="locate",
                found=tuple(response[0].shape[2:]), expected=(cells, cells),
            )  # fmt: skip
        return tuple(output.float() for output in response)
