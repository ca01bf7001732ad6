"""Requirements on training on CUDA; ``tox -e gpu`` runs them."""

from __future__ import annotations

import copy
import gc
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from evalkit.trackers._lighttrack.training.loop import CURVE, computing_as_planned, run_training
from evalkit.trackers._lighttrack.training.pair_supply import PairRequest, PairsAhead
from evalkit.trackers._lighttrack.training.pairs import make_pairs
from evalkit.trackers._lighttrack.training.plan import TrainingPlan
from evalkit.trackers._lighttrack.training.seeded_random import SeededRandom
from evalkit.trackers._lighttrack.training.step import StepMode, fetch_rows
from evalkit.trackers._lighttrack.training.step_graphs import WARMUP
from evalkit.trackers._lighttrack.training.subnet_training import Training, initial_network
from evalkit.trackers._lighttrack.training.supernet_training import SupernetPlan, SupernetTraining
from evalkit.trackers._lighttrack.training.teacher import Teacher
from evalkit.trackers._lighttrack.training.tile_bank import TileBank, render_tiles

pytestmark = pytest.mark.gpu

TINY = "back_00000000000000000000+cls_002222222+reg_002222222_ops_20"
PLAN = TrainingPlan(TINY, steps=12, batch=8, sizes=(96, 128), warmup=2, grown=0.5, workers=1)
SUPERNET = SupernetPlan(steps=6, batch=12, sizes=(96,), warmup=2)


@pytest.fixture(scope="module")
def host_bank() -> TileBank:
    return render_tiles(7, backgrounds=4, objects=12)


@pytest.fixture
def bank(cuda: str, host_bank: TileBank) -> Iterator[TileBank]:
    with computing_as_planned(torch.device(cuda)):
        yield host_bank.to(torch.device(cuda))


def losses(training: Any, count: int) -> list[float]:
    return [row["loss"] for row in fetch_rows([training.run_step() for _ in range(count)])]


def test_pairs_but_for_their_noise_are_those_of_the_cpu(bank: TileBank, host_bank: TileBank) -> None:
    found, expected = (make_pairs(one, SeededRandom(8, 3), 128) for one in (bank, host_bank))
    torch.testing.assert_close(found.boxes.cpu(), expected.boxes, rtol=0, atol=0)
    # Template crops differ by noise of at most 16 grey levels; the effects on search crops are drawn after it.
    difference = (found.template.cpu() - expected.template).abs().mean()
    assert float(difference) < 0.2


def test_pairs_made_ahead_on_another_stream_are_those_made_here(bank: TileBank) -> None:
    ahead = PairsAhead(bank, lambda step: [PairRequest(16, (1, step), 128)], steps=30, depth=3)
    for step in range(30):
        (made,) = ahead.take(step)
        busy = torch.randn(2000, 2000, device=bank.backgrounds.device)
        (busy @ busy).sum()
        expected = make_pairs(bank, SeededRandom(16, 1, step), 128)
        assert all(torch.equal(*both) for both in zip(made.pairs.tensors(), expected.tensors(), strict=True))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_captured_steps_equal_queued_and_plain_ones(bank: TileBank, precision: str) -> None:
    fastest = StepMode.of(bank.backgrounds.device)
    assert fastest.capture is not None
    plan = replace(PLAN, precision=precision)
    modes = (StepMode(), replace(fastest, capture=None), fastest)
    plain, queued, captured = (losses(Training(plan, bank, mode=mode), 12) for mode in modes)
    assert queued == pytest.approx(plain, rel=0.05)
    assert captured == pytest.approx(queued, rel=0.05)
    # Losses after the first two updates: rounding has not grown yet.
    assert captured[:3] == pytest.approx(plain[:3], rel=5e-3)


def test_two_runs_of_one_seed_give_the_same_losses(bank: TileBank) -> None:
    first, second = (losses(Training(PLAN, bank), 12) for _ in range(2))
    assert first == second


def test_each_phase_is_captured_and_trains(bank: TileBank) -> None:
    torch.manual_seed(5)
    teacher = Teacher()
    plan = replace(PLAN, steps=18, imitation=6, settling=6, sizes=(96,))
    fastest = StepMode.of(bank.backgrounds.device)
    captured = losses(Training(plan, bank, teacher, mode=fastest), 18)
    queued = losses(Training(plan, bank, teacher, mode=replace(fastest, capture=None)), 18)
    assert captured == pytest.approx(queued, rel=0.1)


