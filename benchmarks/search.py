"""Measure a search in LightTrack's space: exactness of the costs, time per candidate, ledger, methods.

    python benchmarks/search.py [costs] [candidates] [ledger] [methods]

``costs`` compares the cost table with a count of 500 random networks. ``candidates`` gives the CPU seconds of a
candidate by pairs, by part. ``ledger`` measures appending and resuming 1,000 evaluations. ``methods`` compares NSGA-II
and the paper's loop with random search on a planted fitness over the real space with its real costs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from evalkit.factories import create_tracker
from evalkit.search.evolution import METHODS, Goal, create_method
from evalkit.search.front import hypervolume
from evalkit.search.ledger import Evaluation, Ledger
from evalkit.search.options import PAIRS
from evalkit.search.space import Genes
from evalkit.trackers._lighttrack.search.costs import count_table, counted_costs
from evalkit.trackers._lighttrack.search.fitness import Fitness, FitnessPlan
from evalkit.trackers._lighttrack.search.space import DEFAULT_OUTPUTS, OUTPUTS, LightTrackSpace, output_of, path_string
from evalkit.trackers._lighttrack.search.spreading import spread

LIMITS = {"macs": 600e6, "parameters": 2e6}


def timed(call: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def measure_costs(count: int = 500) -> None:
    seconds = timed(count_table)
    space = LightTrackSpace(count_table(), OUTPUTS)
    random = np.random.default_rng(0)
    drawn = [space.draw(random) for _ in range(count)]
    per_path = timed(lambda: [space.costs(genes) for genes in drawn]) / count
    wrong = sum(counted_costs(path_string(genes)) != space.costs(genes) for genes in drawn)
    outputs = len(set(map(output_of, drawn)))
    print(f"costs: {wrong} mismatches in {count} paths with {outputs} outputs; table {seconds:.1f} CPU s, ", end="")
    print(f"{per_path * 1e6:.1f} us per path")


def measure_candidates(count: int = 10) -> None:
    torch.set_num_threads(1)
    network = create_tracker("lighttrack-m").parts()[0].module.network
    space = LightTrackSpace(count_table(), tuple(one for one in OUTPUTS if one[0] == 3))
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        fitness = Fitness(spread(network), FitnessPlan(), Path(folder))
        first = timed(lambda: fitness.measure(path_string(space.draw(random)), PAIRS))
        cuts = measures = 0.0
        for _ in range(count):
            path = path_string(space.draw(random))
            cuts += timed(lambda path=path: fitness.shared.cut(path))  # type: ignore[misc]
            measures += timed(lambda path=path: fitness.measure(path, PAIRS))  # type: ignore[misc]
        recalibration = timed(lambda: fitness.cut(path_string(space.draw(random)), fitness.plan.recalibration))
    each = measures / count
    print(f"candidates: {each:.2f} CPU s by pairs ({120 / each:.0f} per minute of two cores); ", end="")
    print(f"cut {cuts / count:.3f}, recalibration about {recalibration:.2f}; first one with its pairs {first:.1f}")


def measure_ledger(count: int = 1000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.jsonl")
        costs = {"macs": 5e8, "macs:conv": 5e8, "macs:all": 5e8, "parameters": 2e6}
        lines = [Evaluation(f"path-{index}", PAIRS, 0.5, costs=costs) for index in range(count)]
        start = time.perf_counter()
        for line in lines:
            ledger.append(line)
        ledger.sync()
        appended = time.perf_counter() - start
        space = LightTrackSpace(count_table())
        read = timed(lambda: Ledger(ledger.path))
    replayed = timed(lambda: run_method("nsga2", 1, planted_fitness(space), Goal(space, LIMITS, "macs"), count))
    print(f"ledger: {appended / count * 1e3:.3f} ms per evaluation (wall); ", end="")
    print(f"resuming after {count}: {read:.2f} s to read, {replayed:.2f} s to replay")


def planted_fitness(space: LightTrackSpace) -> Callable[[Genes], float]:
    """Return a fitness with a random worth of every choice, which depends on the next gene as well."""
    random = np.random.default_rng(3)
    worth = [random.random(count) for count in space.choices]

    def fitness(genes: Genes) -> float:
        own = [values[gene] for values, gene in zip(worth, genes, strict=True)]
        following = [*own[1:], own[0]]
        return float(np.mean([a * (1 + 0.3 * b) for a, b in zip(own, following, strict=True)])) / 1.3

    return fitness


def run_method(
    name: str, seed: int, fitness: Callable[[Genes], float], goal: Goal, evaluations: int
) -> tuple[float, float]:
    """Return the hypervolume (MACs in millions) and the best fitness of a search."""
    method = create_method(name, goal, population=50, evaluations=evaluations, seed=seed)
    points: list[tuple[float, float]] = []
    while len(points) < evaluations:
        asked = method.ask()
        values = [fitness(genes) for genes in asked]
        points += [(goal.cost(genes) / 1e6, value) for genes, value in zip(asked, values, strict=True)]
        method.tell(values)
    return hypervolume(points, (LIMITS["macs"] / 1e6, 0.0)), max(value for _, value in points)


def measure_methods(evaluations: int = 500, seeds: int = 5) -> None:
    space = LightTrackSpace(count_table(), DEFAULT_OUTPUTS)
    goal, fitness = Goal(space, LIMITS, "macs"), planted_fitness(space)
    for name in METHODS:
        start = time.process_time()
        results = [run_method(name, seed, fitness, goal, evaluations) for seed in range(seeds)]
        each = (time.process_time() - start) / seeds / evaluations
        volumes, best = (", ".join(f"{value:.4g}" for value in values) for values in zip(*results, strict=True))
        print(f"methods: {name:7} hypervolume {volumes}; best {best}; {each * 1e3:.2f} ms per evaluation")


PARTS = {
    "costs": measure_costs, "candidates": measure_candidates, "ledger": measure_ledger, "methods": measure_methods,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", default=list(PARTS), help=", ".join(PARTS))
    for part in parser.parse_args().parts:
        PARTS[part]()


if __name__ == "__main__":
    main()
