"""LightTrack's search space: canonical paths, exact costs, shared weights, fitness, and complete small searches."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit import api, checkpoints, factories
from evalkit.cli import cli
from evalkit.cost import macs
from evalkit.errors import EvalkitError
from evalkit.search.space import Genes
from evalkit.trackers._lighttrack.architecture import MOBILE, parse_path_string
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.search import fitness, prepare
from evalkit.trackers._lighttrack.search.costs import QUANTITIES, count_table, counted_costs
from evalkit.trackers._lighttrack.search.fitness import Fitness, FitnessPlan, overlap_of_best_cells
from evalkit.trackers._lighttrack.search.shared_weights import (
    SharedWeights,
    empty_network,
    load_shared_weights,
    recalibrate,
    write_shared_weights,
)
from evalkit.trackers._lighttrack.search.space import OUTPUTS, LightTrackSpace, distance, encode, path_string
from evalkit.trackers._lighttrack.search.spreading import spread
from evalkit.trackers._lighttrack.training import tile_bank
from evalkit.trackers._lighttrack.training.pairs import Pairs
from evalkit.trackers._lighttrack.training.subnet_training import initial_network
from evalkit.trackers._lighttrack.training.supernet_training import SupernetPlan, initial_weights

SPACE = LightTrackSpace(count_table(), OUTPUTS)
CENTER = encode(parse_path_string(MOBILE))
NEAR = LightTrackSpace(count_table(), tuple(one for one in OUTPUTS if one[0] == 3), CENTER, radius=3)
SMALL = ["--evaluations", "4", "--population", "4", "--pairs", "16", "--recalibration", "16",
         "--final-recalibration", "16", "--scenes", "2", "--frames", "4", "--front", "2"]  # fmt: skip


def random_genes(count: int, seed: int = 0, space: LightTrackSpace = SPACE) -> list[Genes]:
    random = np.random.default_rng(seed)
    return [space.draw(random) for _ in range(count)]


genes_of_any_kind = st.tuples(*(st.integers(0, count - 1) for count in SPACE.choices))


@given(genes_of_any_kind)
def test_canonical_genes_stay_the_same_and_survive_the_path_string(genes: Genes) -> None:
    canonical = SPACE.canonical(genes)
    assert SPACE.canonical(canonical) == canonical
    assert SPACE.genes(path_string(canonical)) == canonical
    assert distance(canonical, canonical) == 0


def test_paths_of_one_network_have_one_canonical_path() -> None:
    # Other digits after the output, and skipped layers at other places.
    other = "back_04502514044521333330+cls_212100002+reg_100000111_ops_32"
    canonical = path_string(encode(parse_path_string(other)))
    assert canonical == "back_04502514044521000000+cls_211000022+reg_100000111_ops_32"
    shapes = [
        [(name, tensor.shape) for name, tensor in empty_network(path).state_dict().items()]
        for path in (other, canonical)
    ]
    assert shapes[0] == shapes[1]


def test_a_path_of_another_budget_is_not_in_the_space() -> None:
    with pytest.raises(EvalkitError, match=r"not in the search space.*2, 4, 4, 4 and 4"):
        encode(parse_path_string("back_0114413213503544142140+cls_2021002000111+reg_0110021100200+ops_30"))


def test_the_cost_table_equals_the_count_of_every_kind_of_network() -> None:
    # benchmarks/search.py compares 500 paths.
    chosen = {genes[14]: genes for genes in random_genes(200)}
    assert len(chosen) == len(OUTPUTS)
    for genes in chosen.values():
        assert SPACE.costs(genes) == counted_costs(path_string(genes)), path_string(genes)


def test_the_costs_of_lighttrack_mobile_are_those_that_profile_prints() -> None:
    found = SPACE.costs(CENTER)
    assert found == {"macs": 528880320, "macs:conv": 510606848, "macs:all": 512179712, "parameters": 1969397}
    costs = macs.costs(factories.create_tracker("lighttrack-m"))
    search = {cost.convention: cost.value for cost in costs if cost.quantity == "macs"}
    assert {name: search[kind] for name, kind in QUANTITIES.items()} == {name: found[name] for name in QUANTITIES}


def test_paths_around_a_center_are_within_the_radius() -> None:
    found = random_genes(100, space=NEAR)
    assert all(NEAR.contains(genes) and distance(genes, CENTER) <= 3 for genes in found)
    assert {distance(genes, CENTER) for genes in found} >= {1, 2, 3}


def test_a_neighbourhood_is_enumerated_without_repetition() -> None:
    one = LightTrackSpace(count_table(), NEAR.outputs, CENTER, radius=1)
    members = one.enumerate()
    assert members[0] == CENTER
    assert len(set(members)) == len(members) <= one.size()
    assert all(one.contains(genes) for genes in members)
    assert set(random_genes(300, space=one)) <= set(members)
    # The block that a later output adds, and the kernel of an added layer, can be chosen freely at distance 1.
    assert {genes[13] for genes in members if OUTPUTS[genes[14]] == (3, 3)} == set(range(6))
    assert {genes[23] for genes in members if genes[16] == CENTER[16] + 1} == {0, 1}
    cheapest = min(one.costs(genes)["macs"] for genes in members)
    assert min(one.costs(genes)["macs"] for genes in one.smallest()) == cheapest


def test_the_smallest_paths_have_the_lowest_costs() -> None:
    lowest = {name: min(SPACE.costs(genes)[name] for genes in SPACE.smallest()) for name in SPACE.costs(CENTER)}
    for genes in random_genes(500, seed=3):
        assert all(SPACE.costs(genes)[name] >= value for name, value in lowest.items())


@pytest.fixture(scope="module")
def mobile() -> LightTrack:
    network = factories.create_tracker("lighttrack-m").parts()[0].module.network
    assert isinstance(network, LightTrack)
    return network


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    generator = torch.Generator().manual_seed(2)
    images = [torch.rand(4, 3, size, size, generator=generator) * 4 - 2 for size in (127, 128)]
    return Pairs(images[0], images[1], torch.tensor([[40.0, 40.0, 80.0, 90.0]]).repeat(4, 1))


@pytest.fixture(scope="module", params=["entangled", "separate"])
def shared(request: pytest.FixtureRequest) -> SharedWeights:
    torch.manual_seed(1)
    return initial_weights(SupernetPlan(layout=request.param, outputs=OUTPUTS), None)


def test_views_cuts_and_stand_alone_copies_compute_the_same_bit_for_bit(shared: SharedWeights, pairs: Pairs) -> None:
    for genes in random_genes(6, seed=4):
        path = path_string(genes)
        view, cut, copy = shared.view(path).train(), shared.cut(path).train(), LightTrack(parse_path_string(path))
        copy.load_state_dict(cut.state_dict())
        with torch.no_grad():
            outputs = [one(pairs.search, one.template(pairs.template)) for one in (view, cut, copy.train())]
        for other in outputs[1:]:
            assert all(torch.equal(a, b) for a, b in zip(outputs[0], other, strict=True)), path


def test_recalibration_gives_the_means_over_the_batches_and_leaves_the_supernet_as_it_was(
    shared: SharedWeights, pairs: Pairs
) -> None:
    before = {name: tensor.clone() for name, tensor in shared.state.items()}
    network = shared.cut(path_string(random_genes(1, seed=5)[0]))
    batches = [Pairs(pairs.template[half], pairs.search[half], pairs.boxes[half]) for half in (slice(2), slice(2, 4))]
    recalibrate(network, batches)
    assert all(torch.equal(before[name], tensor) for name, tensor in shared.state.items())
    stem = network.features.conv_stem
    inputs = [image for batch in batches for image in (batch.template, batch.search)]
    means = torch.stack([stem(image).mean((0, 2, 3)) for image in inputs]).mean(0)
    variances = torch.stack([stem(image).var((0, 2, 3)) for image in inputs]).mean(0)
    torch.testing.assert_close(network.features.bn1.running_mean, means, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(network.features.bn1.running_var, variances, atol=1e-5, rtol=1e-5)
    assert not network.training


@pytest.mark.parity
def test_every_tensor_of_a_separate_supernet_is_one_of_the_official_supernet(keys: Any) -> None:
    shapes = dict(keys("lighttrack_supernet"))
    torch.manual_seed(1)
    for name, tensor in initial_weights(SupernetPlan(layout="separate", outputs=OUTPUTS), None).state.items():
        assert shapes[name] == "x".join(map(str, tensor.shape)), name


def test_spread_weights_give_the_tracker_itself_on_its_own_path(mobile: LightTrack, pairs: Pairs) -> None:
    network = spread(mobile).cut(path_string(CENTER)).train()
    copy = LightTrack(mobile.architecture)
    copy.load_state_dict(mobile.state_dict())
    with torch.no_grad():
        found, expected = (one(pairs.search, one.template(pairs.template)) for one in (network, copy.train()))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)


def test_spread_weights_compute_the_same_with_a_longer_head_and_a_later_output(
    mobile: LightTrack, pairs: Pairs
) -> None:
    shared = spread(mobile)
    with torch.no_grad():
        features = [
            shared.cut(path).train().features(pairs.search)
            for path in (path_string(CENTER), path_string(CENTER).replace("ops_32", "ops_33"))
        ]
    assert torch.equal(features[0], features[1])


def test_the_overlap_of_the_best_cell_is_that_of_its_box() -> None:
    cls, reg = torch.zeros(1, 1, 8, 8), torch.zeros(1, 4, 8, 8)
    cls[0, 0, 4, 5] = 1  # x = 64 + 16, y = 64
    reg[0, :, 4, 5] = torch.tensor([10.0, 20.0, 30.0, 40.0])
    same = torch.tensor([[70.0, 44.0, 110.0, 104.0]])
    half = torch.tensor([[70.0, 44.0, 90.0, 104.0]])
    assert overlap_of_best_cells(cls, reg, same, 128).item() == pytest.approx(1)
    assert overlap_of_best_cells(cls, reg, half, 128).item() == pytest.approx(0.5)


def test_a_supernet_survives_its_file(shared: SharedWeights, tmp_path: Path) -> None:
    write_shared_weights(shared, tmp_path / "supernet.safetensors")
    loaded = load_shared_weights(tmp_path / "supernet.safetensors")
    assert loaded.is_entangled == shared.is_entangled
    assert all(torch.equal(loaded.state[name], tensor) for name, tensor in shared.state.items())
    with pytest.raises(EvalkitError, match=r"no statistics of batch normalisation.*evalkit search"):
        factories.create_tracker(f"lighttrack:{MOBILE}", weights=tmp_path / "supernet.safetensors")


def test_a_subnet_is_no_supernet(tmp_path: Path) -> None:
    torch.save(initial_network(MOBILE, momentum=0.1).state_dict(), tmp_path / "subnet.pth")
    with pytest.raises(EvalkitError, match=r"not a checkpoint of a LightTrack supernet.*--within lighttrack:"):
        api.search(api.SearchOptions(tmp_path / "out", supernet=tmp_path / "subnet.pth"))


def test_a_supernet_without_an_output_is_rejected_before_anything_is_evaluated(tmp_path: Path) -> None:
    torch.manual_seed(1)
    supernet = initial_weights(SupernetPlan(outputs=((3, 3),)), None)
    write_shared_weights(supernet, tmp_path / "supernet.safetensors")
    with pytest.raises(
        EvalkitError, match=r"these outputs \(found 10, expected 30, 31, 32, 33\)\. Choose .* --outputs"
    ):
        api.search(
            api.SearchOptions(tmp_path / "out", supernet=tmp_path / "supernet.safetensors", outputs=("10", "33"))
        )
    assert not (tmp_path / "out" / "ledger.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"within": "mosse"}, "no search space for this tracker"),
        ({"within": "lighttrack:nonsense"}, "not a LightTrack path string"),
        ({"within": "lighttrack-m", "outputs": ("44",)}, "not a block that can give the features"),
        ({"within": "lighttrack-m", "limits": ("macs=1M",)}, "no architecture .* within this limit"),
        ({"within": "lighttrack-m", "fitness": "no-such-dataset"}, "no-such-dataset"),
        ({"within": "lighttrack-m", "weights": Path("missing.pth")}, "missing.pth"),
        ({"training": {"steps": 3, "settling": 3}}, "no step is left for tracking"),
        ({"training": {"steps": 3, "imitation": 1}}, "no teacher to imitate"),
        ({"training": {"speed": 3}}, "does not exist"),
        ({"training": {"sampling": "best"}}, "no such sampling"),
        ({"least_layers": (1, 9)}, r"--least-layers.*1 9.*from 1 to 8"),
        ({"within": "lighttrack-m", "least_layers": (7, 8)}, r"fewer layers in its head.*at most 6 8"),
    ],
)
def test_an_invalid_request_is_rejected(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(EvalkitError, match=message):
        api.search(api.SearchOptions(tmp_path, **options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limits": ("mac=600M",)}, "cannot be limited"),
        ({"limits": ("macs=1M",)}, "no architecture .* within this limit"),
        ({"against": "joules"}, "no such cost"),
        ({"fitness": "no-such-dataset"}, "no-such-dataset"),
    ],
)
def test_an_invalid_request_is_rejected_before_a_supernet_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], message: str
) -> None:
    monkeypatch.delattr(prepare, "train_supernet")
    with pytest.raises(EvalkitError, match=message):
        api.search(api.SearchOptions(tmp_path, **options))


@pytest.fixture
def small_banks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rendered tiles, so that a search takes seconds."""
    render = tile_bank.render_tiles
    monkeypatch.setattr(tile_bank, "render_tiles", lambda seed, **counts: render(seed, backgrounds=4, objects=12))


