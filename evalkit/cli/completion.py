"""``evalkit completion``."""

from __future__ import annotations

import click

from evalkit.cli.command import command

VARIABLE = "_EVALKIT_COMPLETE"
"""Environment variable that the scripts set when they ask for completions."""


@command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the shell script that completes evalkit's commands, options and names.

    Names of trackers, datasets, profiles, protocols, runtimes and checkpoints and labels of results are completed.

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
        raise click.UsageError(f"completion for {shell} is not supported.")
    click.echo(script(cli, {}, "evalkit", VARIABLE).source())
