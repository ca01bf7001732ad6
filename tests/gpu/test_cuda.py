"""Requirements on everything that computes on CUDA; ``tox -e gpu`` runs them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from moving_square import tiny_dataset
from siamese_lanes import FAMILIES, FIRST, assert_close, create_tracker, track_alone, track_in_lanes, video

from evalkit import registry, runtimes
from evalkit.engine import lockstep, resident, serial
from evalkit.engine.work import Answer, Job, Unit, Worker
from evalkit.errors import EvalkitError
from evalkit.rendering.recipes import random_scene
from evalkit.rendering.scene import SceneFrames
from evalkit.runtimes import parity
from evalkit.trackers._siamese.crop import crop_square
from evalkit.trackers._siamese.device_crop import FramePixels, crop_squares
from evalkit.types import Annotation, Execution, Sequence

pytestmark = pytest.mark.gpu

GRAPH = "torch-cuda-graph"


def cuda_executions() -> list[Any]:
    """Return every runtime that supports CUDA, in each of its precisions."""
    return [
        pytest.param(one.name, precision, id=f"{one.name}-{precision}")
        for one in registry.runtime.entries()
        for precision in one.precisions_on("cuda")
        if "cuda" in one.devices and (one.name != "torch-compile" or precision in ("fp32", "bf16"))
    ]


@pytest.mark.parametrize(("name", "precision"), cuda_executions())
@pytest.mark.parametrize("batch", [1, 3])
def test_outputs_equal_torchs_on_the_cpu(cuda: str, name: str, precision: str, batch: int) -> None:
    part = create_tracker("nanotrack").parts()[0]
    network = runtimes.load(part, Execution(name, precision, cuda))
    inputs = [np.repeat(value, batch, axis=0) for value in parity.random_inputs(part.example)]
    for _ in range(5):
        found, expected = network(*inputs), parity.reference(part)(*inputs)
        assert max(parity.differences(found, expected)) <= parity.TOLERANCES[precision]
    network.verify_first_calls()


def test_a_graph_computes_the_same_after_other_tensors_took_freed_memory(cuda: str) -> None:
    part = create_tracker("siamrpn++").parts()[0]
    network = runtimes.load(part, Execution(GRAPH, device=cuda))
    inputs = parity.random_inputs(part.example)
    before = network(*inputs)
    for _ in range(3):
        parity.overwrite_freed_memory(part.module, cuda)
        taken = [torch.full((size,), torch.nan, device=cuda) for size in (1, 9, 100, 10_000, 10**6) for _ in range(50)]
        for one, other in zip(network(*inputs), before, strict=True):
            np.testing.assert_array_equal(one, other)
        del taken


def test_fp32_is_not_tf32_and_tf32_is(cuda: str) -> None:
    part = create_tracker("lighttrack").parts()[0]
    conv = torch.nn.Sequential(torch.nn.Conv2d(64, 64, 3), torch.nn.Conv2d(64, 64, 3)).eval()
    example = (np.zeros((1, 64, 32, 32), np.float32),)
    part = replace(part, module=conv, example=example, inputs=("x",), outputs=("y",))
    found = {
        precision: runtimes.load(part, Execution("torch", precision, cuda)).differences["y"]
        for precision in ("fp32", "tf32")
    }
    assert found["fp32"] < 1e-5
    if torch.cuda.get_device_capability(cuda)[0] >= 8:
        assert found["tf32"] > 10 * found["fp32"]


def test_crops_equal_opencv_s_in_every_bit(cuda: str) -> None:
    random = np.random.default_rng(0)
    for _ in range(40):
        size = int(random.choice([16, 127, 255, 256, 287, 288]))
        images = [random.integers(0, 256, (*random.integers(1, 300, 2), 3), dtype=np.uint8) for _ in range(25)]
        sides = [int(side) for side in random.integers(1, random.choice([8, 80, 600]), 25)]
        centers = random.uniform(-20, 320, (25, 2))
        colours = random.integers(0, 256, (25, 3), dtype=np.uint8)
        counts = [image.shape[0] * image.shape[1] for image in images]
        pixels = np.concatenate([*(image.reshape(-1, 3) for image in images), colours])
        columns = [
            np.cumsum([0, *counts[:-1]]), np.arange(sum(counts), len(pixels)),
            np.array([image.shape[1] for image in images]), np.array([image.shape[0] for image in images]),
        ]  # fmt: skip
        frames = FramePixels(torch.from_numpy(pixels).to(cuda), *(torch.from_numpy(one).to(cuda) for one in columns))
        side = torch.tensor(sides, device=cuda)
        corner = (torch.from_numpy(centers).to(cuda) - ((side + 1) / 2)[:, None]).round().long()
        found = crop_squares(frames, corner[:, 0], corner[:, 1], side, size).cpu().numpy()
        for index, image in enumerate(images):
            expected = crop_square(
                image, tuple(centers[index].tolist()), sides[index], size,
                padding=tuple(colours[index].tolist()), round_corner=round,
            )  # fmt: skip
            np.testing.assert_array_equal(found[index], expected)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("runtime", ["torch", GRAPH])
def test_lanes_equal_the_tracker_on_the_cpu(cuda: str, family: str, runtime: str) -> None:
    tracker = create_tracker(family, execution=Execution(runtime, device=cuda))
    found = track_in_lanes(tracker, tracker.device_lanes(6), [0, 1, 2, 3, 1])
    for lane, number in enumerate([0, 1, 2, 3, 1]):
        assert_close(found[lane], track_alone(create_tracker(family), number))


def test_lanes_answer_the_same_twice_and_after_larger_frames(cuda: str) -> None:
    tracker = create_tracker("ocean", execution=Execution(device=cuda))
    lanes = tracker.device_lanes(4)
    first = track_in_lanes(tracker, lanes, [0, 1])
    lanes.reserve(2_000_000)
    parity.overwrite_freed_memory(tracker.parts()[0].module, cuda)
    assert track_in_lanes(tracker, lanes, [0, 1]) == first


@pytest.mark.parametrize("precision", ["tf32", "bf16", "fp16"])
def test_lanes_compute_in_lower_precisions(cuda: str, precision: str) -> None:
    tracker = create_tracker("nanotrack", execution=Execution("torch", precision, cuda))
    lanes = tracker.device_lanes(2)
    found = track_in_lanes(tracker, lanes, [0, 1])
    lanes.verify_execution(tracker)
    twin = tracker.sibling()
    for number in range(2):
        first, *images = video(number)
        twin.initialize(first, FIRST[number])
        for one, image in zip(found[number], images, strict=True):
            alone = twin.update(image)
            assert np.abs(one.region.array() - alone.region.array()).max() < 3


def rendered(index: int, length: int) -> Sequence:
    scene = random_scene(0, index, length=length)
    boxes = scene.annotation().boxes
    return Sequence(f"r{index}", lambda: Annotation(boxes), SceneFrames(lambda: scene, length))


def test_a_run_of_lighttrack_on_the_device_equals_a_serial_one(cuda: str, tmp_path: Path) -> None:
    dataset = tiny_dataset(*(rendered(index, 8 + 3 * index) for index in range(7)))
    job = Job(
        tracker="lighttrack-m", label="x", dataset="tiny", results=tmp_path, protocol="one_pass", timed=False,
        execution=Execution(device=cuda),
    )  # fmt: skip
    units = [Unit(job, sequence.name) for sequence in dataset.sequences]
    worker = Worker(job, dataset=dataset)
    graph = Worker(replace(job, execution=Execution(GRAPH, device=cuda)), dataset=dataset)
    tracker: Any = worker.tracker
    expected = boxes_of(serial.execute(Worker(replace(job, execution=Execution()), dataset=dataset), units))
    for found in (
        serial.execute(worker, units), serial.execute(graph, units), lockstep.execute(graph, units, lanes=4),
        resident.execute(worker, units, tracker.device_lanes(4), count=4),
    ):  # fmt: skip
        for name, boxes in boxes_of(found).items():
            np.testing.assert_allclose(boxes, expected[name], rtol=0, atol=0.01)


def boxes_of(answers: Any) -> dict[str, Any]:
    found: dict[str, Answer] = {answer.unit.sequence: answer for answer in answers}
    assert [answer.error for answer in found.values()] == [None] * len(found)
    return {name: answer.trajectories[0].boxes for name, answer in found.items()}


def test_a_device_that_does_not_exist_is_refused(cuda: str) -> None:
    with pytest.raises(EvalkitError, match="no such CUDA device"):
        runtimes.load(create_tracker("nanotrack").parts()[0], Execution(device="cuda:99"))