def test_a_dataset_without_groundtruth_is_rejected_before_anything_is_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = factories.open_dataset("synthetic", None)
    bare = [replace(one, read=_no_groundtruth) for one in dataset.sequences[:1]]
    monkeypatch.setattr(prepare, "open_dataset", lambda name, data: replace(dataset, sequences=tuple(bare)))
    with pytest.raises(EvalkitError, match="no groundtruth here"):
        api.search(api.SearchOptions(tmp_path, within="lighttrack-m", fitness="synthetic"))
    assert not (tmp_path / "ledger.jsonl").exists()


def _no_groundtruth() -> Any:
    raise EvalkitError("no groundtruth here", where="groundtruth_rect.txt")


def test_a_complete_search_around_a_tracker(tmp_path: Path, small_banks: None) -> None:
    out = tmp_path / "out"
    arguments = ["search", "--within", "lighttrack-m", "--limit", "macs=500M", "--output", str(out), *SMALL]
    answer = CliRunner().invoke(cli, [*arguments, "--radius", "4", "--format", "json"], catch_exceptions=False)
    assert answer.exit_code == 0
    records = json.loads(answer.stdout)["records"]
    assert records == json.loads((out / "front.json").read_text())["records"]
    best, reference = records[0], records[-1]
    assert best["rank"] == 1
    assert best["macs"] <= 500e6 < reference["macs"]
    assert reference["path"] == path_string(CENTER)
    assert reference["rank"] is None
    weights = out / best["weights"]
    tracker = factories.create_tracker(best["tracker"], weights=weights)
    found = {cost.convention: cost.value for cost in macs.costs(tracker) if cost.quantity == "macs"}
    assert found["thop-2020"] == best["macs"]
    assert all(tensor.dtype == torch.float16 for tensor in checkpoints.read_state(weights).values())
    run = CliRunner().invoke(
        cli, ["run", "--tracker", best["tracker"], "--weights", str(weights), "--sequences", "scale", "--results",
              str(tmp_path / "results")], catch_exceptions=False,
    )  # fmt: skip
    assert run.exit_code == 0
    again = CliRunner().invoke(cli, [*arguments, "--radius", "4", "--resume"], catch_exceptions=False)
    assert "Next:" in again.stdout
    assert json.loads((out / "front.json").read_text())["records"] == records


