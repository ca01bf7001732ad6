"""``evalkit regress``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import click

from evalkit.cli import options
from evalkit.cli.command import command


@command(name="regress")
@click.argument("suite", type=options.FILE)
@click.option("--baseline", type=options.FILE, help="Baseline file.  [default: the one that the suite names]")
@click.option("--update", is_flag=True, help="Replace the baseline by the new results; needs --reason.")
@click.option("--reason", metavar="TEXT", help="Reason of the update, kept in the baseline's history.")
@click.option("--strict", is_flag=True, help="Treat inconclusive as a regression: exit with 1 instead of 3.")
@options.data
@options.results
@click.option(
    "--jobs", type=options.Whole(1), metavar="N", help="Number of sequences tracked at the same time.  [default: 1]"
)
@click.option(
    "--timeout",
    type=options.Number(0, min_open=True),
    metavar="SECONDS",
    help="Time limit for each sequence; a sequence that exceeds it is stopped and counted as failed.",
)
@click.option("--junit", type=options.FILE, help="Also write the report as JUnit XML to this file.")
@click.option(
    "--markdown",
    type=options.FILE,
    help="Also write the report as Markdown to this file.  [default: append it to $GITHUB_STEP_SUMMARY if set]",
)
@options.text_format
def regress_command(
    suite: Path,
    baseline: Path | None,
    update: bool,
    reason: str | None,
    strict: bool,
    data: Path | None,
    results: Path,
    jobs: int | None,
    timeout: float | None,
    junit: Path | None,
    markdown: Path | None,
    text_format: Literal["table", "json"],
) -> int:
    """Run a suite and compare the results with its baseline: did a change make a tracker worse?

    There are gates on the checkpoint, MACs and parameters, boxes to the last bit, accuracy, and CPU time. Each one
    passes, fails or is inconclusive. Results that the present code stored before are used and not tracked again.

    \b
    Examples:
      evalkit regress suite.toml --update --reason "first baseline"
      evalkit regress suite.toml
      evalkit regress suite.toml --jobs 4 --timeout 600
      evalkit regress suite.toml --junit regress.xml --strict

    Writes: <results>/regress/<BENCHMARK>/<label>/, and the baseline with --update.

    Exit codes: 0 pass, 1 regression, 2 invalid request or data, 3 inconclusive.
    """
    if reason is not None and not update:
        raise click.UsageError("--reason says why the baseline changes: it goes with --update.")
    from evalkit.engine.threads import thread_environment

    # Before NumPy is loaded, which reads it once: the same last bits as of `evalkit run` and of worker processes.
    os.environ.update(thread_environment(1))
    from evalkit.cli.progress import show_outcomes, working
    from evalkit.cli.tables import terminal_style

    with working("loading") as display:
        from evalkit import api

        report = api.regress(
            suite, baseline=baseline, data=data, results=results, jobs=jobs, timeout=timeout, update=update,
            reason=reason, progress=show_outcomes(display),
        )  # fmt: skip
    width = terminal_style().get("width")
    click.echo(api.render_regression(report, text_format, strict=strict, junit=junit, markdown=markdown, width=width))
    return report.exit_code(strict=strict)
