"""``evalkit list``."""

from __future__ import annotations

import click

from evalkit.cli import options
from evalkit.cli.command import command

KINDS = ("trackers", "datasets", "metrics", "profiles", "protocols", "runtimes", "layouts", "reports")
"""As ``evalkit.api.KINDS``, without its imports."""


@command(name="list")
@click.argument("kind", type=click.Choice(KINDS))
@options.text_format
def list_command(kind: str, text_format: str) -> None:
    """List the registered trackers, datasets, metrics, profiles, protocols, runtimes, layouts or reports.

    \b
    Examples:
      evalkit list trackers
      evalkit list datasets --format json
    """
    from evalkit import api

    rows = api.listing(kind)
    if text_format == "json":
        click.echo(api.render("json", rows=rows))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        click.echo(f"{row['name']:<{width}}  {row['summary']}")
