"""Measure a supernet: does it track, does it rank, and does a search in it beat chance?

    python benchmarks/supernet.py located --supernet supernet.safetensors
    python benchmarks/supernet.py ranks --supernet supernet.safetensors --output ranks --teacher mobilenetv2.pt
    python benchmarks/supernet.py chance --supernet supernet.safetensors --output chance --evaluations 200

``located``: the fraction of held-out pairs that random paths within the limits locate, after recalibration.
``ranks``: Kendall's tau, with a bootstrap interval over the paths, of the supernet's overlaps, of MACs and of
parameters against short trainings of each path alone; the tau between two seeds of these trainings is the highest to
expect. The paths are drawn evenly from four bands of MACs. Trainings that ``--output`` has already are not repeated.
``chance``: the hypervolume, on scenes that steered nothing, of the fronts of NSGA-II and of random search with equal
numbers of evaluations, for three seeds; searches that are finished are not repeated.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from evalkit import api
from evalkit.search.front import hypervolume
from evalkit.search.options import FINAL, PAIRS
from evalkit.search.record import FRONT
from evalkit.trackers._lighttrack.search.costs import count_table
from evalkit.trackers._lighttrack.search.fitness import Fitness, FitnessPlan
from evalkit.trackers._lighttrack.search.shared_weights import load_shared_weights
from evalkit.trackers._lighttrack.search.space import OUTPUTS, LightTrackSpace, path_string
from evalkit.trackers._lighttrack.training import bank_file
from evalkit.trackers._lighttrack.training.loop import CHECKPOINT, Training, run_training
from evalkit.trackers._lighttrack.training.plan import TrainingPlan
from evalkit.trackers._lighttrack.training.teacher import load_teacher
from evalkit.trackers._lighttrack.training.validation import localization_rate

LIMITS = {"macs": 600e6, "parameters": 2e6}


def random_paths(space: LightTrackSpace, count: int, low: float = 0.0, high: float = LIMITS["macs"]) -> list[str]:
    """Return random paths within the limits, with MACs from ``low`` to ``high``; equal arguments give equal paths."""
    random = np.random.default_rng(int(low) + 7)
    found: dict[str, None] = {}
    while len(found) < count:
        genes = space.draw(random)
        costs = space.costs(genes)
        if low <= costs["macs"] <= high and costs["parameters"] <= LIMITS["parameters"]:
            found[path_string(genes)] = None
    return list(found)


def measure_located(options: argparse.Namespace, space: LightTrackSpace) -> None:
    plan = FitnessPlan(final_recalibration=options.recalibration)
    with tempfile.TemporaryDirectory() as folder:
        fitness = Fitness(load_shared_weights(options.supernet), plan, Path(folder))
        rates = []
        for path in random_paths(space, options.paths):
            network = fitness.cut(path, options.recalibration)
            rate = localization_rate(network, fitness.banks.held_out)
            overlap, _ = fitness.measure_network(network, PAIRS)
            rates.append(rate)
            print(f"located: {rate:.3f}, overlap {overlap:.3f}  {path}", flush=True)
    print(f"located: {len(rates)} paths, least {min(rates):.3f}, mean {np.mean(rates):.3f}")


def stratified_paths(space: LightTrackSpace, count: int) -> list[str]:
    """Return random paths, equally many in each of four bands of MACs between the quartiles of random paths."""
    random = np.random.default_rng(11)
    costs = [space.costs(space.draw(random))["macs"] for _ in range(4000)]
    edges = np.quantile([one for one in costs if one <= LIMITS["macs"]], [0, 0.25, 0.5, 0.75, 1])
    bands = itertools.pairwise(edges)
    return [path for low, high in bands for path in random_paths(space, count // 4, low, high)]


def train_alone(path: str, seed: int, options: argparse.Namespace, fitness: Fitness) -> float:
    """Train a path alone and return its mean overlap on the final scenes; a finished training is not repeated."""
    folder = options.output / f"{path}-{seed}"
    result = folder / "overlap.json"
    if not result.exists():
        teacher = None if options.teacher is None else load_teacher(options.teacher)
        phases = (0, 0) if teacher is None else (options.steps // 8, options.steps // 4)
        plan = TrainingPlan(path, seed, options.steps, *phases, workers=1)
        used, _ = bank_file.load_or_build(options.output, 1, options.photographs).split()
        training = Training(plan, used, teacher)
        if (folder / CHECKPOINT).exists():
            training.restore(folder)
        run_training(training, folder)
        value, _ = fitness.measure_network(training.average.eval(), FINAL)
        result.write_text(json.dumps(value), encoding="utf-8")
    return float(json.loads(result.read_text(encoding="utf-8")))


def measure_ranks(options: argparse.Namespace, space: LightTrackSpace) -> None:
    options.output.mkdir(parents=True, exist_ok=True)
    fitness = Fitness(load_shared_weights(options.supernet), FitnessPlan(), options.output)
    paths = stratified_paths(space, options.paths)
    alone = np.array([[train_alone(path, seed, options, fitness) for seed in (1, 2)] for path in paths])
    costs = [space.costs(space.genes(path)) for path in paths]
    columns: dict[str, Sequence[float]] = {
        "supernet, pairs": [fitness.measure(path, PAIRS)[0] for path in paths],
        "supernet, scenes": [fitness.measure(path, FINAL)[0] for path in paths],
        "MACs": [one["macs"] for one in costs],
        "parameters": [one["parameters"] for one in costs],
    }
    for name, values in columns.items():
        print(f"ranks: {name:16} tau {kendall(values, alone.mean(axis=1))}")
    print(f"ranks: seed 2 against 1 tau {kendall(alone[:, 0], alone[:, 1])}")


def kendall(one: Sequence[float], other: Sequence[float]) -> str:
    """Return Kendall's tau-b with its 95 % bootstrap interval over the paths."""
    from scipy.stats import kendalltau

    pairs = np.stack([np.asarray(one), np.asarray(other)], axis=1)
    random = np.random.default_rng(0)
    drawn = [pairs[random.integers(len(pairs), size=len(pairs))] for _ in range(2000)]
    low, high = np.nanquantile([kendalltau(*rows.T).statistic for rows in drawn], [0.025, 0.975])
    return f"{kendalltau(*pairs.T).statistic:.3f} ({low:.3f} to {high:.3f})"


