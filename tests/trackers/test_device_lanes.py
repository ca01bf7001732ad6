"""Lanes whose states stay on the device give the boxes of the tracker, for every family."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from moving_square import tiny_dataset
from recorded_operators import RecordedOperators
from siamese_lanes import (
    FAMILIES,
    FIRST,
    TOLERANCE,
    SmallNetwork,
    assert_close,
    create_tracker,
    place,
    track_alone,
    track_in_lanes,
    video,
)
from torch import Tensor

from evalkit.engine import resident, serial
from evalkit.engine.work import Job, Unit, Worker
from evalkit.errors import EvalkitError
from evalkit.trackers import siamese
from evalkit.trackers._siamese import device_lanes
from evalkit.trackers._siamese.device_lanes import SiameseLanes
from evalkit.types import Annotation, Execution, Image, Sequence, VotRules


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


def test_grey_frames_are_tracked_as_by_the_tracker() -> None:
    tracker = create_tracker("nanotrack")
    lanes = tracker.device_lanes(1)
    lanes.reserve(200 * 200)
    first, *images = (image[..., 0] for image in video(1))
    twin = tracker.sibling()
    lanes.start(0, twin, first, FIRST[1])
    for slot, image in enumerate(images[:3]):
        lanes.stage(0, slot, 0, image)
    answers = lanes.launch(0, [3]).wait()
    assert_close([lanes.prediction(row) for row in answers[:3, 0]], [twin.update(image) for image in images[:3]])
    with pytest.raises(EvalkitError, match="8-bit images"):
        lanes.stage(0, 0, 0, first.astype(float))


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
    monkeypatch.setattr(device_lanes, "pinned", torch.clone)
    monkeypatch.setattr(device_lanes, "empty_pinned", torch.empty_like)
    return CalledGraph


@pytest.mark.parametrize("family", FAMILIES)
def test_captured_steps_equal_the_tracker(family: str, captured: type[CalledGraph]) -> None:
    tracker = create_tracker(family)
    found = track_in_lanes(tracker, tracker.device_lanes(6), [0, 1, 2, 3, 1])
    for lane, number in enumerate([0, 1, 2, 3, 1]):
        assert_close(found[lane], track_alone(tracker, number))
    # All steps of a search crop have the same number of lanes here.
    assert captured.captures == len({tracker.hyperparameters.small, tracker.hyperparameters.big})


@pytest.mark.parametrize("graphs", [False, True])
@pytest.mark.parametrize("protocol", ["one_pass", "supervised"])
def test_runs_through_the_engine_equal_serial_ones(
    graphs: bool, protocol: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if graphs:
        request.getfixturevalue("captured")

    def sequence(number: int) -> Sequence:
        # Frames of four sizes, so that the memory grows while other lanes are busy.
        images = video(number % 4, 6 + number)
        boxes = np.tile(FIRST[number % 4].array(), (len(images), 1)) + np.arange(len(images))[:, None] * [3, 0, 0, 0]
        return Sequence(f"s{number}", lambda: Annotation(boxes), InMemory(images))

    job = Job(tracker="mosse", label="x", dataset="tiny", results=tmp_path, protocol=protocol, timed=False)
    dataset = replace(tiny_dataset(*(sequence(number) for number in range(7))), vot=VotRules())
    worker = Worker(job, dataset=dataset)
    worker.__dict__["tracker"] = tracker = create_tracker("siamrpn++")
    units = [Unit(job, one.name) for one in dataset.sequences]
    together = {
        answer.unit.sequence: answer
        for answer in resident.execute(worker, units, tracker.device_lanes(3), count=3)  # type: ignore[arg-type]
    }
    for answer in serial.execute(worker, units):
        found = together[answer.unit.sequence]
        assert found.error is None, found.traceback
        np.testing.assert_allclose(found.trajectories[0].boxes, answer.trajectories[0].boxes, rtol=0, atol=TOLERANCE)
        np.testing.assert_array_equal(found.trajectories[0].states, answer.trajectories[0].states)


@dataclass
class InMemory:
    """Decoded frames."""

    images: list[Image]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int, /) -> Image:
        return self.images[index]


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
    lanes.start(1, twin, dark[0], FIRST[1])
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
    lanes.verify_execution(tracker)
    wrong = tracker.device_lanes(2)
    wrong._step._module.network.weights.mul_(-40)
    track_in_lanes(tracker, wrong, [0, 1])
    with pytest.raises(EvalkitError, match=r"torch bf16, search network: .* in call 1 of the run"):
        wrong.verify_execution(tracker)


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
