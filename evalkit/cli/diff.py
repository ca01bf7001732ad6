"""``evalkit diff``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from evalkit.cli import options


@click.command(name="diff")
@click.argument("run_a", type=options.FOLDER)
@click.argument("run_b", type=options.FOLDER)
@click.option("--tolerance", type=options.Number(0), default=0.0, show_default=True, metavar="PIXELS",
              help="Coordinates that differ by no more count as equal.")  # fmt: skip
@click.option("--exit-code", is_flag=True, help="Exit with 1 where the runs part.")
@options.text_format("table", "json")
def diff_command(
    run_a: Path, run_b: Path, tolerance: float, exit_code: bool, text_format: Literal["table", "json"]
) -> int:
    """First frame where two runs part, per sequence, how far, and what else differs between them.

    A run is a folder of results, <results>/<BENCHMARK>/<tracker>: of two versions, two runtimes or two machines.

    \b
    Examples:
      evalkit diff results/synthetic/lighttrack-m results/synthetic/lighttrack-m@onnxruntime
      evalkit diff old/OTB100/mine new/OTB100/mine --tolerance 0.01 --exit-code
    """
    from evalkit import api

    divergence = api.diff(run_a, run_b, tolerance=tolerance)
    click.echo(api.render_diff(divergence, text_format))
    return 1 if exit_code and not divergence.same else 0
