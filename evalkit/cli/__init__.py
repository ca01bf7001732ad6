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
from evalkit.cli import process
from evalkit.errors import EvalkitError

# In the order of the workflow: command, module, one line of help. A module is imported when its command is called, so
# that `evalkit --help` works without NumPy. Each defines `<command>_command`.
COMMANDS = {
    "list": ("listing", "List trackers, datasets, metrics, profiles, protocols, runtimes, layouts or reports."),
    "run": ("run", "Track datasets, store the trajectories, print the scores."),
    "track": ("track", "Track a video of your own: a file, a folder of images, or a camera."),
    "score": ("score", "Score stored results, evalkit's own or any other toolkit's."),
    "profile": ("profile", "Measure a tracker's MACs, parameters and latency."),
    "report": ("report", "Write a comparison report: HTML, PDF, Markdown, LaTeX, CSV, XLSX."),
    "regress": ("regress", "Compare a tracker with its baseline: pass, fail or inconclusive."),
    "diff": ("diff", "Find the first frame where two runs differ, per sequence."),
    "import": ("import_", "Import another toolkit's raw results."),
    "convert": ("convert", "Write stored results in another toolkit's layout."),
    "pack": ("pack", "Write and check a submission archive for an evaluation server."),
    "merge": ("merge", "Join the results of shards into one folder."),
    "export": ("export", "Write a tracker's network in a runtime's format."),
    "replay": ("replay", "Write a sequence with every tracker's box as MP4 or GIF."),
    "train": ("train", "Train a LightTrack subnet."),
    "search": ("search", "Find LightTrack subnets for a budget of operations, parameters or time."),
    "data": ("data", "Check a benchmark's files, or render a synthetic one."),
    "weights": ("weights", "List, fetch and verify checkpoints."),
    "results": ("results", "List published raw results, fetch and import them."),
    "doctor": ("doctor", "Check this installation and print how to fix it."),
    "init": ("init", "Write a commented evalkit.toml."),
    "completion": ("completion", "Print the script that completes commands in a shell."),
}

EXIT_CODES = """\b
Exit codes:
  0  success
  1  completed with a bad outcome: a sequence failed, a regression
  2  invalid request or invalid data
  3  inconclusive (regress only)
  4  an internal error of evalkit
  130  interrupted; 143  terminated"""


class Commands(click.Group):
    """The commands of the table, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        here = os.path.dirname(__file__)  # noqa: PTH120 - pathlib costs a tenth of what --help may take
        return [name for name, (module, _) in COMMANDS.items() if os.path.exists(f"{here}/{module}.py")]  # noqa: PTH110

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"evalkit.cli.{COMMANDS[name][0]}")
        command: click.Command = getattr(module, f"{name}_command")
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
    """Run the command line and exit with a documented exit code.

    Args:
        arguments: Those of the process if None; the process then also ends if a thread of a tracker does not.
    """
    from evalkit.cli.terminal import protected_streams

    with protected_streams():
        if arguments is None:
            process.occupy_closed_descriptors()
            process.raise_on_termination()
        code = exit_code_of(lambda: cli.main(arguments, prog_name="evalkit", standalone_mode=False))
    if arguments is None:
        process.end_soon(code)
    sys.exit(code)


def exit_code_of(call: Callable[[], Any]) -> int:
    """Run a command, print a message for an exception that it raises, and return the exit code."""
    try:
        code = call()
        if sys.stdout is not None:
            sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, click.Abort):
        return _interrupted()
    except process.ReaderLeftError:
        return _reader_left()
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except EvalkitError as error:
        click.echo(f"evalkit: {error}", err=True)
        return error.exit_code
    except Exception as error:
        return _unexpected(error)


def _interrupted() -> int:
    how, code = ("terminated", 143) if process.was_terminated() else ("interrupted", 130)
    click.echo(f"\nevalkit: {how}; finished sequences are stored, and the same command continues", err=True)
    return code


def _reader_left() -> int:
    """Return the exit code where the reader (`head`, a pager) closed the pipe, into which nothing may be flushed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _system_error(error: Exception) -> int | None:
    """Print an error of the system that the user can fix, and return the exit code; None if it is none."""
    if process.is_closed_output(error):
        click.echo("evalkit: standard output is closed; results are stored, `evalkit score` prints them", err=True)
        return 1
    if not isinstance(error, OSError) or error.errno not in process.USER_ERRORS:
        return None
    where = f"{error.filename}: " if error.filename is not None else ""
    click.echo(f"evalkit: {where}{error.strerror}. Check this path and its permissions", err=True)
    return 2


def _unexpected(error: Exception) -> int:
    """Print what is known of an exception that no command expects, and return the exit code."""
    known = _system_error(error)
    if known is not None:
        return known
    if isinstance(error, MemoryError):
        detail = f" ({error})" if str(error) else ""
        click.echo(f"evalkit: not enough memory{detail}; finished sequences are stored. Try fewer --jobs", err=True)
        return 1
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("evalkit."):
        remedy = f"`pip install {error.name}`; `evalkit doctor` lists what else is missing"
        click.echo(f"evalkit: this needs {error.name}, which is not installed. {remedy}", err=True)
        return 2
    traceback.print_exception(error)
    click.echo("evalkit: this is a defect of evalkit; please report it with the lines above", err=True)
    return 4
