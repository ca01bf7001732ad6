"""Train a small supernet in the folder given as argument, writing a checkpoint after every step; for tests."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from evalkit.trackers._lighttrack.search.shared_weights import write_shared_weights
from evalkit.trackers._lighttrack.search.supernet_file import SUPERNET
from evalkit.trackers._lighttrack.training import tile_bank
from evalkit.trackers._lighttrack.training.loop import CHECKPOINT, run_training
from evalkit.trackers._lighttrack.training.supernet_training import SupernetPlan, SupernetTraining

PLAN = SupernetPlan(steps=12, batch=4, sizes=(64,), warmup=2, sampling="sandwich", outputs=((2, 0),), settling=6)


def train(folder: Path) -> None:
    torch.set_num_threads(1)  # as for every supernet: sums of other numbers of threads have other last bits
    training = SupernetTraining(PLAN, tile_bank.render_tiles(7, backgrounds=2, objects=6))
    if (folder / CHECKPOINT).exists():
        training.restore(folder)
    run_training(training, folder, every=0.0)
    write_shared_weights(training.average, folder / SUPERNET)


if __name__ == "__main__":
    train(Path(sys.argv[1]))
