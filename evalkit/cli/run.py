"""``evalkit run``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from evalkit.cli import completers, options


@click.command(name="run")
@click.option("--tracker", "trackers", multiple=True, required=True, metavar="NAME", shell_complete=completers.trackers,
              help="A registered name (`evalkit list trackers`) or path/to/file.py:Class; repeatable.")  # fmt: skip
@click.option("--dataset", "datasets", multiple=True, default=("synthetic",), show_default=True, metavar="NAME",
              shell_complete=completers.datasets,
              help="A registered name (`evalkit list datasets`); repeatable.")  # fmt: skip
@click.option("--sequences", type=options.Commas(), help="Only these; scores then say how many of how many.")
@click.option(
    "--protocol", metavar="P", shell_complete=completers.protocols, help="Another protocol than the benchmark's own."
)
@click.option("--repeat", type=options.Whole(1), metavar="N", help="Repetitions.  [default: the benchmark's]")
@click.option(
    "--seed", type=options.Whole(0), default=0, show_default=True, metavar="S", help="Of stochastic trackers."
)
@click.option(
    "--weights",
    type=options.FILE_OR_FOLDER,
    metavar="FILE",
    help="Checkpoint, or folder of them, instead of $EVALKIT_WEIGHTS, cache or bundled file.",
)
@click.option(
    "--runtime",
    default="torch",
    show_default=True,
    metavar="R",
    shell_complete=completers.runtimes,
    help="`evalkit list runtimes`.",
)
@options.network
@click.option("--set", "settings", type=options.Setting(), multiple=True, help="Override a hyperparameter; repeatable.")
@options.data
@options.results
@click.option("--name", metavar="LABEL", help="Label of the results instead of the tracker's name.")
@click.option("--force", is_flag=True, help="Forget what is there and redo it, also another run's results.")
@click.option("--jobs", type=options.Whole(1), metavar="N",
              help="Sequences at once.  [default: 1; 16 in lockstep; as many as a cluster has room for]")  # fmt: skip
@click.option("--timeout", type=options.Number(0, min_open=True), metavar="SECONDS",
              help="The most a sequence may take before it is stopped and counted as failed.")  # fmt: skip
@click.option("--shard", metavar="I/N", help="Only this share of the sequences; `evalkit merge` joins the results.")
@click.option("--engine", type=click.Choice(["local", "lockstep", "ray"]), default="local", show_default=True,
              help="Processes here; one process here, sequences in one batch; a Ray cluster.")  # fmt: skip
@click.option("--address", metavar="A", help="The Ray cluster's.  [default: $RAY_ADDRESS, else one is started here]")
@options.form("table", "json")
def command(
    trackers: tuple[str, ...],
    datasets: tuple[str, ...],
    sequences: list[str] | None,
    protocol: str | None,
    repeat: int | None,
    seed: int,
    weights: Path | None,
    runtime: str,
    precision: str,
    device: str,
    threads: int,
    settings: tuple[tuple[str, str], ...],
    data: Path | None,
    results: Path,
    name: str | None,
    force: bool,
    jobs: int | None,
    timeout: float | None,
    shard: str | None,
    engine: str,
    address: str | None,
    form: str,
) -> int:
    """Track a benchmark, store the trajectories, print the scores.

    What is stored already is kept: the same command continues an interrupted run.

    \b
    Examples:
      evalkit run --tracker mosse
      evalkit run --tracker lighttrack-m --dataset otb100 --data /data/OTB100
      evalkit run --tracker mine.py:MyTracker --dataset got10k-val --sequences GOT-10k_Val_000001

    Writes: <results>/<BENCHMARK>/<tracker>/ with the benchmark's own result files and run.json.
    """
    from evalkit.engine.threads import thread_environment

    # Before NumPy is loaded, which reads it once.
    os.environ.update(thread_environment(threads))
    from evalkit import api
    from evalkit.cli.output import kept_for_the_answer
    from evalkit.cli.progress import Progress

    with kept_for_the_answer(), Progress() as progress:
        report = api.run(
            trackers,
            datasets,
            data=data,
            results=results,
            weights=weights,
            runtime=runtime,
            precision=precision,
            device=device,
            threads=threads,
            protocol=protocol,
            sequences=sequences,
            repeat=repeat,
            seed=seed,
            settings=dict(settings),
            name=name,
            force=force,
            engine=engine,
            jobs=jobs,
            shard=shard,
            address=address,
            timeout=timeout,
            progress=progress,
        )
    click.echo(api.render(form, scores=report.scores, costs=report.costs, notices=report.notices))
    for failure in report.failures:
        where = f"{failure.unit.job.label} on {failure.unit.job.dataset}/{failure.unit.sequence}"
        click.echo(f"evalkit: {where} failed: {failure.error}\n  traceback: {failure.log}", err=True)
    if report.failures:
        count = len(report.failures)
        click.echo(
            f"evalkit: {count} failed; its scores are left out. The same command{' without --force' if force else ''} "
            "tries only these again", err=True,
        )  # fmt: skip
    return 1 if report.failures else 0
