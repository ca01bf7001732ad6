"""The training recipe, on the smallest subnet of the search space and rendered tiles."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from evalkit import checkpoints
from evalkit.errors import EvalkitError
from evalkit.trackers._lighttrack import training as recipe
from evalkit.trackers._lighttrack.architecture import MOBILE, parse_path_string
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.training import tile_bank
from evalkit.trackers._lighttrack.training.depthwise import use_fast_weight_gradient, weight_gradient
from evalkit.trackers._lighttrack.training.loop import CURVE, run_training
from evalkit.trackers._lighttrack.training.loss import absent_target_loss, cell_centers, tracking_loss
from evalkit.trackers._lighttrack.training.object_tile import OBJECT_SIDE
from evalkit.trackers._lighttrack.training.pair_draws import PairOptions
from evalkit.trackers._lighttrack.training.pairs import make_pairs
from evalkit.trackers._lighttrack.training.plan import TrainingPlan
from evalkit.trackers._lighttrack.training.pointwise import use_fast_pointwise
from evalkit.trackers._lighttrack.training.seeded_random import SeededRandom
from evalkit.trackers._lighttrack.training.subnet_training import Training, initial_network
from evalkit.trackers._lighttrack.training.teacher import Teacher, load_teacher, student_hints
from evalkit.trackers._lighttrack.training.teacher_initialization import initialize_from_teacher
from evalkit.trackers._lighttrack.training.tile_bank import TileBank
from evalkit.trackers.siamese import IMAGENET_MEAN, IMAGENET_STD

TINY = "back_00000000000000000000+cls_002222222+reg_002222222_ops_20"
PLAN = TrainingPlan(TINY, steps=6, batch=4, sizes=(96, 128), warmup=2)
TAUGHT = TrainingPlan(TINY, steps=9, imitation=3, settling=3, batch=4, sizes=(96,), warmup=2)
QUIET = PairOptions(background_target=0, distractors=0, occluded=0, blurred=0, coarse=0, compressed=0, grey=0)


def losses(training: Training, count: int) -> list[float]:
    return [training.run_step().row()["loss"] for _ in range(count)]


def test_two_runs_of_one_seed_give_the_same_losses(bank: TileBank) -> None:
    first, second = (losses(Training(PLAN, bank), 6) for _ in range(2))
    assert first == second
    assert len(set(first)) == 6


def test_another_seed_gives_other_losses(bank: TileBank) -> None:
    other = TrainingPlan(**{**vars(PLAN), "seed": 2})
    assert losses(Training(PLAN, bank), 1) != losses(Training(other, bank), 1)


def test_a_killed_run_resumes_with_the_same_curve(bank: TileBank, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    run_training(Training(PLAN, bank), whole)

    class Killed(Exception):  # noqa: N818 - stands for a signal
        pass

    def kill(row: dict[str, float]) -> None:
        if row["step"] == 5:
            raise Killed

    stopped = Training(PLAN, bank)
    killed.mkdir()
    losses(stopped, 3)
    stopped.save(killed)
    (killed / CURVE).write_text("{}\n" * 3, encoding="utf-8")
    with pytest.raises(Killed):
        run_training(stopped, killed, report=kill)

    resumed = Training(PLAN, bank)
    resumed.restore(killed)
    run_training(resumed, killed)
    rows = [[json.loads(line) for line in (folder / CURVE).read_text().splitlines()] for folder in (whole, killed)]
    assert len(rows[1]) == 6
    assert [row["loss"] for row in rows[1][3:]] == [row["loss"] for row in rows[0][3:]]
    states = [torch.load(folder / "checkpoint.pt", weights_only=True)["average"] for folder in (whole, killed)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_checkpoint_of_another_seed_is_rejected(bank: TileBank, tmp_path: Path) -> None:
    Training(PLAN, bank).save(tmp_path)
    with pytest.raises(EvalkitError, match="another seed"):
        Training(TrainingPlan(**{**vars(PLAN), "seed": 2}), bank).restore(tmp_path)


def test_each_phase_trains_its_own_part_of_the_network(bank: TileBank, teacher: Teacher) -> None:
    training = Training(TAUGHT, bank, teacher)

    def moved(steps: int) -> tuple[bool, bool]:
        before = {name: tensor.clone() for name, tensor in training.network.state_dict().items()}
        for _ in range(steps):
            training.run_step()
        changed = {name for name, new in training.network.state_dict().items() if not torch.equal(new, before[name])}
        return any(name.startswith("features.") for name in changed), any(name.startswith("head.") for name in changed)

    assert moved(3) == (True, False)
    training.run_step()  # starts from the running mean of the previous phase
    assert moved(2) == (False, True)
    assert moved(3) == (True, True)


def test_a_run_that_stops_between_phases_resumes_with_the_same_losses(
    bank: TileBank, teacher: Teacher, tmp_path: Path
) -> None:
    whole = losses(Training(TAUGHT, bank, teacher), 9)
    stopped = Training(TAUGHT, bank, teacher)
    losses(stopped, 3)
    stopped.save(tmp_path)
    resumed = Training(TAUGHT, bank, teacher)
    resumed.restore(tmp_path)
    assert losses(resumed, 6) == whole[3:]


def test_every_phase_has_warmup_and_cooldown_and_tracking_a_smaller_rate_for_the_backbone() -> None:
    plan = TrainingPlan(TINY, steps=100, imitation=20, settling=30, warmup=4, cooldown=0.5, sizes=(96, 128), grown=0.5)
    assert [plan.phase_at(step).name for step in (0, 19, 20, 49, 50, 99)] == [
        "imitation", "imitation", "settling", "settling", "tracking", "tracking",
    ]  # fmt: skip
    assert plan.rate_at(20) == plan.rate_at(50) == plan.rate / 4
    assert plan.rate_at(30) == plan.rate_at(70) == plan.rate
    assert max(plan.rate_at(19), plan.rate_at(49), plan.rate_at(99)) < plan.rate / 50
    assert [plan.backbone_factor(plan.phase_at(step)) for step in (0, 60)] == [1.0, plan.gentle]
    assert [plan.size_at(step) for step in (49, 50, 74, 75)] == [96, 96, 96, 128]


@torch.no_grad()
def test_a_backbone_initialised_from_its_teacher_has_similar_features(bank: TileBank, teacher: Teacher) -> None:
    images = make_pairs(bank, SeededRandom(8, 4), 64).search
    narrow = copy.deepcopy(teacher)
    for index, kept in enumerate((16, 64)):  # of 32 and 96 channels: the others have no weight
        for block in narrow.stage(index):
            block.layers()[-1][0].weight[:, kept:] = 0
    for module in narrow.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0

    narrow.train().hints(images)  # sets the statistics of its normalisations
    narrow.eval()

    def likeness(start: bool) -> float:
        torch.manual_seed(1)
        backbone = initial_network(TINY, momentum=0.1).features.train()
        if start:
            initialize_from_teacher(backbone, narrow)
        pair = narrow.hints(images)[0], student_hints(backbone, images)[0]
        theirs, mine = (one - one.mean((0, 2, 3), keepdim=True) for one in pair)
        return float((mine * theirs).sum() / (mine.norm() * theirs.norm()))

    assert abs(likeness(False)) < 0.1 < 0.25 < likeness(True)


def test_strong_channels_are_copied_into_the_middle_of_larger_kernels(teacher: Teacher) -> None:
    torch.manual_seed(1)
    backbone = initial_network(MOBILE, momentum=0.1).features
    initialize_from_teacher(backbone, teacher)
    block = backbone.get_submodule("blocks.1.0")  # 7x7, 64 channels; the teacher's has 3x3 and 96
    _, (filters, _), _ = teacher.stage(1)[0].layers()
    inner = block.conv_dw.weight[:, :, 2:5, 2:5]  # type: ignore[union-attr,index]
    theirs = {tuple(kernel.flatten().tolist()) for kernel in filters.weight}
    assert all(tuple(kernel.flatten().tolist()) in theirs for kernel in inner)
    rim = block.conv_dw.weight.abs().amax((2, 3)) > inner.abs().amax((2, 3))  # type: ignore[union-attr,operator]
    assert rim.float().mean() < 0.2


def test_a_teacher_is_loaded_from_a_file_of_the_whole_network(teacher: Teacher, tmp_path: Path) -> None:
    state = teacher.state_dict()
    torch.save({**state, "features.18.0.weight": torch.zeros(2)}, tmp_path / "mobilenet.pt")
    found = load_teacher(tmp_path / "mobilenet.pt").state_dict()
    assert all(torch.equal(found[name], state[name]) for name in state)
    torch.save({"features.0.0.weight": torch.zeros(2)}, tmp_path / "other.pt")
    with pytest.raises(EvalkitError, match=r"other\.pt"):
        load_teacher(tmp_path / "other.pt")


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2), (7, 1), (7, 2)])
def test_the_fast_weight_gradient_equals_pytorch_s(kernel: int, stride: int) -> None:
    pytest.importorskip("numba")
    torch.manual_seed(0)
    plain = torch.nn.Conv2d(6, 6, kernel, stride, kernel // 2, groups=6, bias=False)
    quick = copy.deepcopy(plain)
    use_fast_weight_gradient(quick)
    assert type(quick) is not type(plain)
    results = []
    for convolution in (plain, quick):
        x = torch.randn(2, 6, 11, 9, generator=torch.Generator().manual_seed(1)).requires_grad_()
        convolution(x).square().sum().backward()
        results.append((convolution.weight.grad, x.grad))
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("batch", [1, 8, 16])
def test_the_fast_pointwise_convolution_equals_pytorch_s(batch: int) -> None:
    random = torch.Generator().manual_seed(batch)
    plain = torch.nn.Sequential(torch.nn.Conv2d(6, 10, 1, bias=False), torch.nn.Conv2d(10, 4, 1, bias=False))
    quick = copy.deepcopy(plain)
    use_fast_pointwise(quick)
    images = torch.randn(batch, 6, 9, 7, generator=random).contiguous(memory_format=torch.channels_last)
    found = []
    for network in (plain, quick):
        x = images.clone().requires_grad_()
        (network(x) ** 3).sum().backward()
        found.append([network(x), x.grad, *(parameter.grad for parameter in network.parameters())])
    for expected, value in zip(*found, strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)


def test_the_weight_gradient_of_one_row_computed_by_hand() -> None:
    pytest.importorskip("numba")
    row = torch.tensor([1.0, 2.0, 4.0]).reshape(1, 1, 1, 3)
    # Of three outputs the middle one alone counts: what each weight saw there.
    error = torch.tensor([0.0, 10.0, 0.0]).reshape(1, 1, 1, 3)
    assert weight_gradient(row, error, 3, 1).flatten().tolist() == [0, 0, 0, 10, 20, 40, 0, 0, 0]


def test_the_loss_without_a_target_is_that_of_the_highest_scores() -> None:
    logits = torch.full((2, 1, 4, 4), -50.0)
    assert float(absent_target_loss(logits)) < 1e-6
    logits[0, 0, 1, 2] = 40.0
    assert float(absent_target_loss(logits)) == pytest.approx(40 / 10 / 2)


def test_imitation_without_a_teacher_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match="no teacher to imitate"):
        recipe.train(TINY, tmp_path, imitation=3)


def test_the_target_is_inside_of_its_box(bank: TileBank) -> None:
    # One opaque white square on black ground: what is bright is the target.
    objects = torch.full((1, 4, OBJECT_SIDE, OBJECT_SIDE), 255, dtype=torch.uint8)
    hull = torch.tensor([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]).repeat(1, 12, 1)
    square = TileBank(torch.zeros_like(bank.backgrounds[:1]), objects, torch.ones(1), hull)
    pairs = make_pairs(square, SeededRandom(8, 3), 160, QUIET)
    scale, shift = (torch.tensor(values)[:, None, None] for values in (IMAGENET_STD, IMAGENET_MEAN))
    for image, box in zip(pairs.search * scale + shift, pairs.boxes, strict=True):
        grey = image.mean(0)
        bright = grey > (grey.max() + grey.min()) / 2
        rows, columns = (np.flatnonzero(bright.any(axis).numpy()) for axis in (1, 0))
        found = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        np.testing.assert_allclose(found, box, atol=3)


def test_the_target_is_half_as_wide_as_the_template(bank: TileBank) -> None:
    objects = torch.full((1, 4, OBJECT_SIDE, OBJECT_SIDE), 255, dtype=torch.uint8)
    hull = torch.tensor([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]).repeat(1, 12, 1)
    square = TileBank(torch.zeros_like(bank.backgrounds[:1]), objects, torch.ones(1), hull)
    template = make_pairs(square, SeededRandom(4, 3), 128, QUIET).template.mean(1)
    bright = (template > (template.amax((1, 2), keepdim=True) + template.amin((1, 2), keepdim=True)) / 2).float()
    # A square of side s is cut with a context of s, so s is half of 127; turned by up to 0.3, it does not gain area.
    assert ((bright.mean((1, 2)) > 0.15) & (bright.mean((1, 2)) < 0.27)).all()
    assert bright[:, 60:67, 60:67].all()


def test_pairs_of_one_seed_are_the_same_and_of_another_differ(bank: TileBank) -> None:
    first, again, other = (make_pairs(bank, SeededRandom(4, 1, step), 96) for step in (5, 5, 6))
    torch.testing.assert_close(first.search, again.search, rtol=0, atol=0)
    assert not torch.equal(first.boxes, other.boxes)


def test_the_loss_of_a_perfect_response_is_zero() -> None:
    box = torch.tensor([[40.0, 50.0, 104.0, 98.0]])
    at = cell_centers(160, 16, box.device).float()
    x, y = at[None, :].expand(10, 10), at[:, None].expand(10, 10)
    distances = torch.stack([x - 40, y - 50, 104 - x, 98 - y]).clamp(min=0)[None]
    near = (x - 72).abs() + (y - 74).abs() <= 16
    hit, overlap = tracking_loss(torch.where(near, 20.0, -20.0)[None, None], distances, box, size=160)
    assert float(hit) < 1e-6
    assert abs(float(overlap)) < 1e-6
    assert int(near.sum()) == 2


def test_cells_have_the_positions_that_the_tracker_assumes() -> None:
    assert cell_centers(256, 16, torch.device("cpu"))[[0, 8, 15]].tolist() == [0, 128, 240]
    assert cell_centers(288, 16, torch.device("cpu"))[[0, 9, 17]].tolist() == [0, 144, 272]


def test_an_initial_network_predicts_boxes_of_the_usual_size() -> None:
    network = initial_network(TINY, momentum=0.03).eval()
    _, distances = network(torch.zeros(1, 3, 128, 128), network.template(torch.zeros(1, 3, 127, 127)))
    assert distances.mean().item() == pytest.approx(32, abs=2)


def test_a_training_writes_weights_and_a_record_and_can_be_extended(
    bank: TileBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Enough tiles for a held-out part, without rendering so many.
    many = tile_bank.join_banks([bank] * 8)
    monkeypatch.setattr(tile_bank, "render_tiles", lambda seed: many)
    options = {"steps": 2, "batch": 2, "sizes": (96,), "validate": 0}
    path = recipe.train(TINY, tmp_path, **options)  # type: ignore[arg-type]
    state = checkpoints.read_state(path)
    network = LightTrack(parse_path_string(TINY))
    checkpoints.fit(network, state, where=path)
    assert all(tensor.dtype == torch.float16 for tensor in state.values())
    record = json.loads((tmp_path / "training.json").read_text())
    assert (record["steps"], record["pairs"], record["plan"]["path"]) == (2, 4, TINY)
    with pytest.raises(EvalkitError, match="contains a training already"):
        recipe.train(TINY, tmp_path, **options)  # type: ignore[arg-type]
    longer = {**options, "steps": 3}
    recipe.train(TINY, tmp_path, resume=True, **longer)  # type: ignore[arg-type]
    assert len((tmp_path / CURVE).read_text().splitlines()) == 3
