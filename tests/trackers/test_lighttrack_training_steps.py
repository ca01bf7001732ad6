"""Ways to execute a training step: on the host or ahead of the device, in fp32 or bf16, captured or not."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recorded_operators import WAITING, RecordedOperators
from torch import Tensor

from evalkit.errors import EvalkitError
from evalkit.trackers._lighttrack import training as recipe
from evalkit.trackers._lighttrack.search import supernet_file
from evalkit.trackers._lighttrack.training.augmentation import augment_image
from evalkit.trackers._lighttrack.training.loop import CHECKPOINT, CURVE, run_training
from evalkit.trackers._lighttrack.training.packed_transfer import transfer_packed
from evalkit.trackers._lighttrack.training.pair_draws import PairOptions, draw_pairs
from evalkit.trackers._lighttrack.training.pair_supply import PairRequest, PairsAhead
from evalkit.trackers._lighttrack.training.pairs import make_pairs, render_pairs
from evalkit.trackers._lighttrack.training.plan import TrainingPlan
from evalkit.trackers._lighttrack.training.seeded_random import SeededRandom
from evalkit.trackers._lighttrack.training.step import StepMode
from evalkit.trackers._lighttrack.training.step_graphs import WARMUP
from evalkit.trackers._lighttrack.training.subnet_training import Training
from evalkit.trackers._lighttrack.training.supernet_training import SupernetPlan, SupernetTraining
from evalkit.trackers._lighttrack.training.teacher import Teacher
from evalkit.trackers._lighttrack.training.tile_bank import TileBank
from evalkit.trackers._lighttrack.training.weight_update import match_layouts, move_towards

TINY = "back_00000000000000000000+cls_002222222+reg_002222222_ops_20"
PLAN = TrainingPlan(TINY, steps=6, batch=4, sizes=(96, 128), warmup=2, workers=1)
SUPERNET = SupernetPlan(steps=4, batch=12, sizes=(96,), warmup=2)
QUEUED = StepMode(on_device=True, ahead=2, block=4)
"""The mode of a GPU without graphs, which a CPU executes as well."""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # sums of other numbers of threads have other last bits
    yield
    torch.set_num_threads(before)


class CalledGraph:
    """Stands for a CUDA graph: a replay calls the function on the same tensors."""

    captures: list[tuple[int, Any]]

    def __init__(self, function: Callable[..., Any], inputs: Sequence[Tensor], device: object, **options: Any) -> None:
        self.function, self.inputs = function, tuple(inputs)
        type(self).captures.append((options["warmup"], options["stream"]))

    def replay(self) -> Any:
        return self.function(*self.inputs)


@pytest.fixture
def graphs() -> type[CalledGraph]:
    return type("Counted", (CalledGraph,), {"captures": []})


def rows(training: Any, count: int) -> list[dict[str, float]]:
    return [training.run_step().row() for _ in range(count)]


def weights(training: Training) -> list[Tensor]:
    return [tensor.double() for tensor in training.average.state_dict().values()]


# Losses and norms of the gradient as they were when every step fetched its losses and made its own pairs.
SUBNET_LOSSES = [(2.26013076, 7.67546511), (2.16652584, 9.29994869), (2.11859107, 10.11753368)]
SUPERNET_LOSSES = [(2.24693664, 21.09675217), (2.31110434, 37.26420212), (2.29084853, 25.41667366)]


def test_the_losses_of_a_subnet_are_those_of_earlier_versions(bank: TileBank) -> None:
    found = rows(Training(replace(PLAN, workers=2), bank), 3)
    assert [row["loss"] for row in found] == pytest.approx([loss for loss, _ in SUBNET_LOSSES], rel=1e-3)
    assert [row["norm"] for row in found] == pytest.approx([norm for _, norm in SUBNET_LOSSES], rel=1e-2)


def test_the_losses_of_a_supernet_are_those_of_earlier_versions(bank: TileBank) -> None:
    found = rows(SupernetTraining(SUPERNET, bank), 3)
    assert [row["loss"] for row in found] == pytest.approx([loss for loss, _ in SUPERNET_LOSSES], rel=1e-3)
    assert [row["norm"] for row in found] == pytest.approx([norm for _, norm in SUPERNET_LOSSES], rel=1e-2)


@pytest.mark.parametrize("size", [96, 131])
def test_pairs_are_the_same_after_one_packed_transfer(bank: TileBank, size: int) -> None:
    options = PairOptions(occluded=0.5, blurred=0.5, coarse=0.5, compressed=0.5, background_target=0.3)
    expected = make_pairs(bank, SeededRandom(6, 3), size, options)
    draws = draw_pairs(bank, SeededRandom(6, 3), size, options)
    assert draws.covering is not None
    assert draws.search.augmentation.blur is not None
    found = render_pairs(bank, transfer_packed(draws, torch.device("cpu")))
    assert all(torch.equal(*both) for both in zip(found.tensors(), expected.tensors(), strict=True))


def test_rendering_waits_for_nothing(bank: TileBank) -> None:
    draws = draw_pairs(bank, SeededRandom(8, 3), 96)
    render_pairs(bank, draws)  # makes the constants of the device
    with RecordedOperators() as recorded:
        render_pairs(bank, draws)
    assert "grid_sampler_2d" in recorded.names
    assert not recorded.names & WAITING


def test_noise_that_is_drawn_on_the_device_depends_on_the_seed_alone(bank: TileBank) -> None:
    draws = draw_pairs(bank, SeededRandom(2, 3), 96).search.augmentation
    image = torch.full((2, 3, 96, 96), 128.0)
    first, again, other = (
        augment_image(image, replace(draws, noise=None, noise_seed=seed, noise_strength=torch.ones(2, 1)))
        for seed in (draws.noise_seed, draws.noise_seed, draws.noise_seed + 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    quiet = augment_image(image, replace(draws, noise=torch.zeros_like(image)))
    inside = (quiet > 10) & (quiet < 245)
    assert float((first - quiet)[inside].std()) == pytest.approx(1, rel=0.1)


def test_pairs_made_ahead_are_those_of_the_requests(bank: TileBank) -> None:
    asked: list[int] = []

    def requests(step: int) -> list[PairRequest]:
        asked.append(step)
        return [PairRequest(2, (1, step, part), 96) for part in range(2)]

    ahead = PairsAhead(bank, requests, steps=9, depth=2)
    for step in (0, 1, 2, 5, 6, 7, 8):  # a training that is restored goes on at another step
        made = ahead.take(step)
        for part, one in enumerate(made):
            expected = make_pairs(bank, SeededRandom(2, 1, step, part), 96)
            assert all(torch.equal(*both) for both in zip(one.pairs.tensors(), expected.tensors(), strict=True))
            assert one.seconds > 0
        assert max(asked) <= min(step + 2, 8)
    assert set(asked) >= {0, 1, 2, 5, 6, 7, 8}


def test_an_error_in_making_pairs_ahead_reaches_the_training(bank: TileBank) -> None:
    def requests(step: int) -> list[PairRequest]:
        raise ValueError(f"step {step}")

    with pytest.raises(ValueError, match="step 4"):
        PairsAhead(bank, requests, steps=9, depth=1).take(4)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_queued_training_equals_one_that_waits_for_every_step(bank: TileBank, workers: int) -> None:
    plan = replace(PLAN, workers=workers)
    plain, queued = Training(plan, bank), Training(plan, bank, mode=QUEUED)
    expected, first = rows(plain, 1), queued.run_step()
    for mine, yours in zip(weights(queued), weights(plain), strict=True):
        torch.testing.assert_close(mine, yours, rtol=1e-5, atol=1e-5)
    records = [first, *(queued.run_step() for _ in range(5))]
    expected += rows(plain, 5)
    found = [record.row() for record in records]
    assert [list(row) for row in found] == [list(row) for row in expected]
    for name in expected[0].keys() - {"pairs_seconds", "network_seconds"}:
        # The first losses come from equal weights; later ones differ by the optimizers' rounding, which grows.
        assert found[0][name] == pytest.approx(expected[0][name], rel=1e-5)
        assert [row[name] for row in found] == pytest.approx([row[name] for row in expected], rel=0.03)


def test_steps_are_captured_once_for_each_phase_and_size(
    bank: TileBank, teacher: Teacher, graphs: type[CalledGraph]
) -> None:
    plan = replace(PLAN, steps=18, imitation=4, settling=4, grown=0.5)
    mode = replace(QUEUED, capture=graphs)
    captured, eager = Training(plan, bank, teacher, mode=mode), Training(plan, bank, teacher, mode=QUEUED)
    records = [captured.run_step() for _ in range(24)]
    found, expected = (
        [record.row()["loss"] for record in many] for many in (records, [eager.run_step() for _ in range(24)])
    )
    assert found == expected
    assert len(graphs.captures) == 4
    assert set(graphs.captures) == {(0, None)}


def test_a_graph_reads_its_own_copies_of_the_pairs(bank: TileBank, graphs: type[CalledGraph]) -> None:
    training = Training(replace(PLAN, sizes=(96,)), bank, mode=replace(QUEUED, capture=graphs))
    for _ in range(WARMUP + 1):
        training.run_step()
    graph = training._graphs._graph  # type: ignore[union-attr]
    before = [tensor.data_ptr() for tensor in graph.inputs]
    training.run_step()
    assert [tensor.data_ptr() for tensor in graph.inputs] == before
    expected = make_pairs(bank, SeededRandom(4, PLAN.seed, WARMUP + 1, 0), 96)
    assert all(torch.equal(*both) for both in zip(graph.inputs, expected.tensors(), strict=True))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_queued_step_waits_for_nothing(
    bank: TileBank, teacher: Teacher, graphs: type[CalledGraph], precision: str
) -> None:
    plan = replace(PLAN, imitation=2, settling=2, sizes=(96,), precision=precision)
    training = Training(plan, bank, teacher, mode=replace(QUEUED, capture=graphs))
    for _ in range(3):
        training.run_step()  # the first step of a phase makes what the phase needs
        with RecordedOperators() as recorded:
            training.run_step()
        assert "convolution_backward" in recorded.names
        assert not recorded.names & WAITING


def test_a_queued_step_of_a_supernet_waits_for_nothing(bank: TileBank) -> None:
    training = SupernetTraining(SUPERNET, bank, mode=QUEUED)
    training.run_step()
    with RecordedOperators() as recorded:
        training.run_step()
    assert "convolution_backward" in recorded.names
    assert not recorded.names & WAITING


@pytest.mark.parametrize("mode", [StepMode(), QUEUED])
def test_a_training_that_is_no_longer_used_frees_its_threads_at_once(bank: TileBank, mode: StepMode) -> None:
    gc.disable()  # a thread keeps the memory of its operators, about 1 GB, so the next collection would be too late
    try:
        for create in (partial(Training, PLAN), partial(SupernetTraining, SUPERNET)):
            training = create(bank, mode=mode)
            training.run_step()
            reference = weakref.ref(training)
            del training
            assert reference() is None
    finally:
        gc.enable()


def test_the_plain_optimizer_would_be_found_waiting(bank: TileBank) -> None:
    training = Training(PLAN, bank)
    training.run_step()
    with RecordedOperators() as recorded:
        training._update.apply()
    assert "_local_scalar_dense" in recorded.names


def test_a_queued_supernet_equals_one_that_waits_for_every_step(bank: TileBank) -> None:
    plain, queued = SupernetTraining(SUPERNET, bank), SupernetTraining(SUPERNET, bank, mode=QUEUED)
    found, expected = rows(queued, 4), rows(plain, 4)
    assert [row["loss"] for row in found] == pytest.approx([row["loss"] for row in expected], rel=2e-3)
    assert [row["norm"] for row in found] == pytest.approx([row["norm"] for row in expected], rel=0.1)


@pytest.mark.parametrize("first", [StepMode(), QUEUED])
def test_a_checkpoint_can_be_continued_in_another_mode(bank: TileBank, tmp_path: Path, first: StepMode) -> None:
    second = QUEUED if first == StepMode() else StepMode()
    expected = rows(Training(PLAN, bank), 6)[3:]
    stopped, resumed = Training(PLAN, bank, mode=first), Training(PLAN, bank, mode=second)
    rows(stopped, 3)
    stopped.save(tmp_path)
    resumed.restore(tmp_path)
    assert [row["loss"] for row in rows(resumed, 3)] == pytest.approx([row["loss"] for row in expected], rel=2e-3)
    group = resumed._update._optimizer.param_groups[0]
    assert isinstance(group["lr"], Tensor) == bool(group["fused"]) == second.on_device


def test_the_running_mean_moves_by_the_same_amount_with_its_weight_on_the_device() -> None:
    random = torch.Generator().manual_seed(3)
    for weight in (0.9, 0.3, 0.002):
        mean, new = ([torch.randn(3, 4, generator=random) for _ in range(3)] for _ in range(2))
        found = [tensor.clone() for tensor in mean]
        expected = [(1 - weight) * one + weight * other for one, other in zip(mean, new, strict=True)]
        move_towards(mean, new, weight)
        move_towards(found, new, torch.tensor(weight))
        for one, two, three in zip(mean, found, expected, strict=True):
            torch.testing.assert_close(one, three)
            torch.testing.assert_close(two, three)


def test_gradients_get_the_memory_layout_of_their_weights() -> None:
    weight = torch.nn.Parameter(torch.ones(4, 3, 2, 2).contiguous(memory_format=torch.channels_last))
    gradient = torch.arange(48.0).reshape(4, 3, 2, 2)
    weight.grad = gradient
    match_layouts([weight])
    assert weight.grad.stride() == weight.stride() != gradient.stride()
    assert torch.equal(weight.grad, gradient)
    kept = weight.grad
    match_layouts([weight, torch.nn.Parameter(torch.ones(2))])
    assert weight.grad is kept


def read_curve(folder: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (folder / CURVE).read_text().splitlines()]
    return [{name: value for name, value in line.items() if not name.endswith("seconds")} for line in lines]


def test_the_curve_is_the_same_when_losses_are_fetched_in_blocks(bank: TileBank, tmp_path: Path) -> None:
    reported: list[float] = []
    run_training(Training(PLAN, bank), tmp_path / "each")
    blocks = Training(PLAN, bank, mode=StepMode(block=4))
    run_training(blocks, tmp_path / "blocks", report=lambda row: reported.append(row["step"]))
    assert read_curve(tmp_path / "each") == read_curve(tmp_path / "blocks")
    assert reported == [1, 2, 3, 4, 5, 6]


def test_every_checkpoint_has_all_lines_of_its_curve(
    bank: TileBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(PLAN, bank, mode=StepMode(block=4))
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(training, "save", lambda folder: found.append((training.step, len(read_curve(folder)))))
    run_training(training, tmp_path, every=0.0)
    assert found == [(step, step) for step in range(1, 7)]


def test_a_run_killed_within_a_block_resumes_with_the_same_curve(bank: TileBank, tmp_path: Path) -> None:
    class Killed(Exception):  # noqa: N818 - stands for a signal
        pass

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run_training(Training(PLAN, bank), whole)
    stopped = Training(PLAN, bank, mode=StepMode(block=4))
    killed.mkdir()
    stopped.save(killed)

    def kill(row: dict[str, float]) -> None:
        if row["step"] == 2:
            raise Killed

    with pytest.raises(Killed):
        run_training(stopped, killed, report=kill)
    assert len(read_curve(killed)) == 2
    resumed = Training(PLAN, bank, mode=StepMode(block=4))
    resumed.restore(killed)
    run_training(resumed, killed)
    assert read_curve(killed) == read_curve(whole)


def test_a_loss_that_is_not_finite_ends_the_training_and_the_last_checkpoint_stays(
    bank: TileBank, tmp_path: Path
) -> None:
    run_training(Training(replace(PLAN, steps=3), bank, mode=StepMode(block=4)), tmp_path)
    checkpoint = (tmp_path / CHECKPOINT).read_bytes()
    training = Training(PLAN, bank, mode=StepMode(block=4))
    training.restore(tmp_path)
    with torch.no_grad():
        next(iter(training.network.parameters())).fill_(torch.nan)
    with pytest.raises(EvalkitError, match="not finite at step 4") as caught:
        run_training(training, tmp_path)
    assert "--rate" in str(caught.value.hint)
    assert (tmp_path / CHECKPOINT).read_bytes() == checkpoint
    assert [row["step"] for row in read_curve(tmp_path)] == [1, 2, 3]


@pytest.mark.slow
def test_the_loss_curve_in_bf16_agrees_with_fp32(bank: TileBank) -> None:
    plan = TrainingPlan(TINY, steps=30, batch=8, sizes=(96,), warmup=5, rate=1e-3)
    curves = {}
    for precision in ("fp32", "bf16"):
        training = Training(replace(plan, precision=precision), bank)
        curves[precision] = [row["loss"] for row in rows(training, plan.steps)]
        assert all(tensor.dtype in (torch.float32, torch.int64) for tensor in training.network.state_dict().values())
    assert curves["fp32"][0] != curves["bf16"][0]
    assert curves["bf16"][0] == pytest.approx(curves["fp32"][0], rel=0.02)
    first, last = ([np.mean(curve[part]) for curve in curves.values()] for part in (slice(10), slice(-10, None)))
    assert last[1] == pytest.approx(last[0], rel=0.03)
    assert max(last) < 0.95 * min(first)


def test_a_checkpoint_of_another_precision_is_rejected_and_one_without_is_fp32(bank: TileBank, tmp_path: Path) -> None:
    reduced = replace(PLAN, precision="bf16")
    training = Training(PLAN, bank)
    training.save(tmp_path)
    with pytest.raises(EvalkitError, match="another precision"):
        Training(reduced, bank).restore(tmp_path)
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    assert state["plan"].pop("precision") == "fp32"
    torch.save(state, tmp_path / CHECKPOINT)
    Training(PLAN, bank).restore(tmp_path)
    with pytest.raises(EvalkitError, match="another precision"):
        Training(reduced, bank).restore(tmp_path)


def test_a_supernet_s_checkpoint_from_before_precisions_is_continued(bank: TileBank, tmp_path: Path) -> None:
    SupernetTraining(SUPERNET, bank).save(tmp_path)
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    del state["plan"]["precision"]
    torch.save(state, tmp_path / CHECKPOINT)
    SupernetTraining(SUPERNET, bank).restore(tmp_path)


def test_a_precision_that_does_not_exist_is_rejected_before_anything_is_rendered(tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match="not trained in this precision"):
        recipe.train(TINY, tmp_path, precision="fp16")
    with pytest.raises(EvalkitError, match="not trained in this precision"):
        supernet_file.train_supernet(tmp_path, {"precision": "int8"}, outputs=((2, 0),), seed=1, device="cpu")
    assert "precision" in {one.name for one in fields(SupernetPlan)}