def measure_chance(options: argparse.Namespace, space: LightTrackSpace) -> None:
    for seed in (1, 2, 3):
        volumes = {}
        for method in ("nsga2", "random"):
            folder = options.output / f"{method}-{seed}"
            chosen = api.SearchOptions(
                folder, supernet=options.supernet, outputs=tuple(f"{stage}{block}" for stage, block in space.outputs),
                limits=tuple(f"{name}={limit:.0f}" for name, limit in LIMITS.items()), method=method, seed=seed,
                evaluations=options.evaluations, resume=(folder / "search.json").exists(),
            )  # fmt: skip
            records = json.loads((folder / FRONT).read_text())["records"] if (folder / FRONT).exists() else None
            records = records or api.search(chosen).records
            points = [(record["macs"] / LIMITS["macs"], record["value"]) for record in records]
            volumes[method] = hypervolume(points, (1.0, 0.0))
        difference = volumes["nsga2"] - volumes["random"]
        print(f"chance: seed {seed}, nsga2 {volumes['nsga2']:.4f}, random {volumes['random']:.4f}, {difference:+.4f}")


PARTS: dict[str, Callable[[argparse.Namespace, LightTrackSpace], None]] = {
    "located": measure_located, "ranks": measure_ranks, "chance": measure_chance,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--supernet", type=Path, required=True, metavar="FILE")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder of the results of ranks and chance")
    parser.add_argument("--outputs", default="30,31,32,33", metavar="20,33", help="blocks that give the features")
    parser.add_argument("--paths", type=int, metavar="N", help="20 for located, 12 for ranks")
    parser.add_argument("--recalibration", type=int, default=128, metavar="N")
    parser.add_argument("--steps", type=int, default=600, metavar="N", help="steps of each training of ranks")
    parser.add_argument("--teacher", type=Path, metavar="FILE")
    parser.add_argument("--photographs", type=Path, nargs="*", default=[], metavar="DIR")
    parser.add_argument("--evaluations", type=int, default=200, metavar="N")
    options = parser.parse_args()
    options.paths = options.paths or {"located": 20}.get(options.part, 12)
    if options.part != "located" and options.output is None:
        parser.error("--output is needed")
    torch.set_num_threads(1)
    named = set(options.outputs.split(","))
    outputs = tuple((stage, block) for stage, block in OUTPUTS if f"{stage}{block}" in named)
    PARTS[options.part](options, LightTrackSpace(count_table(), outputs))


if __name__ == "__main__":
    main()
