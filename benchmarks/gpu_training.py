"""The part of ``benchmarks/gpu.py`` that measures training: pairs a second, loss curves, and a short training."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gpu_cases as cases
import numpy as np
import torch
from gpu_cases import Options, Row

from evalkit.trackers._lighttrack.architecture import MOBILE
from evalkit.trackers._lighttrack.training import validation
from evalkit.trackers._lighttrack.training.loop import computing_as_planned, run_training
from evalkit.trackers._lighttrack.training.pair_supply import PairRequest, PairsAhead
from evalkit.trackers._lighttrack.training.plan import TrainingPlan
from evalkit.trackers._lighttrack.training.step import StepMode, fetch_rows
from evalkit.trackers._lighttrack.training.step_graphs import WARMUP
from evalkit.trackers._lighttrack.training.subnet_training import Training
from evalkit.trackers._lighttrack.training.supernet_training import SupernetPlan, SupernetTraining
from evalkit.trackers._lighttrack.training.tile_bank import TileBank, render_tiles

_SIZES = (160, 256)
"""Sides of the search crop in a training, in pixels."""


def measure_training(options: Options) -> Iterator[Row]:
    """Measure the throughput of training in each mode and precision, compare loss curves, and train for a short time.

    The modes: ``plain`` makes the pairs of a step in front of it; ``queued`` makes them ahead, with the numbers of a
    step on the device; ``captured`` also replays the step as a CUDA graph.
    """
    device = torch.device(options.device)
    tiles = {"backgrounds": 4, "objects": 8} if options.small else {"backgrounds": 60, "objects": 300}
    used = render_tiles(1, **tiles).to(device)
    held_out = render_tiles(validation.HELD_OUT_SEED, **{name: -(-count // 4) for name, count in tiles.items()}).to(
        device
    )
    with computing_as_planned(device):
        for batch in [4] if options.small else [64, 128, 256]:
            yield _pairs_row(options, used, batch)
        rates = {}
        for mode, precision, batch, size in _cases(options):
            plan = _plan(batch, (size,), 1000, precision)
            create = partial(Training, plan, used, mode=_modes(options)[mode])
            row = _throughput(options, create, steps=30 if mode == "captured" else 10)
            rates[mode, precision, batch, size] = row["pairs_per_second"] or 0.0
            yield {"what": "throughput", "mode": mode, "precision": precision, "batch": batch, "size": size, **row}
        for batch in [6] if options.small else [48, 384]:
            supernet = SupernetPlan(batch=batch, sizes=(96 if options.small else 160,), precision="bf16")
            row = _throughput(options, partial(SupernetTraining, supernet, used))
            yield {"what": "supernet", "precision": "bf16", "batch": batch, "size": supernet.sizes[0], **row}
        yield _compare_curves(options, used)
    (_, precision, batch, _), rate = max(rates.items(), key=lambda pair: pair[1])
    steps = 2 if options.small else max(20, int(options.training_seconds * rate / batch))
    sizes = (96,) if options.small else _SIZES
    yield _train_briefly(_plan(batch, sizes, steps, precision), used, held_out, options)


def _modes(options: Options) -> dict[str, StepMode]:
    fastest = StepMode.of(torch.device(options.device))
    queued = replace(fastest, capture=None) if options.on_cuda else StepMode(on_device=True, ahead=2, block=4)
    return {"plain": StepMode(), "queued": queued, "captured": fastest}


def _cases(options: Options) -> list[tuple[str, str, int, int]]:
    """Return mode, precision, batch and size of the search crop of each measurement."""
    if options.small:
        return [("plain", "fp32", 4, 96), ("queued", "fp32", 4, 96), ("queued", "bf16", 4, 96)]
    small, large = _SIZES
    return [
        ("plain", "fp32", 64, small),
        *(
            (mode, precision, batch, small)
            for batch in (64, 128, 256)
            for mode, precision in (("queued", "fp32"), ("queued", "bf16"), ("captured", "fp32"), ("captured", "bf16"))
        ),
        *(("captured", "bf16", batch, large) for batch in (64, 128, 256)),
    ]


def _plan(batch: int, sizes: tuple[int, ...], steps: int, precision: str) -> TrainingPlan:
    return TrainingPlan(MOBILE, batch=batch, sizes=sizes, steps=steps, workers=1, precision=precision)


def _pairs_row(options: Options, bank: TileBank, batch: int) -> Row:
    """Measure how fast pairs are made, with nothing else to compute."""
    steps, size = (2, 96) if options.small else (20, _SIZES[0])
    ahead = PairsAhead(bank, lambda step: [PairRequest(batch, (1, step), size)], steps=steps + 3, depth=3)
    for step in range(3):
        ahead.take(step)
    with cases.synchronised(options.device) as elapsed:
        host = sum(one.seconds for step in range(3, 3 + steps) for one in ahead.take(step))
        seconds = elapsed()
    return {"what": "pairs alone", "batch": batch, "size": size, "pairs_per_second": steps * batch / seconds,
            "host_ms": 1e3 * host / steps}  # fmt: skip


def _throughput(options: Options, create: Callable[[], Any], steps: int = 10) -> Row:
    """Measure pairs a second; a batch that does not fit into the memory gives None."""
    gc.collect()
    if options.on_cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(options.device)
    steps = 1 if options.small else steps
    try:
        training = create()
        # A graph is captured in the step after the first WARMUP.
        fetch_rows([training.run_step() for _ in range(1 if options.small else WARMUP + 2)])
        with cases.synchronised(options.device) as elapsed:
            rows = fetch_rows([training.run_step() for _ in range(steps)])
            seconds = elapsed()
    except torch.OutOfMemoryError:
        return {"pairs_per_second": None, "step_ms": None, "queueing_ms": None, "memory_gib": None}
    memory = torch.cuda.max_memory_allocated(options.device) / 2**30 if options.on_cuda else None
    return {
        "pairs_per_second": steps * training.plan.batch / seconds, "step_ms": 1e3 * seconds / steps,
        "queueing_ms": 1e3 * float(np.mean([row["network_seconds"] for row in rows])), "memory_gib": memory,
    }  # fmt: skip


def _compare_curves(options: Options, bank: TileBank) -> Row:
    """Train the same plan in both precisions, and compare the mean losses of the last third."""
    steps, batch, size = (3, 4, 96) if options.small else (200, 64, _SIZES[0])
    means, rate = {}, 0.0
    for precision in ("fp32", "bf16"):
        training = Training(_plan(batch, (size,), steps, precision), bank)
        with cases.synchronised(options.device) as elapsed:
            rows = fetch_rows([training.run_step() for _ in range(steps)])
            rate = steps * batch / elapsed()
        means[precision] = float(np.mean([row["loss"] for row in rows[-(steps // 3) :]]))
    return {"what": "loss curves", "batch": batch, "size": size, "steps": steps, "pairs_per_second": rate,
            "loss_fp32": means["fp32"], "loss_bf16": means["bf16"],
            "difference": means["bf16"] / means["fp32"] - 1}  # fmt: skip


def _train_briefly(plan: TrainingPlan, used: TileBank, held_out: TileBank, options: Options) -> Row:
    training = Training(plan, used)
    with tempfile.TemporaryDirectory() as folder, cases.synchronised(options.device) as elapsed:
        run_training(training, Path(folder))
        seconds = elapsed()
    located = validation.localization_rate(
        training.average, held_out, pairs=16 if options.small else 512, size=plan.sizes[-1]
    )
    pairs = training.step * plan.batch
    return {
        "what": "short training", "precision": plan.precision, "batch": plan.batch, "size": plan.sizes[-1],
        "steps": training.step, "pairs": pairs, "seconds": seconds, "pairs_per_second": pairs / seconds,
        "located": located,
    }  # fmt: skip
