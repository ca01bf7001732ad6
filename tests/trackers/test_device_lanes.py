"""Lanes whose states stay on the device give the boxes of the tracker, for every family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from evalkit.errors import EvalkitError
from evalkit.trackers import lighttrack, nanotrack, ocean, siamese, siamrpn
from evalkit.trackers._siamese import device_lanes
from evalkit.trackers._siamese.device_lanes import SiameseLanes
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
        logits = like.repeat(1, self.shapes, 1, 1) * torch.linspace(1, 1.5, self.shapes).view(1, -1, 1, 1)
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
    twin = tracker.sibling()
    twin.initialize(first, FIRST[number])
    lanes.place(lane, twin.state)
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


@pytest.mark.parametrize("family", FAMILIES)
def test_lanes_on_the_cpu_equal_the_tracker(family: str) -> None:
    tracker = create_tracker(family)
    lanes = tracker.device_lanes(5)
    found = track_in_lanes(tracker, lanes, [0, 1, 2, 3])
    for number in range(4):
        expected = track_alone(tracker, number)
        assert len({prediction.region for prediction in expected}) > 4, "the tracker does not move"
        assert_close(found[number], expected)


def test_lanes_use_the_search_crop_of_their_own_target() -> None:
    tracker = create_tracker("lighttrack")
    sizes = set()
    for number in range(4):
        tracker.initialize(video(number)[0], FIRST[number])
        sizes.add(tracker.state.search_size)
    assert sizes == {256, 288}


def test_a_lane_is_used_again_for_the_next_target() -> None:
    tracker = create_tracker("nanotrack")
    lanes = tracker.device_lanes(2)
    track_in_lanes(tracker, lanes, [3, 0])
    found = track_in_lanes(tracker, lanes, [1, 2])
    for lane, number in enumerate((1, 2)):
        assert_close(found[lane], track_alone(tracker, number))


class CalledGraph:
    """Stands for a CUDA graph: calls the function as often as a capture does, and again for every replay."""

    captures = 0

    def __init__(self, function: Any, inputs: Any, device: torch.device) -> None:
        type(self).captures += 1
        self.function, self.inputs = function, tuple(inputs)
        for _ in range(4):
            function(*self.inputs)

    def replay(self) -> Any:
        return self.function(*self.inputs)


@pytest.fixture
def captured(monkeypatch: pytest.MonkeyPatch) -> type[CalledGraph]:
    """Let lanes on the CPU do what they do on CUDA: upload frames, capture steps, and fill up the lanes of a graph."""
    CalledGraph.captures = 0
    monkeypatch.setattr(device_lanes, "CapturedFunction", CalledGraph)
    monkeypatch.setattr(device_lanes, "captures_steps", lambda device: True)
    monkeypatch.setattr(device_lanes, "pinned", lambda tensor: tensor.clone())
    return CalledGraph


@pytest.mark.parametrize("family", FAMILIES)
def test_captured_steps_equal_the_tracker(family: str, captured: type[CalledGraph]) -> None:
    tracker = create_tracker(family)
    found = track_in_lanes(tracker, tracker.device_lanes(6), [0, 1, 2, 3, 1])
    for lane, number in enumerate([0, 1, 2, 3, 1]):
        assert_close(found[lane], track_alone(tracker, number))
    # All steps of a search crop have the same number of lanes here.
    assert captured.captures == len({tracker.hyperparameters.small, tracker.hyperparameters.big})


def test_steps_are_captured_again_for_larger_frames(captured: type[CalledGraph]) -> None:
    tracker = create_tracker("nanotrack")
    lanes = tracker.device_lanes(1)
    for number in (0, 3, 1):
        assert_close(track_in_lanes(tracker, lanes, [number])[0], track_alone(tracker, number))
    before = captured.captures
    lanes.reserve(200_000)
    assert lanes.capacity >= 200_000
    assert_close(track_in_lanes(tracker, lanes, [2])[0], track_alone(tracker, 2))
    assert captured.captures == before + 1


class RecordedOperators(TorchDispatchMode):
    """Records the names of the operators that are executed."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        self.names.add(function.overloadpacket.__name__)
        return function(*arguments, **(options or {}))


COPIES = {"_local_scalar_dense", "nonzero", "masked_select", "item", "lift_fresh", "scalar_tensor", "is_nonzero"}
"""Operators that wait for the device or copy a number to it, which no CUDA graph can contain."""


@pytest.mark.parametrize("family", FAMILIES)
def test_a_step_contains_nothing_that_cannot_be_captured(family: str) -> None:
    lanes = create_tracker(family).device_lanes(3)
    lanes._step.prepare(lanes.model.values.small)
    call = torch.tensor([0, 2, 1])
    with RecordedOperators() as recorded, torch.inference_mode():
        lanes._step(lanes.model.values.small, call)
    assert "index_copy_" in recorded.names
    assert not recorded.names & COPIES
    with RecordedOperators() as recorded:
        torch.where(call > 0, call, 0)
        call[call[0]]
    assert recorded.names & COPIES == {"scalar_tensor", "_local_scalar_dense"}


