"""Preparation of a search in LightTrack's space: the space, the shared weights, and how paths are evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from evalkit import checkpoints, registry
from evalkit.errors import EvalkitError, listed
from evalkit.factories import open_dataset
from evalkit.io.atomic import write_json
from evalkit.io.json import load_strict_json
from evalkit.search.evaluating import EvaluationJob
from evalkit.search.options import BUNDLED, LATENCY, PAIRS, SCENES, SearchOptions
from evalkit.search.run import create_goal
from evalkit.search.space import Genes
from evalkit.trackers._lighttrack.architecture import MOBILE, parse_path_string
from evalkit.trackers._lighttrack.search import latency
from evalkit.trackers._lighttrack.search.costs import count_table, counted_costs
from evalkit.trackers._lighttrack.search.fitness import Fitness, FitnessPlan, load_or_render_banks
from evalkit.trackers._lighttrack.search.shared_weights import (
    SharedWeights,
    load_shared_weights,
    write_shared_weights,
)
from evalkit.trackers._lighttrack.search.space import (
    DEFAULT_OUTPUTS,
    LAYERS,
    OUTPUTS,
    LightTrackSpace,
    encode,
    output_of,
    path_string,
    tower_genes,
)
from evalkit.trackers._lighttrack.search.spreading import spread
from evalkit.trackers._lighttrack.search.supernet_file import train_supernet
from evalkit.trackers._lighttrack.trained import load_variant
from evalkit.types import Execution

BUNDLED_SUPERNET = "lighttrack-supernet.safetensors"
"""Name of the supernet that comes with evalkit, in the folder of its checkpoints."""
SPREAD = "spread.safetensors"
"""File with the weights of a tracker spread over the space, in the folder of a search."""
COSTS = "costs.json"
"""File with the table of costs, in the folder of a search."""
LATENCIES = "latency.json"
"""File with the table of latencies, in the folder of a search."""
MEASURED = "latency-measured.json"
"""File with the measured latencies of whole networks by path, in the folder of a search."""
RUNTIME = "onnxruntime"
"""Runtime that latencies are measured in by default."""
Report: TypeAlias = "Callable[[dict[str, float]], None]"
"""Called with the losses of every step of a training."""
_MODULE = "evalkit.trackers._lighttrack.search.prepare"


@dataclass(frozen=True)
class LightTrackSearch:
    """See ``evalkit.search.run.Prepared``."""

    space: LightTrackSpace
    job: EvaluationJob
    reference: str | None
    fitness: Fitness
    weights: Mapping[str, Any]

    def identity(self) -> Mapping[str, Any]:
        """Return the shared weights and the plan of the fitness, as JSON."""
        arguments = self.job.arguments
        return {
            "weights": dict(self.weights),
            "plan": dict(arguments["plan"]),
            "sequences": list(arguments["sequences"]) if arguments["sequences"] else None,
        }

    def write_inputs(self) -> None:
        """Write the table of costs, and render the tiles that the workers share.

        Raises:
            EvalkitError: A file cannot be written.
        """
        write_json(self.fitness.folder / COSTS, self.space.table.record())
        load_or_render_banks(self.fitness.folder, self.fitness.plan)

    def measured_costs(self, path: str) -> Mapping[str, float]:
        """Return the latency of a path's whole network, if latency is one of the costs; it is measured once."""
        table = self.space.latencies
        if table is None:
            return {}
        file = self.fitness.folder / MEASURED
        known: dict[str, float] = load_strict_json(file) if file.exists() else {}
        if path not in known:
            known[path] = latency.measure_network(path, table.execution)
            write_json(file, known)
        return {LATENCY: known[path]}

    def write_member(self, path: str, file: Path) -> None:
        """Write the weights of a path, and check its costs against a count of the network.

        Raises:
            EvalkitError: The file cannot be written.
        """
        check_costs(self.space, path)
        self.fitness.write_cut(path, file)

    def tracker(self, path: str) -> str:
        """Return the tracker name of a path."""
        return f"lighttrack:{path}"


def check_costs(space: LightTrackSpace, path: str) -> None:
    """Check that the table's costs of a path equal a count of its network.

    Raises:
        AssertionError: They differ; this is a defect.
    """
    counted, costs = counted_costs(path), space.costs(space.genes(path))
    if any(costs[name] != value for name, value in counted.items()):
        raise AssertionError(f"the cost table disagrees with the count of {path}: {costs}, {counted}")


