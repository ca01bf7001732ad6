"""Sequences in step with all states on a device: the engine's part, with a device that is a list of numbers."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from moving_square import MovingSquare, tiny_dataset
from numpy.typing import NDArray

from evalkit.engine import resident, serial
from evalkit.engine.plan import Plan
from evalkit.engine.work import Answer, Job, Unit, Worker
from evalkit.errors import EvalkitError
from evalkit.types import Annotation, Box, Dataset, Image, Prediction, Region, VotRules
from evalkit.types import Sequence as Video


@dataclass
class Position:
    """State of ``Drift``."""

    box: Box


class Drift:
    """Moves by what it sees; its network and states can be on the device."""

    card: dict[str, object] = {}  # noqa: RUF012

    def __init__(self, device: type[Device] | None = None) -> None:
        self.device = device or Device
        self.made: list[Device] = []

    def initialize(self, image: Image, region: Region) -> None:
        assert isinstance(region, Box)
        self.state = Position(region)

    def update(self, image: Image) -> Prediction:
        self.state = Position(moved(self.state.box, image))
        return Prediction(self.state.box, self.state.box.x / 1000)

    def sibling(self) -> Drift:
        return Drift(self.device)

    def device_lanes(self, count: int) -> Device | None:
        self.made.append(self.device(count))
        return self.made[-1]

    def crop(self, image: Image) -> tuple[Image]:
        return (image[None],)

    def network(self, *crops: Image) -> tuple[Image, ...]:
        return crops

    def locate(self, response: tuple[Image, ...]) -> Prediction:
        return self.update(response[0][0])

    def parts(self) -> tuple[()]:
        return ()


def moved(box: Box, image: Image) -> Box:
    step = float(image[::7, ::5].mean()) / 100
    return Box(box.x + step, box.y - step / 3, box.width, box.height)


class Device:
    """Lanes on a device whose memory of frames is a list; blocks are computed when they are waited for."""

    block = 3
    capacity = 1

    def __init__(self, count: int) -> None:
        self.count = count
        self.states: list[Any] = [None] * count
        self.frames: list[dict[tuple[int, int], Image]] = [{}, {}]
        self.running: list[int] = []
        self.blocks: list[list[int]] = []
        self.reserved: list[int] = []
        self.verified = 0

    def reserve(self, pixels: int) -> None:
        assert pixels > self.capacity
        assert not self.running, "a block is running"
        self.reserved.append(pixels)
        self.capacity = pixels
        self.block = 2

    def start(self, lane: int, tracker: Drift, image: Image, region: Region) -> None:
        tracker.initialize(image, region)
        assert not any(key[1] == lane for half in self.running for key in self.frames[half]), "its frames are not done"
        for frames in self.frames:
            for key in [key for key in frames if key[1] == lane]:
                del frames[key]  # of a sequence that failed
        self.states[lane] = tracker.state.box

    def stage(self, half: int, slot: int, lane: int, image: Image) -> None:
        assert half not in self.running, "the device reads this half"
        assert image.shape[0] * image.shape[1] <= self.capacity
        assert slot < self.block
        self.frames[half][slot, lane] = image

    def launch(self, half: int, counts: Sequence[int]) -> Any:
        staged = {(slot, lane) for lane in range(self.count) for slot in range(counts[lane])}
        self.frames[half] = {key: self.frames[half][key] for key in staged}
        self.running.append(half)
        self.blocks.append(list(counts))
        return Running(self, half)

    def prediction(self, answer: NDArray[np.float64]) -> Prediction:
        return Prediction(Box(*answer.tolist()), float(answer[0]) / 1000)

    def verify_execution(self, tracker: Drift) -> None:
        self.verified += 1


@dataclass
class Running:
    """A block of ``Device``."""

    device: Device
    half: int

    def wait(self) -> NDArray[np.float64]:
        device = self.device
        answers = np.full((device.block, device.count + 1, 4), np.nan)
        for (slot, lane), image in sorted(device.frames[self.half].items()):
            device.states[lane] = moved(device.states[lane], image)
            answers[slot, lane] = device.states[lane].array()
        device.frames[self.half].clear()
        device.running.remove(self.half)
        return answers


class Numbered(MovingSquare):
    """Moving squares of different lengths and sizes; the second row says which sequence it is."""

    def __init__(self, number: int, rows: int = 60) -> None:
        super().__init__(8 + number % 5)
        self.number, self.rows = number, rows

    def __getitem__(self, index: int, /) -> Image:
        image = super().__getitem__(index)
        image[1] = self.number
        return np.tile(image, (-(-self.rows // 60), 1, 1))[: self.rows].copy()


def video(number: int, rows: int = 60) -> Video:
    frames = Numbered(number, rows)
    return Video(f"s{number}", lambda: Annotation(frames.boxes()), frames, size=(80, rows))


def worker_of(job: Job, tracker: Any, *videos: Video, protocol: str = "one_pass") -> Worker:
    dataset = tiny_dataset(*(videos or map(video, range(6))))
    worker = Worker(replace(job, protocol=protocol, tracker="identity"), dataset=with_rules(dataset))
    worker.__dict__["tracker"] = tracker
    return worker


def with_rules(dataset: Dataset) -> Dataset:
    return replace(dataset, vot=VotRules())


def run(worker: Worker, lanes: int) -> dict[str, Answer]:
    """Track all sequences in lanes; in 0 lanes one after another."""
    units = [Unit(worker.job, one.name) for one in worker.dataset.sequences]
    tracker: Any = worker.tracker
    if lanes == 0:
        return by_name(serial.execute(worker, units))
    device = tracker.device_lanes(lanes)
    return by_name(resident.execute(worker, units, device, count=lanes))


def by_name(answers: Iterable[Answer]) -> dict[str, Answer]:
    return {answer.unit.sequence: answer for answer in answers}


def assert_same(found: dict[str, Answer], expected: dict[str, Answer]) -> None:
    assert found.keys() == expected.keys()
    for name, answer in found.items():
        assert answer.error is None, answer.traceback
        assert len(answer.trajectories) == len(expected[name].trajectories)
        for one, other in zip(answer.trajectories, expected[name].trajectories, strict=True):
            np.testing.assert_array_equal(one.boxes, other.boxes)
            np.testing.assert_array_equal(one.confidence, other.confidence)
            np.testing.assert_array_equal(one.states, other.states)


@pytest.mark.parametrize("lanes", [1, 4, 16])
@pytest.mark.parametrize("protocol", ["one_pass", "unsupervised", "supervised"])
def test_any_number_of_lanes_gives_the_answers_of_a_serial_run(job: Job, lanes: int, protocol: str) -> None:
    worker = worker_of(job, Drift(), protocol=protocol)
    assert_same(run(worker, lanes), run(worker, 0))


def test_a_lane_runs_from_every_anchor_of_a_sequence(job: Job) -> None:
    def anchored(number: int) -> Video:
        one = video(number)
        anchors = np.zeros(len(one), np.int64)
        anchors[[0, 3, 6]] = 1, 1, -1
        annotation = replace(one.annotation, anchors=anchors)
        return replace(one, read=lambda: annotation)

    worker = worker_of(job, Drift(), *(anchored(number) for number in range(4)), protocol="multistart")
    assert_same(run(worker, 3), run(worker, 0))


def test_answers_come_block_by_block_where_the_protocol_does_not_need_them_earlier(job: Job) -> None:
    worker = worker_of(job, tracker := Drift(), *(video(number) for number in (4, 4, 4)))
    worker = worker_of(job, tracker, *(replace(video(4), name=f"s{number}") for number in range(3)))
    run(worker, 3)
    # Twelve frames, the first of which initialises: the first frame enlarges the memory, blocks have two frames then.
    assert tracker.made[0].blocks == [[2, 2, 2]] * 5 + [[1, 1, 1]]
    run(worker_of(job, tracker, *worker.dataset.sequences, protocol="supervised"), 3)
    assert {max(counts) for counts in tracker.made[1].blocks} == {1}


def test_the_memory_of_frames_grows_while_other_lanes_are_busy(job: Job) -> None:
    tracker = Drift()
    worker = worker_of(job, tracker, *(video(number, rows=60 + 10 * (number % 4)) for number in range(9)))
    assert_same(run(worker, 3), run(worker, 0))
    assert tracker.made[0].reserved[-1] == 80 * 90
    assert len(tracker.made[0].reserved) <= 4


def test_the_first_steps_are_verified_after_every_sequence(job: Job) -> None:
    tracker = Drift()
    run(worker_of(job, tracker), 2)
    assert tracker.made[0].verified == 6


def test_a_step_that_fails_fails_the_sequences_in_it(job: Job) -> None:
    class Failing(Device):
        def launch(self, half: int, counts: Sequence[int]) -> Any:
            if len(self.blocks) == 4:
                for frames in self.frames:
                    frames.clear()
                self.blocks.append([])
                raise EvalkitError("the device failed")
            return super().launch(half, counts)

    answers = run(worker_of(job, Drift(Failing)), 2)
    failed = [answer.error for answer in answers.values() if answer.error]
    assert 1 <= len(failed) <= 2
    assert all("the device failed" in error for error in failed)


def test_an_answer_that_is_an_error_fails_its_own_sequence_at_its_frame(job: Job) -> None:
    class NotANumber(Device):
        def prediction(self, answer: NDArray[np.float64]) -> Prediction:
            if answer[2] == 17:
                raise EvalkitError("the network output contains NaN")
            return super().prediction(answer)

    class Wide(Drift):
        def initialize(self, image: Image, region: Region) -> None:
            super().initialize(image, region)
            if image[1, 0, 0] == 3:
                self.state = Position(replace(self.state.box, width=17))

        def sibling(self) -> Drift:
            return Wide(self.device)

    answers = run(worker_of(job, Wide(NotANumber)), 4)
    assert [name for name, answer in answers.items() if answer.error] == ["s3"]
    assert "on s3, frame 2: the network output contains NaN" in (answers["s3"].error or "")


def test_a_frame_that_cannot_be_read_fails_its_own_sequence(job: Job) -> None:
    class Damaged(Numbered):
        def __getitem__(self, index: int, /) -> Image:
            if index == 4:
                raise EvalkitError("the frame is damaged")
            return super().__getitem__(index)

    broken = replace(video(2), frames=Damaged(2))
    worker = worker_of(job, Drift(), video(0), video(1), broken, video(3), video(4))
    found = run(worker, 2)
    assert "the frame is damaged" in (found.pop("s2").error or "")
    expected = run(worker, 0)
    del expected["s2"]
    assert_same(found, expected)


def test_closing_the_iterator_early_ends_every_lane(job: Job) -> None:
    worker = worker_of(job, tracker := Drift())
    units = [Unit(worker.job, one.name) for one in worker.dataset.sequences]
    answers: Any = resident.execute(worker, units, tracker.device_lanes(4), count=4)
    next(answers)
    answers.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("lane")]


def test_memory_grows_with_the_lanes_and_not_with_the_sequences(job: Job) -> None:
    alive: set[int] = set()
    peaks: list[int] = []

    class Counted(Numbered):
        def __getitem__(self, index: int, /) -> Image:
            image = super().__getitem__(index)
            alive.add(id(image))
            weakref.finalize(image, alive.discard, id(image))
            peaks.append(len(alive))
            return image

    for count in (6, 60):
        peaks.clear()
        videos = [replace(video(number), frames=Counted(number)) for number in range(count)]
        run(worker_of(job, Drift(), *videos), 3)
        gc.collect()
        # A few frames are decoded ahead for every lane, and up to two blocks of three frames are on the device.
        assert max(peaks) <= 3 * 14
        assert len(alive) <= 3


def test_the_lockstep_engine_uses_the_device_where_the_tracker_can(job: Job) -> None:
    tracker = Drift()
    worker = worker_of(job, tracker)
    units = [Unit(worker.job, one.name) for one in worker.dataset.sequences]
    outcomes = list(Plan(engine="lockstep", jobs=2).execute(worker, units))
    assert [outcome.error for outcome in outcomes] == [None] * 6
    assert [device.count for device in tracker.made] == [2]


def test_the_lockstep_engine_batches_the_network_where_the_tracker_has_no_lanes(job: Job) -> None:
    class WithoutLanes(Drift):
        def device_lanes(self, count: int) -> None:
            self.asked = count

        def sibling(self) -> Drift:
            return WithoutLanes()

    tracker = WithoutLanes()
    worker = worker_of(job, tracker)
    units = [Unit(worker.job, one.name) for one in worker.dataset.sequences]
    outcomes = list(Plan(engine="lockstep", jobs=2).execute(worker, units))
    assert [outcome.error for outcome in outcomes] == [None] * 6
    assert tracker.asked == 2


@pytest.fixture(autouse=True)
def _no_hanging() -> Iterator[None]:
    """Leave no lane behind that could affect the next test."""
    yield
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("lane")]
