"""The supernet that comes with evalkit: its card, the paths that it has, and a search in it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from evalkit import checkpoints
from evalkit.cli import cli
from evalkit.trackers._lighttrack.architecture import MOBILE, parse_path_string
from evalkit.trackers._lighttrack.search.costs import count_table
from evalkit.trackers._lighttrack.search.fitness import PAIRS, Fitness, FitnessPlan
from evalkit.trackers._lighttrack.search.prepare import BUNDLED_SUPERNET
from evalkit.trackers._lighttrack.search.shared_weights import load_shared_weights
from evalkit.trackers._lighttrack.search.space import LightTrackSpace, path_string

FILE = checkpoints.bundle_directory() / BUNDLED_SUPERNET


def test_the_card_names_the_file() -> None:
    assert checkpoints.sha256(FILE) in FILE.with_suffix(".md").read_text(encoding="utf-8")


def test_random_paths_of_the_first_and_last_output_track_after_recalibration(tmp_path: Path) -> None:
    plan = FitnessPlan(pairs=64)
    fitness = Fitness(load_shared_weights(FILE), plan, tmp_path)
    random = np.random.default_rng(5)
    values = []
    for block in (0, 3):
        space = LightTrackSpace(count_table(), ((3, block),))
        drawn = (space.draw(random) for _ in range(1000))
        path = next(path_string(genes) for genes in drawn if space.costs(genes)["macs"] < 600e6)
        values.append(fitness.measure(path, PAIRS)[0])
    # Untrained weights have less than 0.1; 20 random paths had 0.63 to 0.74 of more pairs.
    assert min(values) > 0.5, values


def test_a_search_in_it_takes_the_outputs_that_it_has(tmp_path: Path) -> None:
    answer = CliRunner().invoke(cli, [
        "search", "--supernet", "bundled", "--limit", "macs=600M", "--output", str(tmp_path / "out"),
        "--evaluations", "4", "--population", "4", "--pairs", "16", "--recalibration", "16",
        "--final-recalibration", "16", "--scenes", "2", "--frames", "4", "--front", "2", "--least-layers", "2", "6",
    ])  # fmt: skip
    assert answer.exit_code == 0, answer.output
    ledger = (tmp_path / "out" / "ledger.jsonl").read_text(encoding="utf-8").splitlines()
    paths = [json.loads(line)["path"] for line in ledger]
    assert len({path for path in paths if path != MOBILE}) >= 4
    towers = [(len(one.cls.kernels), len(one.reg.kernels)) for one in map(parse_path_string, paths)]
    assert all(cls >= 2 and reg >= 6 for cls, reg in towers), towers
    assert {path.rpartition("_ops_")[2] for path in paths} <= {"30", "31", "32", "33"}
    front = json.loads((tmp_path / "out" / "front.json").read_text(encoding="utf-8"))["records"]
    assert all((tmp_path / "out" / record["weights"]).is_file() for record in front)
