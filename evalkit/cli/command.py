"""The classes of all commands: an option that takes one value is refused when it is given twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import click


class Command(click.Command):
    """A command; what is given twice adds up or is an error, and is never dropped."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:  # a shell completes the command line
            self._refuse_repetition(ctx, args)
        return super().parse_args(ctx, args)

    def _refuse_repetition(self, ctx: click.Context, args: list[str]) -> None:
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        for parameter, count in Counter(order).items():
            if count > 1 and isinstance(parameter, click.Option) and not parameter.is_flag and not parameter.multiple:
                name = max(parameter.opts, key=len)
                raise click.UsageError(f"{name} was given {count} times; this command takes one value for it.", ctx)


class Group(click.Group):
    """A command with subcommands."""

    command_class = Command


def command(name: str) -> Callable[[Callable[..., Any]], Command]:
    """Return the decorator that makes a function a command, as ``click.command`` does."""
    return click.command(name=name, cls=Command)
