"""Measure a supernet: does it track, does it rank, does a search in it beat chance, and is what it finds better?

    python benchmarks/supernet.py located --supernet supernet.safetensors
    python benchmarks/supernet.py ranks --supernet supernet.safetensors --output ranks --teacher mobilenetv2.pt
    python benchmarks/supernet.py chance --supernet supernet.safetensors --output chance --evaluations 200
    python benchmarks/supernet.py alone --path PATH --output alone --teacher mobilenetv2.pt
    python benchmarks/supernet.py alone --path PATH --output cut --supernet supernet.safetensors --distill lighttrack-m

``located``: the fraction of held-out pairs that random paths within the limits locate, after recalibration.
``ranks``: Kendall's tau, with a bootstrap interval over the paths, of the supernet's overlaps, of MACs and of
parameters against short trainings of each path alone; the tau between two seeds of these trainings is the highest to
expect. The paths are drawn evenly from four bands of MACs. Trainings that ``--output`` has already are not repeated.
``chance``: the hypervolume, on scenes that steered nothing, of the fronts of NSGA-II and of random search with equal
numbers of evaluations, for several seeds, and the interval of the mean difference over resampled scenes; searches that
are finished are not repeated. NSGA-II begins with the smallest paths, so it is also compared with random search whose
last evaluations are replaced by those.
``alone``: trains ``--path`` and LightTrack-Mobile alone by equal plans, with several seeds, and compares them on 48
scenes that neither training nor search uses. With ``--supernet`` both start from their networks in it. The weights are
in ``--output``; finished trainings are not repeated.

``--distill TRACKER`` trains alone by distillation from a trained tracker, without phases of imitation and settling.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from evalkit import api, checkpoints
from evalkit.metrics.resampling import resample
from evalkit.search.front import hypervolume, pareto_front, spread_over_costs
from evalkit.search.ledger import LEDGER, Evaluation, Ledger
from evalkit.search.options import FINAL, PAIRS
from evalkit.search.record import FRONT, RECORD
from evalkit.trackers._lighttrack.architecture import MOBILE
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.search.costs import count_table
from evalkit.trackers._lighttrack.search.fitness import (
    FINAL_SEED,
    Fitness,
    FitnessPlan,
    rendered_sequences,
    sequence_overlaps,
)
from evalkit.trackers._lighttrack.search.shared_weights import empty_network, load_shared_weights
from evalkit.trackers._lighttrack.search.space import OUTPUTS, LightTrackSpace, path_string
from evalkit.trackers._lighttrack.trained import load_distilled
from evalkit.trackers._lighttrack.training import bank_file, write_weights
from evalkit.trackers._lighttrack.training.loop import CHECKPOINT, run_training
from evalkit.trackers._lighttrack.training.plan import TrainingPlan
from evalkit.trackers._lighttrack.training.subnet_training import Training
from evalkit.trackers._lighttrack.training.teacher import load_teacher
from evalkit.trackers._lighttrack.training.validation import as_tracker, localization_rate
from evalkit.types import Sequence

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


def train_alone(path: str, seed: int, options: argparse.Namespace) -> LightTrack:
    """Train a path alone and return the mean of its weights; a finished training is not repeated."""
    folder = options.output / f"{path}-{seed}"
    file = folder / "weights.safetensors"
    if not file.exists():
        teacher = None if options.teacher is None else load_teacher(options.teacher)
        has_phases = teacher is not None and options.distill is None
        imitation, settling = (options.steps // 8, options.steps // 4) if has_phases else (0, 0)
        tracker = load_distilled(options.distill, None)
        start = start_of(path, options)
        plan = TrainingPlan(
            path, seed, options.steps, imitation, settling, workers=1, start="" if start is None else "cut",
            distilled="" if tracker is None else tracker.sha256,
        )  # fmt: skip
        used, _ = bank_file.load_or_build(options.output, 1, options.photographs, options.tiles).split()
        training = Training(plan, used, teacher, start=start, tracker=None if tracker is None else tracker.network)
        if (folder / CHECKPOINT).exists():
            training.restore(folder)
        run_training(training, folder)
        write_weights(training.average.state_dict(), file)
    network = empty_network(path).to_empty(device="cpu")
    checkpoints.fit(network, checkpoints.read_state(file), where=file)
    return network.eval().requires_grad_(False)


def start_of(path: str, options: argparse.Namespace) -> LightTrack | None:
    """Return the network of a path in the supernet that trainings alone start from, if there is one."""
    if options.part != "alone" or options.supernet is None:
        return None
    plan = FitnessPlan(final_recalibration=options.recalibration)
    with tempfile.TemporaryDirectory() as folder:
        return Fitness(load_shared_weights(options.supernet), plan, Path(folder)).cut(path, options.recalibration)


def overlaps_alone(path: str, seed: int, options: argparse.Namespace, fitness: Fitness) -> dict[str, float]:
    """Return the mean overlaps of a path trained alone, on held-out pairs and on the final scenes."""
    result = options.output / f"{path}-{seed}" / "overlap.json"
    if not result.exists():
        network = train_alone(path, seed, options)
        measured = {measure: fitness.measure_network(network, measure)[0] for measure in (PAIRS, FINAL)}
        result.write_text(json.dumps(measured), encoding="utf-8")
    overlaps: dict[str, float] = json.loads(result.read_text(encoding="utf-8"))
    print(f"alone: seed {seed}, pairs {overlaps[PAIRS]:.3f}, scenes {overlaps[FINAL]:.3f}  {path}", flush=True)
    return overlaps


def measure_ranks(options: argparse.Namespace, space: LightTrackSpace) -> None:
    options.output.mkdir(parents=True, exist_ok=True)
    # Weights that another supernet gave would be taken from a folder that was used before.
    folder = tempfile.TemporaryDirectory()
    fitness = Fitness(load_shared_weights(options.supernet), FitnessPlan(), Path(folder.name))
    paths = stratified_paths(space, options.paths)
    trained = [[overlaps_alone(path, seed, options, fitness) for path in paths] for seed in options.seeds]
    costs = [space.costs(space.genes(path)) for path in paths]
    found = [[fitness.measure(path, measure)[0] for path in paths] for measure in (PAIRS, FINAL)]
    for path, pairs, scenes in zip(paths, *found, strict=True):
        print(f"ranks: supernet, pairs {pairs:.3f}, scenes {scenes:.3f}  {path}")
    columns: dict[str, Iterable[float]] = {
        "supernet, pairs": found[0],
        "supernet, scenes": found[1],
        "MACs": [one["macs"] for one in costs],
        "parameters": [one["parameters"] for one in costs],
    }
    for measure in (FINAL, PAIRS):
        alone = np.array([[overlaps[measure] for overlaps in row] for row in trained])
        for name, values in columns.items():
            print(f"ranks: {name:16} against {measure} of trainings alone: tau {kendall(values, alone.mean(axis=0))}")
        for one, other in itertools.combinations(range(len(alone)), 2):
            seeds = f"seeds {options.seeds[one]} and {options.seeds[other]}"
            print(f"ranks: {measure} of trainings alone, {seeds}: tau {kendall(alone[one], alone[other])}")


def kendall(one: Iterable[float], other: Iterable[float]) -> str:
    """Return Kendall's tau-b with its 95 % bootstrap interval over the paths."""
    from scipy.stats import kendalltau

    pairs = np.array(list(zip(one, other, strict=True)))
    random = np.random.default_rng(0)
    drawn = [pairs[random.integers(len(pairs), size=len(pairs))] for _ in range(2000)]
    low, high = np.nanquantile([kendalltau(*rows.T).statistic for rows in drawn], [0.025, 0.975])
    return f"{kendalltau(*pairs.T).statistic:.3f} ({low:.3f} to {high:.3f})"