def test_no_steps_of_imitation_or_settling_can_be_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[api.SearchOptions] = []

    def search(options: api.SearchOptions, **_: object) -> Any:
        asked.append(options)
        raise EvalkitError("this is enough")

    monkeypatch.setattr(api, "search", search)
    CliRunner().invoke(cli, ["search", "--output", str(tmp_path), "--imitation", "0", "--settling", "0"])
    assert asked[0].training == {"imitation": 0, "settling": 0}


def test_radius_zero_cuts_one_path_out_of_a_supernet(tmp_path: Path, small_banks: None) -> None:
    torch.manual_seed(1)
    write_shared_weights(initial_weights(SupernetPlan(), None), tmp_path / "supernet.safetensors", half=True)
    path = path_string(random_genes(1, seed=8, space=LightTrackSpace(count_table()))[0])
    result = api.search(
        api.SearchOptions(
            tmp_path / "out", within=f"lighttrack:{path}", radius=0, supernet=tmp_path / "supernet.safetensors",
            evaluations=4, population=4, pairs=16, recalibration=16, final_recalibration=16, scenes=0,
        )
    )  # fmt: skip
    assert [record["path"] for record in result.records] == [path]
    factories.create_tracker(f"lighttrack:{path}", weights=tmp_path / "out" / result.records[0]["weights"])


