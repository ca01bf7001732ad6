"""``evalkit diff``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from evalkit.cli import options
from evalkit.cli.command import command


@command(name="diff")
@click.argument("run_a", type=options.FOLDER)
@click.argument("run_b", type=options.FOLDER)
@click.option("--tolerance", type=options.Number(0), default=0.0, show_default=True, metavar="PIXELS",
              help="Coordinates that differ by no more than this count as equal.")  # fmt: skip
@click.option("--exit-code", is_flag=True, help="Exit with 1 if the runs differ.")
@options.text_format
def diff_command(
    run_a: Path, run_b: Path, tolerance: float, exit_code: bool, text_format: Literal["table", "json"]
) -> int:
    """Compare two runs: the first frame that differs in each sequence, by how much, and other differences.

    A run is a folder of results, <results>/<BENCHMARK>/<label>. The two may be of two versions of a tracker, two
    runtimes or two machines.

    \b
    Examples:
      evalkit diff results/synthetic/lighttrack-m results/synthetic/lighttrack-m@onnxruntime
      evalkit diff old/OTB100/mine new/OTB100/mine --tolerance 0.01 --exit-code
    """
    from evalkit.cli.progress import working

    with working("comparing"):
        from evalkit import api

        found = api.diff(run_a, run_b, tolerance=tolerance)
    click.echo(api.render_diff(found, text_format))
    return 1 if exit_code and not found.same else 0