def measure_chance(options: argparse.Namespace, space: LightTrackSpace) -> None:
    fronts: dict[str, list[Front]] = {"nsga2": [], "random": []}
    for seed, method in itertools.product(options.seeds, fronts):
        folder = options.output / f"{method}-{seed}"
        if not (folder / FRONT).exists():
            chosen = api.SearchOptions(
                folder, supernet=options.supernet, outputs=tuple(f"{stage}{block}" for stage, block in space.outputs),
                limits=tuple(f"{name}={limit:.0f}" for name, limit in LIMITS.items()), method=method, seed=seed,
                evaluations=options.evaluations, population=options.population, pairs=options.pairs,
                final_recalibration=options.recalibration, front=options.front,
                resume=(folder / RECORD).exists(),
            )  # fmt: skip
            api.search(chosen)
        fronts[method].append(read_front(folder))
        print(f"chance: seed {seed}, {method}: hypervolume {volumes(fronts[method][-1:])[0]:.4f}", flush=True)
    control = [front_with_smallest(options.output / f"random-{seed}", seed, options, space) for seed in options.seeds]
    for name, others in (("random", fronts["random"]), ("random with the smallest paths", control)):
        weights = resample(len(others[0][0][1]))
        low, high = np.quantile(volumes(fronts["nsga2"], weights) - volumes(others, weights), [0.025, 0.975])
        difference = volumes(fronts["nsga2"])[0] - volumes(others)[0]
        print(f"chance: nsga2 above {name} by {difference:.4f} ({low:.4f} to {high:.4f} over resampled scenes)")


def front_with_smallest(folder: Path, seed: int, options: argparse.Namespace, space: LightTrackSpace) -> Front:
    """Return the front of a finished random search with the smallest paths in the place of its last ones."""
    plan = FitnessPlan(seed, options.pairs, final_recalibration=options.recalibration)
    fitness, ledger = Fitness(load_shared_weights(options.supernet), plan, folder), Ledger(folder / LEDGER)

    def evaluation(path: str, measure: str) -> Evaluation:
        return ledger.find(path, measure) or Evaluation(path, measure, *fitness.measure(path, measure))

    smallest = [path_string(genes) for genes in space.smallest()]
    drawn = [one.path for one in ledger if one.measure == PAIRS]
    paths = [*drawn[: options.evaluations - len(smallest)], *smallest]
    costs = {path: space.costs(space.genes(path))["macs"] / LIMITS["macs"] for path in paths}
    points = {path: (costs[path], evaluation(path, PAIRS).value) for path in paths}
    front = spread_over_costs(pareto_front(paths, points.__getitem__), options.front, costs.__getitem__)
    return [(costs[path], np.array(list(evaluation(path, FINAL).values.values()))) for path in front]


