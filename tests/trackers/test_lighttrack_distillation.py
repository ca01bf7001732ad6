"""Distillation from a trained tracker, and trainings that start from trained weights."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recorded_operators import WAITING, RecordedOperators

from evalkit import api
from evalkit.errors import EvalkitError
from evalkit.trackers._lighttrack import training as recipe
from evalkit.trackers._lighttrack.architecture import parse_path_string
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.search import supernet_file
from evalkit.trackers._lighttrack.training import tile_bank
from evalkit.trackers._lighttrack.training.distillation import Distillation
from evalkit.trackers._lighttrack.training.loss import overlap_loss
from evalkit.trackers._lighttrack.training.network_outputs import NetworkOutputs, compute_outputs
from evalkit.trackers._lighttrack.training.pairs import Pairs, make_pairs
from evalkit.trackers._lighttrack.training.plan import TrainingPlan
from evalkit.trackers._lighttrack.training.seeded_random import SeededRandom
from evalkit.trackers._lighttrack.training.step import StepMode
from evalkit.trackers._lighttrack.training.subnet_training import Training, initial_network
from evalkit.trackers._lighttrack.training.supernet_training import SupernetPlan, SupernetTraining
from evalkit.trackers._lighttrack.training.tile_bank import TileBank

TINY = "back_00000000000000000000+cls_002222222+reg_002222222_ops_20"
FINE = "back_00000000000000000000+cls_002222222+reg_002222222_ops_10"
PLAN = TrainingPlan(TINY, steps=30, batch=8, sizes=(96,), warmup=2, workers=1)
TERMS = {"like_scores", "like_boxes", "like_features"}


@pytest.fixture
def tracker() -> LightTrack:
    """Return a network whose scores differ from cell to cell."""
    torch.manual_seed(3)
    network = initial_network(TINY, momentum=0.1).eval()
    with torch.no_grad():
        logits = network(torch.randn(4, 3, 96, 96), network.template(torch.randn(4, 3, 128, 128)))[0]
        network.head.cls_perd.cls_pred.weight.mul_(2 / logits.std())
    return network


@pytest.fixture
def weights(tracker: LightTrack, tmp_path: Path) -> Path:
    file = tmp_path / "tracker.safetensors"
    recipe.write_weights(tracker.state_dict(), file)
    return file


@pytest.fixture
def many_tiles(bank: TileBank, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have enough tiles for a held-out part, without rendering so many."""
    many = tile_bank.join_banks([bank] * 8)
    monkeypatch.setattr(tile_bank, "render_tiles", lambda seed, **counts: many)


def some_pairs(bank: TileBank) -> Pairs:
    return make_pairs(bank, SeededRandom(6, 1, 2), 96)


def outputs_of(network: LightTrack, pairs: Pairs) -> NetworkOutputs:
    return compute_outputs(network, network.template(pairs.template), network.features(pairs.search))


def test_a_tracker_has_nothing_to_learn_from_itself(bank: TileBank, tracker: LightTrack) -> None:
    pairs = some_pairs(bank)
    with torch.no_grad():
        terms = Distillation(tracker).losses(outputs_of(tracker, pairs), pairs)
    assert terms.keys() == TERMS
    assert all(term.item() == pytest.approx(0, abs=1e-6) for term in terms.values())


def test_the_terms_of_known_outputs(bank: TileBank, tracker: LightTrack) -> None:
    pairs = some_pairs(bank)
    with torch.no_grad():
        expected = outputs_of(tracker, pairs)
        found = replace(
            expected,
            logits=torch.zeros_like(expected.logits),
            distances=2 * expected.distances,
            search=expected.search + 1,
        )
        terms = Distillation(tracker).losses(found, pairs)
    score = expected.logits.double().sigmoid().numpy()
    entropy = -(score * np.log(score) + (1 - score) * np.log(1 - score))
    divergence = math.log(2) - entropy
    balanced = (np.average(divergence, weights=score) + np.average(divergence, weights=1 - score)) / 2
    assert terms["like_scores"].item() == pytest.approx(balanced, rel=1e-4)
    # A box of twice the sides contains the other: their overlap is about a quarter.
    assert terms["like_boxes"].item() == pytest.approx(math.log(4), rel=0.01)
    variance = expected.search.var((0, 2, 3))
    assert terms["like_features"].item() == pytest.approx((1 / (variance + 1e-6)).mean().item(), rel=1e-4)