def prepare(variant: str | None, options: SearchOptions, report: Report | None = None) -> LightTrackSearch:
    """Prepare a search; a supernet is trained first if there are no weights.

    Args:
        variant: Path string of the tracker in ``options.within``; None for LightTrack-Mobile, or if there is none.
        options: What is searched for.
        report: Called with the losses of every step of the supernet's training.

    Raises:
        EvalkitError: An option is invalid, a file is not what it should be, or weights have no such outputs.
    """
    _check_dataset(options)
    if options.supernet == Path(BUNDLED):
        options = replace(options, supernet=checkpoints.bundle_directory() / BUNDLED_SUPERNET)
    table = count_table()
    center = None if options.within is None else encode(parse_path_string(variant or MOBILE))
    outputs = _outputs(options, center)
    space = LightTrackSpace(table, outputs, center, options.radius, _least_layers(options, center))
    if options.uses_latency:
        space = replace(space, latencies=_latency_table(options, space))
    create_goal(space, options)  # raises what is wrong with the limits, before a supernet is trained
    file, weights = _shared_weights_file(variant, options, outputs, report)
    plan = FitnessPlan(
        options.seed, options.pairs, options.recalibration, options.final_recalibration, options.scenes,
        options.frames,
    )  # fmt: skip
    arguments: dict[str, Any] = {
        "weights": str(file.resolve()), "plan": asdict(plan), "folder": str(options.output.resolve()),
        "data": None if options.data is None else str(options.data.resolve()), "sequences": options.sequences,
    }  # fmt: skip
    job = EvaluationJob(
        _MODULE,
        arguments,
        Execution(device=options.device, threads=options.threads),
        files=("weights",),
        folders=("folder",),
    )
    fitness = create_evaluator(device=options.device, **arguments)
    _check_outputs(fitness.shared, space.outputs)
    return LightTrackSearch(space, job, None if center is None else path_string(center), fitness, weights)


def create_evaluator(
    *,
    device: str,
    weights: str,
    plan: Mapping[str, int],
    folder: str,
    data: str | None = None,
    sequences: tuple[str, ...] | None = None,
) -> Fitness:
    """Return the evaluator of a worker; arguments are those of ``EvaluationJob``."""
    from evalkit.runtimes.torch_execution import find_device

    return Fitness(
        load_shared_weights(Path(weights)), FitnessPlan(**plan), Path(folder),
        data=None if data is None else Path(data), sequences=sequences, device=find_device(device),
    )  # fmt: skip


def _latency_table(options: SearchOptions, space: LightTrackSpace) -> latency.LatencyTable:
    """Return the table in the folder of the search, which is measured or copied first if there is none.

    Raises:
        EvalkitError: The runtime is not installed, or a table is not of this machine, execution and space.
    """
    execution = Execution(
        runtime=registry.runtime.find(options.runtime or RUNTIME).name, precision=options.precision,
        threads=options.threads,
    )  # fmt: skip
    stored = options.output / LATENCIES
    file = stored if stored.exists() or options.latency_table is None else options.latency_table
    if file.exists():
        table = latency.table_from_record(load_strict_json(file), where=file)
    else:
        table = latency.measure_table(space, execution)
    latency.check_table(table, execution, space, where=file)
    write_json(stored, table.record())
    return table


def _outputs(options: SearchOptions, center: Genes | None) -> tuple[tuple[int, int], ...]:
    if options.outputs is None:
        if center is None:
            return DEFAULT_OUTPUTS if options.supernet is None else _outputs_of(options.supernet)
        stage, _ = output_of(center)
        return tuple(output for output in OUTPUTS if output[0] == stage)
    known = {f"{stage}{block}": (stage, block) for stage, block in OUTPUTS}
    unknown = [name for name in options.outputs if name not in known]
    if unknown:
        raise EvalkitError(
            "this is not a block that can give the features", where="--outputs", found=", ".join(unknown),
            expected=listed(list(known), most=12),
        )  # fmt: skip
    return tuple(known[name] for name in options.outputs)