@pytest.mark.parametrize("graphs", [False, True])
def test_lanes_that_are_too_many_for_the_memory_are_computed_in_parts(
    graphs: bool, request: pytest.FixtureRequest
) -> None:
    if graphs:
        request.getfixturevalue("captured")

    class SmallMemory(SmallNetwork):
        def forward(self, image: Tensor, *features: Tensor) -> tuple[Tensor, ...]:
            if len(image) > 2:
                raise torch.OutOfMemoryError("no room for this batch")
            return super().forward(image, *features)

    tracker = create_tracker("nanotrack", SmallMemory)
    found = track_in_lanes(tracker, tracker.device_lanes(4), [0, 1, 2, 3])
    for number in range(4):
        assert_close(found[number], track_alone(tracker, number))


def test_nan_in_a_response_is_an_error_of_its_frame_only_and_names_the_runtime() -> None:
    class DivergedForOne(SmallNetwork):
        def forward(self, image: Tensor, *features: Tensor) -> tuple[Tensor, ...]:
            logits, boxes = super().forward(image, *features)
            bright = features[0].amax(dim=(1, 2, 3)) > 240
            return logits, boxes.masked_fill(bright.view(-1, 1, 1, 1) & (boxes > 25), torch.nan)

    tracker = create_tracker("nanotrack", DivergedForOne)
    lanes = tracker.device_lanes(2)
    lanes.reserve(200 * 200)
    images = place(tracker, lanes, 0, 0)
    dark = [image // 2 for image in video(1)]
    twin = tracker.sibling()
    twin.initialize(dark[0], FIRST[1])
    lanes.place(1, twin.state)
    lanes.stage(0, 0, 0, images[0])
    lanes.stage(0, 0, 1, dark[1])
    rows = lanes.launch(0, [1, 1]).wait()[0]
    with pytest.raises(EvalkitError, match=r"torch fp32 on cpu, lockstep: the network output contains NaN"):
        lanes.prediction(rows[0])
    assert_close([lanes.prediction(rows[1])], [twin.update(dark[1])])


def test_a_response_that_does_not_fit_the_crop_is_an_error() -> None:
    class Shifted(SmallNetwork):
        def forward(self, image: Tensor, *features: Tensor) -> tuple[Tensor, ...]:
            return tuple(output[..., 1:, 1:] for output in super().forward(image, *features))

    tracker = create_tracker("nanotrack", Shifted)
    lanes = tracker.device_lanes(1)
    with pytest.raises(EvalkitError, match=r"locate: the network's response does not fit a search crop of 255 pixels"):
        track_in_lanes(tracker, lanes, [0])


def test_an_infinite_box_leaves_the_target_at_its_place() -> None:
    class Infinite(SmallNetwork):
        def forward(self, image: Tensor, *features: Tensor) -> tuple[Tensor, ...]:
            logits, boxes = super().forward(image, *features)
            return logits, torch.full_like(boxes, torch.inf)

    tracker = create_tracker("ocean", Infinite)
    found = track_in_lanes(tracker, tracker.device_lanes(2), [0, 1])
    for number in range(2):
        assert_close(found[number], track_alone(tracker, number))


def test_the_first_steps_in_a_lower_precision_are_compared_with_torch_in_fp32() -> None:
    tracker = create_tracker("nanotrack", execution=Execution(precision="bf16"))
    lanes = tracker.device_lanes(2)
    track_in_lanes(tracker, lanes, [0, 1])
    lanes.verify_first_calls()
    wrong = tracker.device_lanes(2)
    wrong._step._module.network.weights.mul_(-40)
    track_in_lanes(tracker, wrong, [0, 1])
    with pytest.raises(EvalkitError, match=r"torch bf16, search network: .* in call 1 of the run"):
        wrong.verify_first_calls()


def test_trackers_that_compute_something_else_have_no_lanes() -> None:
    class Careful(siamese.SiameseTracker):
        pass

    plain = create_tracker("lighttrack")
    assert isinstance(plain.device_lanes(1), SiameseLanes)
    own = replace(plain.rules, round_side=lambda value: int(value))
    long_term = replace(plain.hyperparameters, lost_size=320)
    for tracker in (
        Careful(plain.rules, plain.hyperparameters, networks=plain.networks, card={}),
        siamese.SiameseTracker(own, plain.hyperparameters, networks=plain.networks, card={}),
        siamese.SiameseTracker(plain.rules, long_term, networks=plain.networks, card={}),
        create_tracker("lighttrack", execution=Execution("torch-channels-last")),
    ):
        assert tracker.device_lanes(1) is None


def test_large_frames_make_shorter_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    lanes = create_tracker("nanotrack").device_lanes(8)
    assert lanes.block == device_lanes.LONGEST_BLOCK
    monkeypatch.setattr(device_lanes, "FRAME_MEMORY", 60 * 2**20)
    lanes.reserve(640 * 480)
    assert lanes.block == 4
    assert lanes._step.frames.numel() <= device_lanes.FRAME_MEMORY + 3 * 9
    lanes.reserve(4000 * 3000)
    assert lanes.block == 1
