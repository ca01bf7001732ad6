"""``evalkit regress``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from evalkit.cli import options


@click.command(name="regress")
@click.argument("suite", type=options.FILE)
@click.option("--baseline", type=options.FILE, help="Instead of the file that the suite names.")
@click.option("--update", is_flag=True, help="Replace the baseline by what comes out; needs --reason.")
@click.option("--reason", metavar="TEXT", help="Why the numbers change; kept in the baseline's history.")
@click.option("--strict", is_flag=True, help="Inconclusive counts as a regression: exit code 1 instead of 3.")
@options.data
@options.results
@click.option("--junit", type=options.FILE, help="Also write a JUnit XML file.")
@click.option("--markdown", type=options.FILE,
              help="Also write a Markdown summary.  [default: $GITHUB_STEP_SUMMARY where set]")  # fmt: skip
@options.text_format("table", "json")
def regress_command(
    suite: Path,
    baseline: Path | None,
    update: bool,
    reason: str | None,
    strict: bool,
    data: Path | None,
    results: Path,
    junit: Path | None,
    markdown: Path | None,
    text_format: Literal["table", "json"],
) -> int:
    """Did a change make the tracker worse? Run a suite and compare it with its baseline.

    Gates: checkpoint, MACs and parameters, boxes to the last bit, accuracy, CPU time. Each passes, fails or is
    inconclusive; what this very code tracked before is not tracked again.

    \b
    Examples:
      evalkit regress suite.toml --update --reason "first baseline"
      evalkit regress suite.toml
      evalkit regress suite.toml --junit regress.xml --strict

    Writes: <results>/regress/<BENCHMARK>/<tracker>/, and the baseline with --update.

    Exit codes: 0 pass, 1 regression, 2 usage or data error, 3 inconclusive.
    """
    if reason is not None and not update:
        raise click.UsageError("--reason says why the baseline changes: it goes with --update.")
    from evalkit import api
    from evalkit.cli.output import stdout_to_stderr
    from evalkit.cli.progress import Progress

    with stdout_to_stderr(), Progress() as progress:
        report = api.regress(
            suite, baseline=baseline, data=data, results=results, update=update, reason=reason, progress=progress
        )
    click.echo(api.render_regression(report, text_format, strict=strict, junit=junit, markdown=markdown))
    return report.exit_code(strict=strict)
