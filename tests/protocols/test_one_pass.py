from __future__ import annotations

import math

import numpy as np
import pytest
from moving_square import MovingSquare, moving_square

from evalkit.errors import EvalkitError, UnknownName
from evalkit.protocols import get
from evalkit.protocols.one_pass import run_one_pass
from evalkit.protocols.session import TrackerError
from evalkit.types import Annotation, Box, FrameState, Image, Polygon, Prediction, Region, Sequence


class Following:
    """Moves its box by ``step`` pixels a frame and remembers what it was given."""

    def __init__(self, step: float = 2.0) -> None:
        self.step = step
        self.given: Region | None = None
        self.images: list[Image] = []

    def initialize(self, image: Image, region: Region) -> None:
        assert isinstance(region, Box)
        self.given = self.box = region
        self.images = [image]

    def update(self, image: Image) -> Prediction:
        self.images.append(image)
        self.box = Box(self.box.x + self.step, self.box.y, self.box.width, self.box.height)
        return Prediction(self.box, confidence=0.5)


@pytest.mark.parametrize("origin", [0, 1])
def test_a_perfect_follower_reproduces_the_groundtruth_in_the_files_coordinates(origin: int) -> None:
    sequence = moving_square(origin=origin)
    tracker = Following()
    (result,) = run_one_pass(tracker, sequence, origin=origin, name="following")
    assert tracker.given == Box(20, 24, 16, 12), "the tracker sees 0-based pixels"
    np.testing.assert_array_equal(result.boxes, sequence.groundtruth)
    assert result.states.tolist() == [FrameState.INITIALIZED] + [FrameState.TRACKED] * 5
    assert math.isnan(result.confidence[0])
    assert (result.confidence[1:] == 0.5).all()
    assert (result.seconds >= 0).all()


def test_every_frame_is_shown_once_and_in_order() -> None:
    sequence = moving_square()
    tracker = Following()
    run_one_pass(tracker, sequence, origin=0, name="following")
    frames = MovingSquare()
    assert len(tracker.images) == 6
    assert all((image == frames[index]).all() for index, image in enumerate(tracker.images))


def test_no_answer_is_a_nan_row() -> None:
    class Silent(Following):
        def update(self, image: Image) -> Prediction:
            super().update(image)
            return Prediction(None)

    (result,) = run_one_pass(Silent(), moving_square(), origin=0, name="silent")
    assert np.isnan(result.boxes[1:]).all()
    assert not np.isnan(result.boxes[0]).any()


def test_a_polygon_answer_is_stored_by_its_bounding_box() -> None:
    class Diamond(Following):
        def update(self, image: Image) -> Prediction:
            return Prediction(Polygon(np.array([[10.0, 0], [20, 10], [10, 20], [0, 10]])))

    (result,) = run_one_pass(Diamond(), moving_square(), origin=1, name="diamond")
    assert result.boxes[1].tolist() == [1, 1, 20, 20]
    assert result.regions is None


def test_a_failing_tracker_is_named_with_sequence_and_frame() -> None:
    class Fragile(Following):
        def update(self, image: Image) -> Prediction:
            if len(self.images) == 3:
                raise ZeroDivisionError("no width")
            return super().update(image)

    with pytest.raises(TrackerError, match=r"fragile on square, frame 4: .*ZeroDivisionError: no width") as caught:
        run_one_pass(Fragile(), moving_square(), origin=0, name="fragile")
    assert caught.value.exit_code == 1
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_answer_that_is_no_prediction_is_refused() -> None:
    class Array(Following):
        def update(self, image: Image) -> Prediction:
            return np.zeros(4)  # type: ignore[return-value]

    with pytest.raises(TrackerError, match=r"must return a Prediction .*ndarray"):
        run_one_pass(Array(), moving_square(), origin=0, name="array")


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (Prediction(Box(1, 2, 3, 4), math.inf), r"confidence .* finite, or NaN \(found inf\)"),
        (Prediction(Box("1", 2, 3, 4)), r"coordinates of a region are numbers \(found Box\(x='1'"),  # type: ignore[arg-type]
        (Prediction(Box(None, 2, 3, 4)), "coordinates of a region are numbers"),  # type: ignore[arg-type]
    ],
)
def test_an_answer_that_could_not_be_stored_is_refused_with_tracker_and_frame(
    answer: Prediction, complaint: str
) -> None:
    class Odd(Following):
        def update(self, image: Image) -> Prediction:
            return answer

    with pytest.raises(TrackerError, match=f"odd on .*, frame 2: .*{complaint}"):
        run_one_pass(Odd(), moving_square(), origin=0, name="odd")


def test_what_a_tracker_found_and_expected_is_passed_on() -> None:
    class Refusing(Following):
        def update(self, image: Image) -> Prediction:
            raise EvalkitError("the program refuses update", found="out of memory", expected="a box", hint="Wait")

    with pytest.raises(TrackerError, match=r"refuses update \(found out of memory, expected a box\). Wait"):
        run_one_pass(Refusing(), moving_square(), origin=0, name="refusing")


@pytest.mark.parametrize(
    ("row", "complaint"), [([math.nan] * 4, "holds no box"), ([5.0, 5.0, 0.0, 9.0], "without area")]
)
def test_a_start_without_a_box_is_refused(row: list[float], complaint: str) -> None:
    frames = MovingSquare()
    boxes = frames.boxes()
    boxes[0] = row
    with pytest.raises(EvalkitError, match=f"bad, frame 1.*|{complaint}"):
        run_one_pass(Following(), Sequence("bad", lambda: Annotation(boxes), frames), origin=0, name="f")


def test_a_missing_row_is_refused_before_anything_is_tracked() -> None:
    frames = MovingSquare()
    tracker = Following()
    short = Sequence("short", lambda: Annotation(frames.boxes()[:-1]), frames)
    with pytest.raises(EvalkitError, match=r"short: .*found 6 frames, expected 5"):
        run_one_pass(tracker, short, origin=0, name="f")
    assert tracker.images == []


def test_annotations_alone_cannot_be_tracked() -> None:
    boxes = MovingSquare().boxes()
    with pytest.raises(EvalkitError, match="needs the frames"):
        run_one_pass(Following(), Sequence("x", lambda: Annotation(boxes)), origin=0, name="f")


def test_an_unknown_protocol_is_refused_and_a_similar_one_suggested() -> None:
    with pytest.raises(UnknownName, match=r"no protocol is named 'one_pas'\. Did you mean 'one_pass'"):
        get("one_pas")
    assert get("one-pass") is run_one_pass