def test_equal_plans_give_equal_fitness_in_every_process(mobile: LightTrack, tmp_path: Path, small_banks: None) -> None:
    plan = FitnessPlan(pairs=16, recalibration=16)
    values = [Fitness(spread(mobile), plan, tmp_path / name).measure(path_string(CENTER), "pairs") for name in "ab"]
    assert values[0] == values[1]
    assert 0 < values[0][0] < 1


def test_every_pair_is_measured_if_their_number_is_no_multiple_of_the_batch(
    mobile: LightTrack, tmp_path: Path, small_banks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []

    def overlaps(cls: torch.Tensor, reg: torch.Tensor, boxes: torch.Tensor, size: int) -> torch.Tensor:
        counts.append(len(boxes))
        return torch.ones(len(boxes))

    monkeypatch.setattr(fitness, "overlap_of_best_cells", overlaps)
    Fitness(spread(mobile), FitnessPlan(pairs=20), tmp_path).measure_network(mobile, "pairs")
    assert counts == [16, 4]


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="back_0123456789+clsregop ", max_size=70))
def test_any_text_as_a_path_gives_an_error_or_genes(text: str) -> None:
    try:
        genes = SPACE.genes(text)
    except EvalkitError as error:
        assert text in str(error)
    else:
        assert SPACE.canonical(genes) == genes
