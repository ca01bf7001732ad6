"""``evalkit init``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli.command import command


@command(name="init")
@click.option("--user", is_flag=True, help="Write the file of the user instead of one in this folder.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
def init_command(user: bool, force: bool) -> None:
    """Write a commented evalkit.toml.

    \b
    Examples:
      evalkit init
      evalkit init --user

    Writes: evalkit.toml in the working folder, which has priority over the user's.
    """
    from evalkit import config

    path: Path = config.create(user=user, force=force)
    click.echo(f"wrote {path}")
