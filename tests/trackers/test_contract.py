"""Requirements for every registered tracker, also for those added later.

A tracker that needs a checkpoint gets one with random values in a temporary folder, because the requirements do not
depend on the values.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from evalkit import checkpoints, factories, geometry, registry
from evalkit.errors import EvalkitError
from evalkit.trackers import opencv
from evalkit.types import Box, Mask, Polygon, Prediction, SplitTracker, Tracker

pytestmark = pytest.mark.contract

MEMBERS = {
    "lighttrack:": "back_00000000000000000000+cls_002222222+reg_002222222_ops_20",
    "program:": f"{sys.executable} {Path(__file__).with_name('still_program.py')}",
}
"""One variant of every family."""
ABSENT = sorted(
    name
    for name, kind in opencv.LIBRARY_TRACKERS.items()
    if kind.files or not hasattr(cv2, f"Tracker{kind.title}_create")
)
"""Trackers that need ONNX files or another build of OpenCV, which a test cannot provide."""
OWN_TESTS = frozenset({"network:", "ostrack:", "trackers.ini:"})
"""Families that need a user's repository or file; `test_ostrack.py` and `test_trax.py` run them, `network:` does not
track and is tested in `tests/cost/test_bare_networks.py`."""
HEAVY = ("ocean", "siamrpnpp-")
SMALL_CROPS = {"ocean": 143, "siamrpnpp-alexnet": 191, "siamrpnpp-": 167}
"""Sides of the search crops of large networks, reduced so that the tests are fast; responses shrink by whole cells.

Below 167, pysot's necks take search features for template features and cut out their middle.
"""


class BuiltError(Exception):
    """Raised with the state dict of a network that was just built."""


def names() -> list[Any]:
    there = (entry.name for entry in registry.tracker.entries() if entry.name not in OWN_TESTS.union(ABSENT))
    found = [name + MEMBERS.get(name, "") for name in there]
    return [pytest.param(name, marks=pytest.mark.slow if name.startswith(HEAVY) else ()) for name in found]


def settings(name: str) -> dict[str, str]:
    size = next((str(size) for start, size in SMALL_CROPS.items() if name.startswith(start)), None)
    chosen = {} if size is None else {"small": size, "big": size}
    return {**chosen, "lost_size": "175"} if name.endswith("-lt") else chosen


@pytest.fixture(scope="session", name="build")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Tracker]:
    folder = tmp_path_factory.mktemp("checkpoints")

    @cache
    def build(name: str) -> Tracker:
        checkpoint = random_checkpoint(name, folder)
        return factories.create_tracker(name, weights=checkpoint, settings=settings(name))

    return build


def random_checkpoint(name: str, folder: Path) -> Path | None:
    """Return a file with random values for the tracker's network; None if it has none."""
    import torch

    def intercept(module: torch.nn.Module, state: object, **_: object) -> None:
        raise BuiltError(module.state_dict())

    empty = folder / "empty.pth"
    torch.save({"a": torch.zeros(1)}, empty)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "fit", intercept)
        try:
            factories.create_tracker(name, weights=empty, settings=settings(name))
        except BuiltError as built:
            state = {key: random_tensor(key, value) for key, value in built.args[0].items()}
            path = folder / f"{checkpoints.sha256(empty)[:8]}-{abs(hash(name))}.pth"
            torch.save(state, path)
            return path
    return None


def random_tensor(key: str, like):
    import torch

    generator = torch.Generator().manual_seed(sum(key.encode()))
    values = torch.rand(like.shape, generator=generator, device="cpu")
    if key.endswith("running_var") or (like.ndim == 1 and key.endswith("weight")):
        return 0.8 + 0.4 * values
    if not like.is_floating_point():
        return torch.zeros(like.shape, dtype=like.dtype)
    fan_in = max(1, int(np.prod(like.shape[1:])))
    return (2 * values - 1) * (1 / fan_in) ** 0.5


def frame(index: int, *, height: int = 120, width: int = 160) -> np.ndarray:
    """Return a frame with a textured square that moves over a textured background."""
    generator = np.random.default_rng(7)
    image = generator.integers(0, 120, (height, width, 3), dtype=np.uint8)
    x, y = 40 + 3 * index, 30 + 2 * index
    image[y : y + 30, x : x + 36] = generator.integers(120, 256, (30, 36, 3), dtype=np.uint8)
    return image


TARGET = Box(40, 30, 36, 30)


def play(tracker: Tracker, region, count: int = 3) -> list[Prediction]:
    tracker.initialize(frame(0), region)
    return [tracker.update(frame(index)) for index in range(1, count + 1)]


def deterministic(name: str) -> bool:
    return bool(registry.tracker.find(name).deterministic)


def assert_finite(predictions: list[Prediction]) -> None:
    for prediction in predictions:
        if prediction.region is None:
            continue
        box = geometry.bounding_box(prediction.region)
        assert np.isfinite(box.array()).all()
        assert box.width > 0
        assert box.height > 0


def values(predictions: list[Prediction]) -> list[list[float]]:
    regions = (geometry.bounding_box(prediction.region).array() for prediction in predictions)
    return [[*region, prediction.confidence] for region, prediction in zip(regions, predictions, strict=True)]


