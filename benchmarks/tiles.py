"""Measure how long a bank of tiles takes to build, write and read, and its size.

    python benchmarks/tiles.py [--photographs DIR ...] [--seed 1]

Times are CPU seconds of all threads, which other load changes little; more cores shorten the wall time of all steps
but rendering.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import cv2
import torch

from evalkit.trackers._lighttrack.training import bank_file, tile_bank

T = TypeVar("T")


def timed(step: str, function: Callable[[], T]) -> T:
    """Print the CPU seconds of a step and return its result."""
    start = time.process_time()
    result = function()
    print(f"  {step:<28}{time.process_time() - start:7.2f} s")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, nargs="*", default=[], metavar="DIR")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    banks = [timed("render", lambda: tile_bank.render_tiles(options.seed))]
    if options.photographs:
        banks.append(timed("cut from photographs", lambda: tile_bank.cut_tiles(options.photographs, options.seed)))
    bank = tile_bank.join_banks(banks)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bank.zip"
        timed("write", lambda: bank_file.write_bank(file, bank))
        read = timed("read", lambda: bank_file.read_bank(file))
        size = file.stat().st_size
    tensors = sum(tensor.nbytes for tensor in vars(bank).values())
    error = (bank.backgrounds.float() - read.backgrounds.float()).square().mean()
    print(f"  {len(bank.backgrounds)} backgrounds, {len(bank.objects)} objects: {size / 1e6:.1f} MB, as tensors "
          f"{tensors / 1e6:.0f} MB; backgrounds agree to {10 * torch.log10(255**2 / error):.1f} dB")  # fmt: skip


if __name__ == "__main__":
    main()
