"""``evalkit init``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="init")
@click.option("--user", is_flag=True, help="Write the user's file instead of one in this folder.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def command(user: bool, force: bool) -> None:
    """Write a commented evalkit.toml.

    \b
    Examples:
      evalkit init
      evalkit init --user

    Writes: evalkit.toml in the working folder, which wins over the user's own.
    """
    from evalkit import config

    path: Path = config.create(user=user, force=force)
    click.echo(f"wrote {path}")