@pytest.mark.parametrize("name", names())
def test_it_returns_one_finite_box_per_frame_and_the_same_boxes_in_a_second_run(build, name: str):
    first = play(build(name), TARGET, 4)
    assert len(first) == 4
    assert_finite(first)
    second = play(build(name), TARGET, 4)
    if deterministic(name):
        np.testing.assert_array_equal(values(second), values(first))


@pytest.mark.parametrize("name", names())
def test_it_does_not_modify_its_inputs(build, name: str):
    images, tracker = [frame(0), frame(1)], build(name)
    before = [image.copy() for image in images]
    for image in images:
        image.flags.writeable = False
    tracker.initialize(images[0], TARGET)
    tracker.update(images[1])
    assert all(np.array_equal(image, copy) for image, copy in zip(images, before, strict=True))


@pytest.mark.parametrize("name", names())
def test_initialize_forgets_the_previous_target(build, name: str):
    expected = values(play(build(name), TARGET, 2))
    play(build(name), Box(100, 70, 20, 40), 2)
    again = play(build(name), TARGET, 2)
    assert_finite(again)
    if deterministic(name):
        np.testing.assert_array_equal(values(again), expected)


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize(
    "region",
    [
        Box(-18, 40, 36, 30),
        Box(142, 105, 36, 30),
        Box(60, 50, 1, 1),
        Polygon(np.array([[40.0, 30.0], [76.0, 34.0], [74.0, 62.0], [38.0, 58.0]])),
        Mask(np.ones((30, 36), dtype=bool), 40, 30),
    ],
    ids=["half outside left", "half outside below", "one pixel", "polygon", "mask"],
)
def test_it_starts_from_any_valid_region(build, name: str, region):
    assert_finite(play(build(name), region, 2))


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize(
    "region",
    [Box(40, 30, 0, 30), Box(40, 30, float("nan"), 30), Box(0, 0, 160, 120)],
    ids=["no width", "NaN", "whole image"],
)
def test_a_region_without_area_or_surroundings_is_tracked_or_rejected_with_a_message(build, name: str, region: Box):
    try:
        build(name).initialize(frame(0), region)
    except EvalkitError as error:
        assert "region" in str(error)


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize(
    "convert",
    [lambda image: image[..., 0], lambda image: image.astype(np.uint16) * 257, lambda image: image / 255.0],
    ids=["grey", "16 bit", "float"],
)
def test_another_kind_of_image_is_tracked_or_rejected_with_a_message(build, name: str, convert):
    tracker = build(name)
    try:
        tracker.initialize(convert(frame(0)), TARGET)
        predictions = [tracker.update(convert(frame(1)))]
    except EvalkitError as error:
        assert str(error)
        return
    assert_finite(predictions)


@pytest.mark.parametrize("name", names())
def test_frames_can_change_their_size(build, name: str):
    tracker = build(name)
    tracker.initialize(frame(0), TARGET)
    assert_finite([tracker.update(frame(1, height=90, width=200))])


@pytest.mark.parametrize("name", names())
def test_siblings_share_only_the_network(build, name: str):
    tracker = build(name)
    if not isinstance(tracker, SplitTracker):
        pytest.skip("it has no such split")
    alone = values(play(tracker.sibling(), TARGET, 3))
    twins = [tracker.sibling(), tracker.sibling()]
    twins[0].initialize(frame(0), TARGET)
    twins[1].initialize(frame(0), Box(90, 60, 30, 30))
    together = []
    for index in range(1, 4):
        together.append(twins[0].update(frame(index)))
        twins[1].update(frame(index))
    np.testing.assert_array_equal(values(together), alone)


@pytest.mark.parametrize("name", names())
def test_a_batch_gives_the_same_responses_as_single_images(build, name: str):
    tracker = build(name)
    if not isinstance(tracker, SplitTracker):
        pytest.skip("it has no such split")
    inputs = []
    for target in (TARGET, Box(60, 40, 36, 30)):
        twin = tracker.sibling()
        twin.initialize(frame(0), target)
        inputs.append(twin.crop(frame(1)))
    single = [tracker.network(*one) for one in inputs]
    batch = tracker.network(*(np.concatenate(pair) for pair in zip(*inputs, strict=True)))
    for output, one, other in zip(batch, *single, strict=True):
        expected = np.concatenate((one, other))
        assert np.abs(output - expected).max() <= 1e-4 * float(np.abs(expected).max())


@pytest.mark.parametrize("name", names())
def test_its_card_is_json_and_its_parts_accept_their_examples(build, name: str):
    import json

    tracker = build(name)
    json.dumps(dict(getattr(tracker, "card", {})), allow_nan=False)
    if isinstance(tracker, SplitTracker):
        search, template = tracker.parts()
        assert (search.name, template.name) == ("search", "template")
        assert len(search.example) == len(search.inputs)
        assert len(tracker.network(*search.example)) == len(search.outputs)


@pytest.mark.parametrize("name", [name for name in names() if not name.values[0].startswith("program:")])
def test_an_unknown_setting_is_rejected_with_a_message(name: str):
    with pytest.raises(EvalkitError, match=r"setting|checkpoint"):
        factories.create_tracker(name, settings={"no_such_setting": "1"})


@pytest.mark.parametrize("name", ABSENT)
def test_a_tracker_whose_requirements_are_missing_names_them(name: str, tmp_path: Path):
    with pytest.raises(EvalkitError, match=r"ONNX files|opencv-contrib-python"):
        factories.create_tracker(name, weights=tmp_path)
