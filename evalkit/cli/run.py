"""``evalkit run``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli import options
from evalkit.cli.command import command

if TYPE_CHECKING:
    from evalkit.running import RunReport


@command(name="run")
@options.trackers
@options.datasets_to_run
@options.sequences
@options.protocol
@click.option(
    "--repeat",
    type=options.Whole(1),
    metavar="N",
    help="Number of repetitions.  [default: the number that the dataset prescribes]",
)
@click.option(
    "--seed", type=options.Whole(0), default=0, show_default=True, metavar="S", help="Seed for stochastic trackers."
)
@options.weights
@options.runtime
@options.network
@options.settings
@options.data
@options.results
@click.option("--name", metavar="LABEL", help="Label of the results instead of the tracker's name.")
@click.option("--force", is_flag=True, help="Delete existing results, even another run's, and track again.")
@click.option(
    "--jobs",
    type=options.Whole(1),
    metavar="N",
    help="Number of sequences tracked at the same time.  [default: 1; 16 in lockstep; the capacity of the cluster]",
)
@click.option(
    "--timeout",
    type=options.Number(0, min_open=True),
    metavar="SECONDS",
    help="Time limit for each sequence; a sequence that exceeds it is stopped and counted as failed.",
)
@click.option(
    "--shard", metavar="I/N", help="Track only part I of N of the sequences; `evalkit merge` joins the results."
)
@click.option(
    "--engine",
    type=click.Choice(["local", "lockstep", "ray"]),
    default="local",
    show_default=True,
    help="local: processes on this machine; lockstep: sequences in one batch in one process; ray: a Ray cluster.",
)
@click.option(
    "--address",
    metavar="A",
    help="Address of the Ray cluster.  [default: $RAY_ADDRESS, else a new one on this machine]",
)
@options.number_format
def run_command(trackers: tuple[str, ...], datasets: tuple[str, ...], text_format: str, **chosen: Any) -> int:
    """Track datasets, store the trajectories, print the scores.

    Results that are stored already are kept: the same command continues an interrupted run.

    \b
    Examples:
      evalkit run --tracker mosse
      evalkit run --tracker lighttrack-m --dataset otb100 --data /data/OTB100
      evalkit run --tracker mine.py:MyTracker --dataset got10k-val --sequences GOT-10k_Val_000001

    Writes: <results>/<BENCHMARK>/<label>/ with the result files in the benchmark's own layout, and run.json.
    """
    from evalkit.engine.threads import thread_environment

    # NumPy reads these once, when it is imported.
    os.environ.update(thread_environment(chosen["threads"]))
    from evalkit.cli.progress import show_outcomes, working
    from evalkit.cli.tables import print_numbers

    chosen["settings"] = dict(chosen["settings"])
    with working("loading") as display:
        from evalkit import api

        report = api.run(trackers, datasets, progress=show_outcomes(display), **chosen)
    print_numbers(text_format, scores=report.scores, costs=report.costs, notices=report.notices)
    _report_failures(report, force=chosen["force"])
    return 1 if report.failures else 0


def _report_failures(report: RunReport, *, force: bool) -> None:
    for failure in report.failures:
        where = f"{failure.unit.job.label} on {failure.unit.job.dataset}/{failure.unit.sequence}"
        click.echo(f"evalkit: {where} failed: {failure.error}\n  traceback: {failure.log}", err=True)
    if report.failures:
        click.echo(
            f"evalkit: {len(report.failures)} failed; its scores are left out. The same command"
            f"{' without --force' if force else ''} tries only these again", err=True,
        )  # fmt: skip
