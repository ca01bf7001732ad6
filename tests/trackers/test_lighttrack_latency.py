"""The table of latencies: its parts, its line and error, where it can be used, and a search with a limit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evalkit import api
from evalkit.cost.latency import Rules
from evalkit.errors import EvalkitError
from evalkit.trackers._lighttrack.search import latency, prepare
from evalkit.trackers._lighttrack.search.costs import count_table
from evalkit.trackers._lighttrack.search.latency import LatencyTable
from evalkit.trackers._lighttrack.search.space import DEFAULT_OUTPUTS, OUTPUTS, LightTrackSpace
from evalkit.trackers._lighttrack.training import tile_bank
from evalkit.types import Execution

EXECUTION = Execution(runtime="onnxruntime")


@pytest.fixture(scope="module")
def space() -> LightTrackSpace:
    return LightTrackSpace(count_table(), tuple(output for output in OUTPUTS if output[0] == 3))


@pytest.fixture
def table(space: LightTrackSpace) -> LatencyTable:
    names = sorted(set(latency._needed_parts(space)))
    parts = dict.fromkeys(names, 0.25) | {"stem": 1.0}
    return LatencyTable(latency.processor_model(), EXECUTION, "1", parts, 1.1, 0.5, 0.02, 0.05)


def test_the_table_has_every_part_of_every_path() -> None:
    whole = LightTrackSpace(count_table(), DEFAULT_OUTPUTS)
    random = np.random.default_rng(2)
    known = set(latency._needed_parts(whole))
    for _ in range(200):
        assert set(latency.part_names(whole.draw(random))) <= known


def test_the_parts_of_a_network_compute_what_the_network_computes(space: LightTrackSpace) -> None:
    torch = pytest.importorskip("torch")
    from evalkit.trackers._lighttrack.search.space import path_string
    from evalkit.trackers._lighttrack.training.subnet_training import initial_network

    genes = next(latency._covering_genes(space))
    network = initial_network(path_string(genes), momentum=0.1).eval()
    parts = latency._split_network(network, genes)
    assert set(parts) == set(latency.part_names(genes))
    image, zf = torch.from_numpy(parts["stem"][1][0]), torch.from_numpy(parts["output 3"][1][1])
    with torch.no_grad():
        fused = parts["output 3"][0](network.features(image), zf)
        assert torch.equal(fused, network.fuse(image, zf))
        assert torch.equal(
            network.features.blocks[0](torch.zeros(1, 16, 8, 8)), parts["stem"][0][3](torch.zeros(1, 16, 8, 8))
        )


def test_a_latency_is_the_sum_on_the_line_plus_the_error(space: LightTrackSpace, table: LatencyTable) -> None:
    genes = space.draw(np.random.default_rng(1))
    total = 1.0 + 0.25 * (len(list(latency.part_names(genes))) - 1)
    assert table.estimate(genes) == pytest.approx(0.5 + 1.1 * total)
    assert table.latency(genes) == pytest.approx(1.05 * (0.5 + 1.1 * total))
    assert replace(space, latencies=table).costs(genes)["latency"] == table.latency(genes)
    assert "latency" not in space.costs(genes)


def test_the_line_and_its_errors_are_those_of_relative_least_squares() -> None:
    sums = np.array([2.0, 4.0, 6.0, 8.0])
    intercept, slope = latency.fit_line(sums, 0.5 + 1.25 * sums)
    assert (intercept, slope) == (pytest.approx(0.5), pytest.approx(1.25))
    assert latency.left_out_errors(sums, 0.5 + 1.25 * sums) == pytest.approx(np.zeros(4), abs=1e-12)
    bent = 0.5 + 1.25 * sums
    bent[3] *= 1.5
    errors = latency.left_out_errors(sums, bent)
    assert errors[3] == pytest.approx(1 / 3)
    assert errors[0] > 0


@pytest.mark.slow
def test_a_measured_table_survives_its_file(tmp_path: Path) -> None:
    few = LightTrackSpace(count_table(), ((2, 0),))
    execution = Execution(runtime="torch")
    measured = latency.measure_table(few, execution, subnets=4, rules=Rules("test", 1, 5, 0.0))
    assert set(measured.parts) == set(latency._needed_parts(few))
    assert all(value > 0 for value in measured.parts.values())
    assert len(measured.subnets) == 4
    assert measured.slope > 0
    again = latency.table_from_record(json.loads(json.dumps(measured.record())), where="x")
    assert again == measured
    latency.check_table(replace(again, error=0.01), execution, few, where="x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"machine": "abacus"}, "of another machine"),
        ({"execution": Execution(runtime="openvino")}, "of another runtime"),
        ({"execution": Execution(runtime="onnxruntime", threads=4)}, "of another threads"),
        ({"execution": Execution(runtime="onnxruntime", precision="int8")}, "of another precision"),
        ({"parts": {"stem": 1.0}}, "lacks 67 parts"),
        ({"error": 0.2}, r"too far .*20\.0% at the 90th percentile"),
    ],
)
def test_a_table_that_does_not_hold_here_is_rejected(
    space: LightTrackSpace, table: LatencyTable, change: dict[str, object], message: str
) -> None:
    latency.check_table(table, EXECUTION, space, where="x")
    with pytest.raises(EvalkitError, match=message):
        latency.check_table(replace(table, **change), EXECUTION, space, where="x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "record", [{}, {"parts": 3}, {"execution": {}}, {"execution": {"runtime": "torch"}, "parts": []}]
)
def test_a_damaged_table_is_named(record: dict[str, object]) -> None:
    with pytest.raises(EvalkitError, match=r"latency\.json: this is not a table of latencies"):
        latency.table_from_record(record, where="latency.json")


def test_a_runtime_that_is_not_there_is_rejected(tmp_path: Path) -> None:
    options = api.SearchOptions(tmp_path, within="lighttrack-m", limits=("latency=8ms",), runtime="abacus")
    with pytest.raises(EvalkitError, match="abacus"):
        api.search(options)


def test_a_search_with_a_limit_of_the_latency(
    tmp_path: Path, space: LightTrackSpace, table: LatencyTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiles = tile_bank.render_tiles(7, backgrounds=4, objects=12)
    monkeypatch.setattr(tile_bank, "render_tiles", lambda seed, **counts: tiles)
    timed: list[str] = []

    def measured(path: str, execution: Execution) -> float:
        timed.append(path)
        return 11.0 if len(timed) == 1 else 7.5

    monkeypatch.setattr(latency, "measure_network", measured)
    file = tmp_path / "latency.json"
    file.write_text(json.dumps(table.record()), encoding="utf-8")
    options = api.SearchOptions(
        tmp_path / "out", within="lighttrack-m", limits=("latency=10ms",), latency_table=file, evaluations=6,
        population=4, pairs=16, recalibration=16, final_recalibration=16, scenes=0, method="random",
    )  # fmt: skip
    result = api.search(options)
    evaluated = [json.loads(line) for line in (tmp_path / "out/ledger.jsonl").read_text().splitlines()]
    assert all(one["costs"]["latency"] <= 10 for one in evaluated if one["generation"] >= 0)
    assert any("its measured latency is 11" in note for note in result.notes)
    assert timed[0] not in {record["path"] for record in result.records if record["rank"] is not None}
    assert {record["latency_measured"] for record in result.records} == {7.5}
    stored = json.loads((tmp_path / "out/search.json").read_text())["identity"]
    assert stored["limits"] == {"latency": 10.0}
    count = len(timed)
    api.search(replace(options, resume=True))
    assert len(timed) == count, "a measured network is not measured again"


def test_a_limit_below_the_fastest_network_is_rejected(
    tmp_path: Path, table: LatencyTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare.latency, "measure_table", lambda space, execution: table)
    options = api.SearchOptions(tmp_path, within="lighttrack-m", limits=("latency=0.5ms",))
    with pytest.raises(EvalkitError, match=r"no architecture .* is within this limit.*its smallest latency"):
        api.search(options)