def test_distilled_steps_are_captured(bank: TileBank) -> None:
    torch.manual_seed(5)
    tracker = initial_network(TINY, momentum=0.1)
    fastest = StepMode.of(bank.backgrounds.device)
    captured = losses(Training(PLAN, bank, tracker=copy.deepcopy(tracker), mode=fastest), 12)
    queued = losses(Training(PLAN, bank, tracker=tracker, mode=replace(fastest, capture=None)), 12)
    assert captured == pytest.approx(queued, rel=0.05)


def test_the_first_losses_are_those_of_the_cpu_on_the_same_pairs(bank: TileBank, host_bank: TileBank) -> None:
    pairs = make_pairs(host_bank, SeededRandom(8, 3), 96)
    moved = type(pairs)(*(tensor.to(bank.backgrounds.device) for tensor in pairs.tensors()))
    found = []
    for training, batch in ((Training(PLAN, bank, mode=StepMode()), moved), (Training(PLAN, host_bank), pairs)):
        objective = training._objectives.of_phase("tracking")
        training._update.set_step(0)
        parts = [training._accumulate(0, objective, batch, 96)]
        found.append(training._apply(parts).values.cpu())
    torch.testing.assert_close(found[0], found[1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_no_step_waits_for_the_device(bank: TileBank, precision: str) -> None:
    subnet = Training(replace(PLAN, steps=40, precision=precision, sizes=(96,)), bank)
    supernet = SupernetTraining(replace(SUPERNET, steps=40, precision=precision), bank)
    for training in (subnet, supernet):
        training.run_step()  # makes the objective and the constants of the device
        for _ in range(WARMUP + 2):
            training.run_step()
        torch.cuda.set_sync_debug_mode("error")  # type: ignore[no-untyped-call]
        try:
            records = [training.run_step() for _ in range(10)]
        finally:
            torch.cuda.set_sync_debug_mode("default")  # type: ignore[no-untyped-call]
        assert np.isfinite([row["loss"] for row in fetch_rows(records)]).all()


def test_a_graph_survives_other_tensors_in_freed_memory(bank: TileBank) -> None:
    plan = replace(PLAN, steps=30, sizes=(96,))
    expected = losses(Training(plan, bank), 20)
    training = Training(plan, bank)
    found = losses(training, WARMUP + 2)
    for _ in range(15):
        gc.collect()
        taken = [torch.full((size,), torch.nan, device="cuda:0") for size in (1, 100, 10_000, 10**6) for _ in range(20)]
        found += losses(training, 1)
        del taken
    assert found == expected[: len(found)]


def test_a_checkpoint_continues_on_the_cpu_and_back(bank: TileBank, host_bank: TileBank, tmp_path: Path) -> None:
    first = Training(PLAN, bank)
    losses(first, 6)
    first.save(tmp_path)
    on_cpu = Training(PLAN, host_bank)
    on_cpu.restore(tmp_path)
    assert np.isfinite(losses(on_cpu, 2)).all()
    on_cpu.save(tmp_path)
    back = Training(PLAN, bank)
    back.restore(tmp_path)
    assert np.isfinite(losses(back, 4)).all()


def test_a_stopped_training_resumes_with_nearly_the_same_curve(bank: TileBank, tmp_path: Path) -> None:
    run_training(Training(PLAN, bank), tmp_path / "whole")
    stopped, resumed = Training(PLAN, bank), Training(PLAN, bank)
    folder = tmp_path / "stopped"
    folder.mkdir()
    losses(stopped, 7)
    stopped.save(folder)
    lines = (tmp_path / "whole" / CURVE).read_text().splitlines(keepends=True)
    (folder / CURVE).write_text("".join(lines[:9]))
    resumed.restore(folder)
    run_training(resumed, folder)
    whole, again = (
        [json.loads(line)["loss"] for line in (one / CURVE).read_text().splitlines()]
        for one in (tmp_path / "whole", folder)
    )
    assert again == pytest.approx(whole, rel=0.02)


def test_a_supernet_trains_queued_as_it_does_plainly(bank: TileBank) -> None:
    plain, queued = (losses(SupernetTraining(SUPERNET, bank, mode=mode), 6) for mode in (StepMode(), None))
    assert queued == pytest.approx(plain, rel=0.05)


def test_losses_in_bf16_agree_with_fp32(bank: TileBank) -> None:
    plan = replace(PLAN, steps=150, batch=16, sizes=(96,))
    fp32, bf16 = (losses(Training(replace(plan, precision=one), bank), 150) for one in ("fp32", "bf16"))
    assert np.mean(bf16[-50:]) == pytest.approx(np.mean(fp32[-50:]), rel=0.05)
    assert np.mean(bf16[-50:]) < 0.9 * np.mean(bf16[:10])
