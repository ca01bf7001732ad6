"""Training of a supernet: which tensors a step touches, resuming, and the search that follows."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import killed_training
import numpy as np
import pytest
import torch

from evalkit import api
from evalkit.errors import EvalkitError
from evalkit.trackers._lighttrack import supernet
from evalkit.trackers._lighttrack.architecture import parse_path_string
from evalkit.trackers._lighttrack.search import supernet_file
from evalkit.trackers._lighttrack.search.shared_weights import load_shared_weights
from evalkit.trackers._lighttrack.search.space import DEFAULT_OUTPUTS, OUTPUTS, encode, output_of, path_string
from evalkit.trackers._lighttrack.training import bank_file, tile_bank
from evalkit.trackers._lighttrack.training.loop import CURVE
from evalkit.trackers._lighttrack.training.path_sampling import SAMPLINGS, PathSampler
from evalkit.trackers._lighttrack.training.supernet_training import SupernetPlan, SupernetTraining, initial_weights
from evalkit.trackers._lighttrack.training.teacher import Teacher
from evalkit.trackers._lighttrack.training.tile_bank import TileBank

PLAN = SupernetPlan(steps=4, batch=12, sizes=(96,), warmup=2)


def choices(path: str) -> list[int]:
    return [block.choice for stage in parse_path_string(path).stages for block in stage]


def test_a_fair_round_contains_every_choice_of_every_built_block_exactly_once() -> None:
    sampler = PathSampler("fair", OUTPUTS, seed=3)
    for step in range(40):
        paths = sampler.paths(step)
        assert len(paths) == 6
        for column in zip(*map(choices, paths), strict=True):
            assert sorted(column) == list(range(6))
        for branch in ("cls", "reg"):
            towers = [getattr(parse_path_string(path), branch) for path in paths]
            assert Counter(tower.channels for tower in towers) == {128: 2, 192: 2, 256: 2}
            assert max(len(tower.kernels) for tower in towers) == 8


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_sampled_paths_are_canonical_and_repeat_with_the_seed(sampling: str) -> None:
    sampler = PathSampler(sampling, DEFAULT_OUTPUTS, seed=1)
    for step in range(20):
        for path in sampler.paths(step):
            genes = encode(parse_path_string(path))
            assert path_string(genes) == path
            assert output_of(genes) in DEFAULT_OUTPUTS
    assert sampler.paths(3) == PathSampler(sampling, DEFAULT_OUTPUTS, seed=1).paths(3)
    assert sampler.paths(3) != PathSampler(sampling, DEFAULT_OUTPUTS, seed=2).paths(3)


def test_a_step_on_separate_weights_touches_each_choice_of_each_built_block_and_nothing_else(bank: TileBank) -> None:
    training = SupernetTraining(replace(PLAN, layout="separate"), bank)
    before = {name: tensor.detach().clone() for name, tensor in training.shared.state.items()}
    paths = training._sampler.paths(0)
    training.run_step()
    expected = {
        supernet.supernet_key(name, view.architecture)
        for view in map(training.shared.view, paths)
        for name, _ in view.named_parameters()
    }
    touched = {name for name, tensor in training.shared.state.items() if tensor.grad is not None}
    assert touched == expected
    moved = {name for name, tensor in training.shared.state.items() if not torch.equal(tensor.detach(), before[name])}
    assert moved <= touched
    built = len(choices(paths[0]))
    names = [name.split(".") for name in touched if name.startswith("features.blocks.")]
    assert len({tuple(name[2:5]) for name in names if name[2] != "0"}) == 6 * built


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_the_losses_of_entangled_weights_repeat_and_fall(bank: TileBank, sampling: str) -> None:
    plan = replace(PLAN, sampling=sampling)
    runs = [[SupernetTraining(plan, bank).run_step().row()["loss"]] for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0][0] > 0


def test_a_supernet_learns_its_pairs(bank: TileBank) -> None:
    plan = SupernetPlan(steps=30, batch=12, sizes=(96,), warmup=2, sampling="uniform", outputs=((2, 0),), rate=3e-3)
    training = SupernetTraining(plan, bank)
    losses = [training.run_step().row()["loss"] for _ in range(30)]
    assert np.median(losses[-10:]) < 0.95 * np.median(losses[:10])


def test_each_phase_trains_its_part(bank: TileBank) -> None:
    torch.manual_seed(5)
    plan = replace(PLAN, steps=3, imitation=1, settling=1)
    training = SupernetTraining(plan, bank, Teacher())

    def moved() -> set[str]:
        before = {name: tensor.detach().clone() for name, tensor in training.shared.state.items()}
        training.run_step()
        state = training.shared.state
        return {name.split(".")[0] for name in state if not torch.equal(state[name].detach(), before[name])}

    assert moved() == {"features"}
    training.run_step()  # starts from the running mean of the previous phase
    assert moved() >= {"features", "head", "neck"}


def test_a_killed_training_resumes_with_the_same_tensors(bank: TileBank, tmp_path: Path) -> None:
    whole, stopped, resumed = (SupernetTraining(PLAN, bank) for _ in range(3))
    for _ in range(4):
        whole.run_step()
    for _ in range(2):
        stopped.run_step()
    stopped.save(tmp_path)
    resumed.restore(tmp_path)
    for _ in range(2):
        resumed.run_step()
    for mine, yours in ((whole.shared, resumed.shared), (whole.average, resumed.average)):
        assert all(torch.equal(mine.state[name], yours.state[name]) for name in mine.state)


@pytest.mark.slow
def test_a_training_that_is_killed_again_and_again_gives_the_same_supernet(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    killed_training.train(whole)
    curve = killed / CURVE
    generator = random.Random(5)
    deaths = 0
    while deaths < 4:
        process = subprocess.Popen([sys.executable, killed_training.__file__, killed], stderr=subprocess.PIPE)
        before = curve.stat().st_size if curve.exists() else 0
        # After the first new step, each moment is equally likely: within a step, or while the checkpoint is written.
        while process.poll() is None and (not curve.exists() or curve.stat().st_size <= before):
            time.sleep(0.01)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(generator.random() * 0.4)
        process.kill()
        _, error = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, error.decode()
        deaths += 1
    assert deaths > 0
    killed_training.train(killed)
    assert (killed / supernet_file.SUPERNET).read_bytes() == (whole / supernet_file.SUPERNET).read_bytes()
    curves = [[json.loads(line) for line in (folder / CURVE).read_text().splitlines()] for folder in (whole, killed)]
    for mine, yours in zip(*curves, strict=True):
        assert (mine["step"], mine["loss"], mine["norm"]) == (yours["step"], yours["loss"], yours["norm"])


def test_a_training_leaves_the_weights_that_it_starts_from_as_they_were(bank: TileBank) -> None:
    plan = replace(PLAN, settling=1, steps=2, outputs=((3, 3),))
    start = initial_weights(plan, None)
    before = {name: tensor.clone() for name, tensor in start.state.items()}
    training = SupernetTraining(plan, bank, start=start)
    training.run_step()
    moved = {name for name, tensor in training.shared.state.items() if not torch.equal(tensor.detach(), before[name])}
    assert {name.split(".")[0] for name in moved} == {"feature_fusor", "head", "neck"}
    assert all(torch.equal(start.state[name], before[name]) for name in before)


def test_a_checkpoint_of_another_plan_is_rejected(bank: TileBank, tmp_path: Path) -> None:
    SupernetTraining(PLAN, bank).save(tmp_path)
    with pytest.raises(EvalkitError, match="another sampling"):
        SupernetTraining(replace(PLAN, sampling="uniform"), bank).restore(tmp_path)


def test_a_search_without_weights_trains_a_supernet_first(
    bank: TileBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = tile_bank.join_banks([bank] * 8)
    monkeypatch.setattr(tile_bank, "render_tiles", lambda seed, **counts: many)
    options = api.SearchOptions(
        tmp_path, evaluations=4, population=4, pairs=16, recalibration=16, final_recalibration=16, scenes=0,
        method="paper", training={"steps": 2, "batch": 6, "sizes": (96,)},
    )  # fmt: skip
    rows: list[dict[str, float]] = []
    result = api.search(options, report=rows.append)
    assert [row["step"] for row in rows] == [1, 2]
    assert result.evaluations == 4
    shared = load_shared_weights(tmp_path / supernet_file.SUPERNET)
    assert shared.is_entangled
    rows.clear()
    api.search(replace(options, resume=True), report=rows.append)
    assert rows == []
    for changed, message in (({"steps": 3}, "another steps"), ({"rate": 1e-4}, "another rate")):
        with pytest.raises(EvalkitError, match=message):
            api.search(replace(options, resume=True, training={**options.training, **changed}))
    other = tmp_path / "other.zip"
    bank_file.write_bank(other, bank)
    with pytest.raises(EvalkitError, match="another bank"):
        api.search(replace(options, resume=True, training={**options.training, "tiles": other}))
