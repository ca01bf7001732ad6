"""``evalkit weights``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli import completers, options
from evalkit.cli.command import Group


@click.group(name="weights", cls=Group)
def weights_command() -> None:
    """List, fetch and verify checkpoints."""


@weights_command.command(name="list")
@options.text_format
def list_(text_format: str) -> None:
    """List the published checkpoints: where each comes from, and whether it is on this machine.

    \b
    Examples:
      evalkit weights list
      evalkit weights list --format json
    """
    from evalkit import api

    rows = api.list_weights()
    click.echo(api.render("json", rows=rows) if text_format == "json" else _table(rows))


@weights_command.command(name="fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=completers.checkpoints)
@click.option("--output", type=options.FOLDER, metavar="DIR", help="Folder to write.  [default: the cache]")
def fetch(names: tuple[str, ...], output: Path | None) -> None:
    """Download checkpoints from where their authors publish them, and verify them.

    An interrupted download is continued. For a checkpoint without a direct address, the manual steps are printed.

    \b
    Examples:
      evalkit weights fetch lighttrack-m
      https_proxy=http://proxy:3128 evalkit weights fetch nanotrack-v3

    Writes: <cache>/weights/<name>.pth ($EVALKIT_CACHE names another cache).
    """
    from evalkit.cli.progress import show_bytes, working

    for name in names:
        with working(f"{name}: connecting") as display:
            from evalkit import api

            found = api.fetch_weights(name, output=output, progress=show_bytes(display, name))
        click.echo(f"{name}: {found.path} ({found.identity})")


@weights_command.command(name="verify")
@click.argument("name", shell_complete=completers.checkpoints)
@click.argument("file", type=options.FILE, required=False)
@options.text_format
def verify(name: str, file: Path | None, text_format: str) -> int:
    """Check whether the checkpoint that NAME uses, or FILE, is the published one.

    The exit code is 1 if it is another file, or cannot be read as tensors.

    \b
    Examples:
      evalkit weights verify lighttrack-m
      evalkit weights verify nanotrack-v1 ~/Downloads/nanotrackv1.pth
    """
    from evalkit import api

    row = api.verify_weights(name, file)
    click.echo(api.render("json", rows=[row]) if text_format == "json" else _verdict(row))
    return 0 if row["verified"] else 1


def _verdict(row: dict[str, object]) -> str:
    answer = "the published file" if row["verified"] else str(row["problem"])
    return f"{row['name']}: {answer}\n  {row['file']} ({row['place']})\n  sha256 {row['sha256']}, {row['identity']}"


def _table(rows: list[dict[str, object]]) -> str:
    lines = []
    for row in rows:
        here = f"{row['place']}: {row['file']}" if row["file"] else "not on this machine"
        hashed = row["sha256"] or row["git_blob"] or "no known hash"
        lines.append(f"{row['name']}\n  {here}\n  {row['publisher']}\n  {row['source']}\n  {row['licence']}; {hashed}")
    return "\n".join(lines)