def _outputs_of(supernet: Path) -> tuple[tuple[int, int], ...]:
    """Return the default outputs that a supernet has; all of them if it has none, so that the error names them."""
    shared = load_shared_weights(supernet)
    return tuple(output for output in DEFAULT_OUTPUTS if _has_output(shared, output)) or DEFAULT_OUTPUTS


def _has_output(shared: SharedWeights, output: tuple[int, int]) -> bool:
    try:
        _cut_smallest(shared, output)
    except EvalkitError:
        return False
    return True


def _cut_smallest(shared: SharedWeights, output: tuple[int, int]) -> None:
    (genes, *_) = LightTrackSpace(count_table(), (output,)).smallest()
    shared.cut(path_string(genes))


def _check_outputs(shared: SharedWeights, outputs: tuple[tuple[int, int], ...]) -> None:
    """Check that shared weights have all outputs of a search.

    Raises:
        EvalkitError: They lack an output, or they have none at all.
    """
    missing = [output for output in outputs if not _has_output(shared, output)]
    if not missing:
        return
    present = [output for output in OUTPUTS if _has_output(shared, output)]
    if not present:
        _cut_smallest(shared, missing[0])  # raises an error that names what is missing
    raise EvalkitError(
        "these shared weights have no subnets with these outputs", where=shared.where, found=_listed(missing),
        expected=_listed(present), hint="Choose others with --outputs",
    )  # fmt: skip


def _listed(outputs: Sequence[tuple[int, int]]) -> str:
    return listed([f"{stage}{block}" for stage, block in outputs], most=len(OUTPUTS))


def _least_layers(options: SearchOptions, center: Genes | None) -> tuple[int, int]:
    """Return the least number of layers of each branch: that of the tracker whose weights are spread, else the option.

    Without training, a branch does not work with fewer layers than it was trained with.

    Raises:
        EvalkitError: No branch has so many layers, or the tracker that the search stays near has fewer.
    """
    least = options.least_layers
    if not all(1 <= layers <= LAYERS for layers in least):
        raise EvalkitError(
            "no branch of the head has this number of layers", where="--least-layers",
            found=" ".join(map(str, least)), expected=f"two numbers from 1 to {LAYERS}",
        )  # fmt: skip
    if center is None:
        return least
    cls, reg = (branch[1] + 1 for branch in tower_genes(center))
    if least[0] > cls or least[1] > reg:
        raise EvalkitError(
            "the tracker in --within has fewer layers in its head", where="--least-layers",
            found=" ".join(map(str, least)), expected=f"at most {cls} {reg}",
        )  # fmt: skip
    return least if options.supernet is not None or options.training else (cls, reg)


def _shared_weights_file(
    variant: str | None, options: SearchOptions, outputs: tuple[tuple[int, int], ...], report: Report | None
) -> tuple[Path, dict[str, Any]]:
    """Return the file with the shared weights, and what identifies them."""
    if options.supernet is not None:
        return options.supernet, {"supernet": checkpoints.sha256(options.supernet)}
    if options.within is not None and not options.training:
        shared, source = _spread_weights(variant, options)
        write_shared_weights(shared, options.output / SPREAD)
        return options.output / SPREAD, source
    start, source = (None, {}) if options.within is None else _spread_weights(variant, options)
    file = train_supernet(
        options.output, options.training, outputs=outputs, seed=options.seed, device=options.device, start=start,
        start_hash=source.get("spread", ""), report=report,
    )  # fmt: skip
    return file, {"supernet": checkpoints.sha256(file)}


def _spread_weights(variant: str | None, options: SearchOptions) -> tuple[SharedWeights, dict[str, Any]]:
    trained = load_variant(variant, options.weights)
    return spread(trained.network), {"spread": trained.sha256}


def _check_dataset(options: SearchOptions) -> None:
    """Open the dataset of the fitness, so that a mistake shows before anything is measured or trained."""
    if options.fitness in (PAIRS, SCENES):
        return
    dataset = open_dataset(options.fitness, options.data)
    if "one_pass" not in dataset.protocols:
        raise EvalkitError(
            "fitness is the overlap of one-pass evaluation, which this dataset does not use", where="--fitness",
            found=dataset.name, expected="a dataset with the protocol one_pass",
        )  # fmt: skip
    for name in options.sequences or [one.name for one in dataset.sequences]:
        dataset.find(name).groundtruth  # noqa: B018 - raises what is wrong with it