def test_boxes_count_by_their_weight() -> None:
    target = torch.full((1, 4, 1, 2), 8.0)
    predicted = torch.stack([target[..., 0], 2 * target[..., 1]], dim=3)
    first, second = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[0.0, 1.0]]])
    assert overlap_loss(predicted, target, first).item() == 0
    assert overlap_loss(predicted, target, second).item() == pytest.approx(math.log(1025 / 257))
    assert overlap_loss(predicted, target, 0 * first).item() == 0


def test_a_finer_grid_is_compared_at_the_cells_that_both_have(bank: TileBank, tracker: LightTrack) -> None:
    torch.manual_seed(4)
    pairs, fine = some_pairs(bank), initial_network(FINE, momentum=0.1)
    outputs = outputs_of(fine, pairs)
    outputs.logits.retain_grad()
    terms = Distillation(tracker).losses(outputs, pairs)
    assert terms["like_features"].item() == 0
    terms["like_scores"].backward()  # type: ignore[no-untyped-call]
    gradient = outputs.logits.grad
    assert gradient is not None
    assert (gradient[:, :, ::2, ::2] != 0).all()
    assert gradient.count_nonzero() == gradient[:, :, ::2, ::2].numel()
    with torch.no_grad():
        coarse = Distillation(fine.eval()).losses(outputs_of(tracker, pairs), pairs)
    assert coarse["like_scores"].item() > 0


def test_a_distilled_network_becomes_like_the_tracker_which_stays_as_it_was(
    bank: TileBank, tracker: LightTrack
) -> None:
    before = {name: tensor.clone() for name, tensor in tracker.state_dict().items()}
    pairs, terms = some_pairs(bank), []
    for training in (Training(PLAN, bank), Training(PLAN, bank, tracker=tracker)):
        for _ in range(PLAN.steps):
            training.run_step()
        with torch.no_grad():
            terms.append(Distillation(tracker).losses(outputs_of(training.network, pairs), pairs))
    plain, distilled = terms
    for name in ("like_scores", "like_features"):  # untrained networks predict about the same boxes
        assert distilled[name] < 0.9 * plain[name], name
    assert all(torch.equal(tensor, before[name]) for name, tensor in tracker.state_dict().items())


