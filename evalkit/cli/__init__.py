"""The command line: one module per command; each parses, calls ``evalkit.api``, and prints."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import click

from evalkit import __version__
from evalkit.errors import EvalkitError

# In order of workflow: command, module, one line of help. Modules are imported when their command is called, so that
# `evalkit --help` answers without NumPy.
COMMANDS = {
    "list": ("listing", "What there is: trackers, datasets, metrics, reports, runtimes."),
    "run": ("run", "Track a benchmark, store the trajectories, print the scores."),
    "score": ("score", "Score stored trajectories, ours or a stranger's."),
    "profile": ("profile", "MACs, parameters and latency of a tracker."),
    "report": ("report", "Write a comparison report: HTML, PDF, Markdown, LaTeX, CSV, XLSX."),
    "regress": ("regress", "Compare a candidate with a baseline: pass, fail, inconclusive."),
    "diff": ("diff", "First frame where two runs part, per sequence."),
    "import": ("import_", "Bring somebody else's raw results into the results folder."),
    "pack": ("pack", "Write and check a submission archive for an evaluation server."),
    "merge": ("merge", "Join the results of shards into one folder."),
    "export": ("export", "Write a tracker's network in a runtime's format."),
    "replay": ("replay", "Write a sequence with every tracker's box as MP4 or GIF."),
    "train": ("train", "Train a LightTrack subnet."),
    "data": ("data", "Check a benchmark's files, or render one."),
    "weights": ("weights", "List, fetch and verify checkpoints."),
    "doctor": ("doctor", "Check this installation and say how to mend it."),
    "init": ("init", "Write a commented evalkit.toml."),
    "completion": ("completion", "Let the shell complete commands, options and names."),
}

EXIT_CODES = """\b
Exit codes:
  0  fine
  1  ran, and the answer is bad: a sequence failed, a regression
  2  asked wrongly, or bad data
  3  inconclusive (regress only)
  4  an internal error of evalkit
  130  interrupted"""


class Commands(click.Group):
    """The commands of the table, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        here = os.path.dirname(__file__)  # noqa: PTH120 - pathlib costs a tenth of what --help may take
        return [name for name, (module, _) in COMMANDS.items() if os.path.exists(f"{here}/{module}.py")]  # noqa: PTH110

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"evalkit.cli.{COMMANDS[name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from None


@click.group(cls=Commands, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="evalkit")
def cli() -> None:
    """Evaluate single-object visual trackers.

    A first run, on rendered sequences, needs no download:

    \b
        evalkit run --tracker mosse
        evalkit report --output report.html
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: every way out ends in the documented exit code."""
    sys.exit(guarded(lambda: cli.main(arguments, prog_name="evalkit", standalone_mode=False)))


def guarded(call: Callable[[], Any]) -> int:
    """Run a command and turn what escapes from it into a message and an exit code."""
    try:
        code = call()
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except EvalkitError as error:
        click.echo(f"evalkit: {error}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("\nevalkit: interrupted; what is finished is stored, and the same command continues", err=True)
        return 130
    except BrokenPipeError:
        # The reader (`head`, a pager) has seen enough; leave nothing for the interpreter to flush into the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError as error:
        what = f" ({error})" if str(error) else ""
        click.echo(f"evalkit: there is not enough memory{what}; what is finished is stored. Try fewer --jobs", err=True)
        return 1
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("evalkit."):
            cure = f"`pip install {error.name}`; `evalkit doctor` names whatever else is missing"
            click.echo(f"evalkit: this needs {error.name}, which is not installed. {cure}", err=True)
            return 2
        traceback.print_exc()
        click.echo("evalkit: this is a defect of evalkit; please report it with the lines above", err=True)
        return 4