Front: TypeAlias = list[tuple[float, NDArray[np.float64]]]
"""Fraction of the limit of MACs, and overlaps of the final scenes, of each member."""


def read_front(folder: Path) -> Front:
    """Return the members of a finished search."""
    ledger = Ledger(folder / LEDGER)
    records = json.loads((folder / FRONT).read_text(encoding="utf-8"))["records"]
    final = [ledger.find(record["path"], FINAL) for record in records]
    members = [one for one in final if one is not None]
    return [(one.costs["macs"] / LIMITS["macs"], np.array(list(one.values.values()))) for one in members]


def volumes(fronts: list[Front], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Return the mean hypervolume of some fronts, for each row of weights of the scenes; all scenes once by default."""
    rows = np.ones((1, len(fronts[0][0][1]))) if weights is None else weights
    total = np.zeros(len(rows))
    for front in fronts:
        means = np.array([rows @ overlaps / rows.sum(axis=1) for _, overlaps in front])
        costs = [cost for cost, _ in front]
        total += [hypervolume(list(zip(costs, column, strict=True)), (1.0, 0.0)) for column in means.T]
    return total / len(fronts)


def compare_alone(options: argparse.Namespace, space: LightTrackSpace) -> None:
    options.output.mkdir(parents=True, exist_ok=True)
    scenes = rendered_sequences(FINAL_SEED + 1, 48, FitnessPlan().frames)
    found, mobile = (overlaps_of_seeds(path, scenes, options) for path in (options.path, MOBILE))
    scene_weights = resample(len(scenes))
    drawn = [
        np.einsum("ds,sn,dn->d", resample(len(rows), seed=number), rows, scene_weights) / rows.size
        for number, rows in enumerate((found, mobile), start=1)
    ]
    low, high = np.quantile(drawn[0] - drawn[1], [0.025, 0.975])
    costs = space.costs(space.genes(options.path))
    print(f"alone: {costs['macs'] / 1e6:.0f} M MACs, {costs['parameters'] / 1e6:.2f} M parameters, ", end="")
    print(f"{found.mean() - mobile.mean():+.3f} ({low:+.3f} to {high:+.3f} over resampled seeds and scenes)")


def overlaps_of_seeds(path: str, scenes: list[Sequence], options: argparse.Namespace) -> NDArray[np.float64]:
    """Return the overlaps of the trainings of a path, shape (seeds, scenes)."""
    rows = []
    for seed in options.seeds:
        rows.append(list(sequence_overlaps(as_tracker(train_alone(path, seed, options)), scenes, 0).values()))
        print(f"alone: seed {seed}, overlap {np.mean(rows[-1]):.3f}  {path}", flush=True)
    return np.array(rows)


PARTS: dict[str, Callable[[argparse.Namespace, LightTrackSpace], None]] = {
    "located": measure_located, "ranks": measure_ranks, "chance": measure_chance, "alone": compare_alone,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--supernet", type=Path, metavar="FILE", help="needed by all parts but alone")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder of the results of all parts but located")
    parser.add_argument("--outputs", default="30,31,32,33", metavar="20,33", help="blocks that give the features")
    parser.add_argument("--paths", type=int, metavar="N", help="20 for located, 12 for ranks")
    parser.add_argument("--recalibration", type=int, default=128, metavar="N")
    parser.add_argument("--steps", type=int, default=600, metavar="N", help="steps of each training of ranks and alone")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N", help="of trainings and searches"
    )
    parser.add_argument("--path", default=MOBILE, metavar="PATH", help="path string that alone compares with Mobile")
    parser.add_argument("--teacher", type=Path, metavar="FILE")
    parser.add_argument("--distill", metavar="TRACKER")
    parser.add_argument("--tiles", type=Path, metavar="FILE", help="bank of tiles of the trainings alone")
    parser.add_argument("--photographs", type=Path, nargs="*", default=[], metavar="DIR")
    parser.add_argument("--evaluations", type=int, default=200, metavar="N", help="of each search of chance")
    parser.add_argument("--population", type=int, default=40, metavar="N", help="of each search of chance")
    parser.add_argument("--front", type=int, default=8, metavar="N", help="members validated of each search of chance")
    parser.add_argument("--pairs", type=int, default=128, metavar="N", help="of each candidate of chance")
    options = parser.parse_args()
    options.paths = options.paths or {"located": 20}.get(options.part, 12)
    if options.part != "located" and options.output is None:
        parser.error("--output is needed")
    if options.part != "alone" and options.supernet is None:
        parser.error("--supernet is needed")
    torch.set_num_threads(1)
    named = set(options.outputs.split(","))
    outputs = tuple((stage, block) for stage, block in OUTPUTS if f"{stage}{block}" in named)
    PARTS[options.part](options, LightTrackSpace(count_table(), outputs))


if __name__ == "__main__":
    main()