@pytest.mark.parametrize("phase", ["settling", "tracking"])
def test_all_paths_of_a_supernet_are_distilled(bank: TileBank, tracker: LightTrack, phase: str) -> None:
    settling = {"settling": 2, "tracking": 0}[phase]
    plan = SupernetPlan(steps=4, settling=settling, batch=12, sizes=(96,), warmup=2)
    plain, distilled = SupernetTraining(plan, bank), SupernetTraining(plan, bank, tracker=tracker)
    row = distilled.run_step().row()
    assert row.keys() >= TERMS
    assert row["loss"] > plain.run_step().row()["loss"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("supernet", [False, True])
def test_a_distilled_step_on_a_device_waits_for_nothing(
    bank: TileBank, tracker: LightTrack, precision: str, supernet: bool
) -> None:
    mode = StepMode(on_device=True, ahead=2, block=4)
    plan = SupernetPlan(steps=4, batch=12, sizes=(96,), precision=precision) if supernet else PLAN
    kind: Any = SupernetTraining if supernet else Training
    training = kind(replace(plan, precision=precision), bank, tracker=tracker, mode=mode)
    training.run_step()
    with RecordedOperators() as recorded:
        record = training.run_step()
    assert "convolution_backward" in recorded.names
    assert not recorded.names & WAITING
    assert all(math.isfinite(value) for value in record.row().values())


def test_a_training_starts_from_the_weights(bank: TileBank, tracker: LightTrack) -> None:
    training = Training(replace(PLAN, start="hash"), bank, start=tracker)
    expected = tracker.state_dict()
    for network in (training.network, training.average):
        assert all(torch.equal(tensor, expected[name]) for name, tensor in network.state_dict().items())
    assert training.plan.backbone_factor(training.plan.phase_at(0)) == training.plan.gentle


def test_a_training_records_what_it_started_and_was_distilled_from(
    weights: Path, many_tiles: None, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"steps": 2, "batch": 2, "validate": 0}
    name = f"lighttrack:{TINY}"
    api.train(name, tmp_path / "run", weights=weights, distill=name, distill_weights=weights, **options)
    record = json.loads((tmp_path / "run" / "training.json").read_text())
    assert record["plan"]["start"] == record["plan"]["distilled"] != ""
    rows = [json.loads(line) for line in (tmp_path / "run" / "curve.jsonl").read_text().splitlines()]
    assert all(row.keys() >= TERMS for row in rows)
    for changed, message in (({"weights": weights}, "another distilled .*expected none"), ({}, "another start")):
        with pytest.raises(EvalkitError, match=message):
            api.train(name, tmp_path / "run", resume=True, **changed, **{**options, "steps": 3})


def test_a_training_can_be_distilled_from_the_bundled_tracker(many_tiles: None, tmp_path: Path) -> None:
    api.train(f"lighttrack:{TINY}", tmp_path, distill="lighttrack-m", steps=1, batch=2, validate=0)
    assert json.loads((tmp_path / "curve.jsonl").read_text())["like_features"] == 0  # its features are of stage 3


def test_a_search_distils_its_supernet(weights: Path, many_tiles: None, tmp_path: Path) -> None:
    training = {"steps": 2, "batch": 6, "sizes": (96,), "distill": f"lighttrack:{TINY}", "distill_weights": weights}
    options = api.SearchOptions(
        tmp_path / "search", evaluations=4, population=4, pairs=16, recalibration=16, final_recalibration=16, scenes=0,
        method="paper", training=training,
    )  # fmt: skip
    rows: list[dict[str, float]] = []
    api.search(options, report=rows.append)
    assert all(row.keys() >= TERMS for row in rows)


def test_a_search_is_not_continued_from_other_weights_than_its_supernet_started_from(
    weights: Path, tracker: LightTrack, many_tiles: None, tmp_path: Path
) -> None:
    options = api.SearchOptions(
        tmp_path / "search", within=f"lighttrack:{TINY}", weights=weights, evaluations=4, population=4, pairs=16,
        recalibration=16, final_recalibration=16, scenes=0, method="paper",
        training={"steps": 2, "batch": 6, "sizes": (96,)},
    )  # fmt: skip
    api.search(options)
    api.search(replace(options, resume=True))
    other = tmp_path / "other.safetensors"
    recipe.write_weights({name: 2 * tensor for name, tensor in tracker.state_dict().items()}, other)
    with pytest.raises(EvalkitError, match="another start"):
        api.search(replace(options, resume=True, weights=other))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": True, "teacher": True}, "initialises the backbone, which these weights have already"),
        ({"distill_weights": True}, "belong to no tracker"),
        ({"distill": "siamrpnpp-alexnet"}, "not a LightTrack"),
        ({"distill": "no-such"}, "no tracker"),
        ({"distill": f"lighttrack:{FINE}", "distill_weights": True}, "tracker.safetensors"),
    ],
)
def test_wrong_sources_of_weights_are_rejected_before_anything_is_rendered(
    options: dict[str, Any], message: str, weights: Path, tmp_path: Path
) -> None:
    given = {name: weights if value is True else value for name, value in options.items()}
    with pytest.raises(EvalkitError, match=message):
        api.train(f"lighttrack:{TINY}", tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()


def test_weights_of_another_architecture_are_rejected(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match=weights.name):
        api.train("lighttrack-m", tmp_path / "run", weights=weights)


@pytest.mark.parametrize("options", [{"distill_weights": "x"}, {"distill": "siamrpnpp-alexnet"}, {"start": "hash"}])
def test_wrong_options_of_a_supernet_s_distillation_are_rejected(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(EvalkitError):
        supernet_file.train_supernet(tmp_path, options, outputs=((3, 3),), seed=1, device="cpu")


def test_the_architectures_of_these_tests_have_other_strides() -> None:
    assert (parse_path_string(TINY).stride, parse_path_string(FINE).stride) == (16, 8)
