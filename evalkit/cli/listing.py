"""``evalkit list``."""

from __future__ import annotations

import click

from evalkit.cli import options


@click.command(name="list")
@click.argument("kind", type=click.Choice(["trackers", "datasets", "metrics", "reports", "runtimes"]))
@options.form("table", "json")
def command(kind: str, form: str) -> None:
    """What there is: trackers, datasets, metrics, reports, runtimes.

    \b
    Examples:
      evalkit list trackers
      evalkit list datasets --format json
    """
    from evalkit import api

    rows = api.listing(kind)
    if form == "json":
        click.echo(api.render("json", rows=rows))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        click.echo(f"{row['name']:<{width}}  {row['summary']}")
