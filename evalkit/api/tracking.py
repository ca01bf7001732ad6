"""Track datasets and train networks."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from evalkit import registry, running
from evalkit.arguments import Names, Place, names, path, some
from evalkit.engine.track import Progress
from evalkit.errors import EvalkitError
from evalkit.running import RunOptions, RunReport
from evalkit.types import Execution


def run(
    trackers: Names,
    datasets: Names = "synthetic",
    *,
    data: Place | None = None,
    results: Place = "results",
    weights: Place | None = None,
    runtime: str = "torch",
    precision: str = "fp32",
    device: str = "cpu",
    threads: int = 1,
    protocol: str | None = None,
    sequences: Names | None = None,
    repeat: int | None = None,
    seed: int = 0,
    settings: Mapping[str, str] | None = None,
    name: str | None = None,
    force: bool = False,
    engine: str = "local",
    jobs: int | None = None,
    shard: str | None = None,
    address: str | None = None,
    timeout: float | None = None,
    progress: Progress | None = None,
) -> RunReport:
    """Track datasets, store the trajectories, and score what is complete.

    Results that are stored already are kept; the same call continues an interrupted one.

    Args:
        trackers: Registered names or ``path/to/file.py:Class``.
        datasets: Registered names or ``path/to/file.py:factory``.
        data: Folder of the datasets; ``$EVALKIT_DATA`` or the configuration file by default.
        results: Folder that receives ``<BENCHMARK>/<label>/...``.
        weights: Checkpoint, or a folder of checkpoints.
        runtime: Runtime of the network; see ``evalkit list runtimes``.
        precision: ``fp32``, ``tf32``, ``fp16``, ``bf16`` or ``int8``.
        device: ``cpu``, ``cuda:0``, ...; several, separated by commas, are used in turn by the jobs.
        threads: Threads of the runtime.
        protocol: Protocol to track under; the dataset's official one by default.
        sequences: Track only these; every score then says how many of how many it covers.
        repeat: Number of repetitions; by default what the dataset prescribes for a stochastic tracker, else 1.
        seed: Seed of stochastic trackers.
        settings: Hyperparameters that override the published ones.
        name: Label of the results instead of the tracker's name; for a single tracker.
        force: Delete existing results of these sequences, even another run's, and track again.
        engine: ``local``, ``lockstep`` or ``ray``; see ``evalkit.engine.plan.Plan``.
        jobs: Number of sequences tracked at the same time; by default what suits the engine.
        shard: ``I/N``: only every N-th sequence, beginning with number I; nothing is scored then.
        address: Address of the Ray cluster.
        timeout: Seconds that a sequence may take before it is stopped and counted as failed.
        progress: Called after each sequence and repetition with its outcome, its number and the total.

    Raises:
        EvalkitError: Something that was asked for does not exist or does not match; nothing stored is lost.
    """
    options = RunOptions(
        data=path(data), results=Path(results), weights=path(weights),
        execution=Execution(runtime, precision, device, threads), protocol=protocol, sequences=some(sequences),
        repeat=repeat, seed=seed, settings=dict(settings or {}), name=name, force=force, engine=engine, jobs=jobs,
        shard=shard, address=address, timeout=timeout,
    )  # fmt: skip
    return running.run(names(trackers), names(datasets), options, progress=progress)


def train(
    tracker: str,
    output: Place,
    *,
    resume: bool = False,
    photographs: Sequence[Place] = (),
    tiles: Place | None = None,
    only_tiles: bool = False,
    teacher: Place | None = None,
    weights: Place | None = None,
    distill: str | None = None,
    distill_weights: Place | None = None,
    imitation: int | None = None,
    settling: int | None = None,
    steps: int | None = None,
    batch: int | None = None,
    rate: float | None = None,
    grown: float | None = None,
    seed: int | None = None,
    precision: str | None = None,
    device: str = "cpu",
    validate: int = 8,
    report: Callable[[dict[str, float]], None] | None = None,
) -> Path:
    """Train a tracker's network by the recipe that its file registers as ``training``.

    Where None is the default, the recipe's own value is used (see ``evalkit train --help``).

    Args:
        tracker: E.g. ``lighttrack-m`` or ``lighttrack:<path string>``.
        output: Folder that receives checkpoints, curve and weights.
        resume: Continue from the checkpoint in ``output``.
        photographs: Folders of images that training pairs are cut from; without any, everything is rendered.
        tiles: Bank of tiles that another training built, instead of ``photographs``; by default a bank is built into
            ``output``.
        only_tiles: Build the bank of tiles into ``output``, to be carried to another machine, and do not train.
        teacher: Weights of the network that the backbone starts from and imitates.
        weights: Checkpoint of the tracker to start from, e.g. one of a search's front.
        distill: Name of a trained tracker whose outputs the network learns as well.
        distill_weights: Checkpoint of that tracker.
        imitation: Number of initial steps that imitate the teacher.
        settling: Number of steps after these with the backbone frozen.
        steps: Total number of steps.
        batch: Pairs per step.
        rate: Highest learning rate.
        grown: Fraction of the tracking phase after which search crops have their full size.
        seed: Seed of weights and pairs.
        precision: ``fp32`` or ``bf16``, for the network's convolutions and matrix products.
        device: ``cpu``, ``cuda:0``, ...
        validate: Number of held-out rendered scenes that are tracked at the end; 0 for none.
        report: Called with the losses of every step by name; on CUDA, for a block of steps at a time.

    Returns:
        The weights file; with ``only_tiles`` the bank.

    Raises:
        UnknownName: There is no such tracker.
        EvalkitError: There is no recipe for the tracker; ``output`` holds another training; a file is not what it
            should be.
    """
    entry, variant = registry.tracker.find_variant(tracker)
    if entry.training is None:
        known = ", ".join(one.name for one in registry.tracker.entries() if one.training is not None)
        raise EvalkitError("evalkit has no training recipe for this tracker", where=tracker, expected=known)
    plan = {
        "imitation": imitation, "settling": settling, "steps": steps, "batch": batch, "rate": rate, "grown": grown,
        "seed": seed, "precision": precision,
    }  # fmt: skip
    written: Path = importlib.import_module(entry.training).train(
        variant, Path(output), resume=resume, photographs=tuple(map(Path, photographs)), tiles=path(tiles),
        only_tiles=only_tiles, teacher=path(teacher), weights=path(weights), distill=distill,
        distill_weights=path(distill_weights), device=device, validate=validate, report=report,
        **{name: value for name, value in plan.items() if value is not None},
    )  # fmt: skip
    return written
