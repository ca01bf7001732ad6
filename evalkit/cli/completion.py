"""``evalkit completion``."""

from __future__ import annotations

import click

VARIABLE = "_EVALKIT_COMPLETE"
"""What the scripts set when they ask."""


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that makes a shell complete evalkit's commands, options and names.

    Trackers, datasets, profiles, protocols, runtimes, checkpoints and labels of results are completed as well.

    \b
    Examples:
      eval "$(evalkit completion bash)"                                          # in ~/.bashrc
      eval "$(evalkit completion zsh)"                                           # in ~/.zshrc
      evalkit completion fish > ~/.config/fish/completions/evalkit.fish
    """
    from click.shell_completion import get_completion_class

    from evalkit.cli import cli

    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"click knows no completion for {shell}.")
    click.echo(script(cli, {}, "evalkit", VARIABLE).source())
