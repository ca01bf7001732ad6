"""Options that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from evalkit.cli import completers

F = TypeVar("F", bound=Callable[..., Any])


class Commas(click.ParamType[list[str]]):
    """A comma-separated list; blanks around the commas are ignored."""

    name = "A,B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        if isinstance(value, list):
            return value
        names = [part.strip() for part in str(value).split(",")]
        if not all(names):
            self.fail("separate the names by single commas; none may be empty", param, ctx)
        return names


class Setting(click.ParamType[tuple[str, str]]):
    """One ``KEY=VALUE``."""

    name = "KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        key, separator, text = str(value).partition("=")
        if not separator or not key.strip():
            self.fail(f"{value!r} is not KEY=VALUE, e.g. penalty_k=0.007", param, ctx)
        return key.strip(), text.strip()


class Whole(click.IntRange):
    """A whole number; error messages call it that."""

    name = "whole number"


class Number(click.FloatRange):
    """A finite number; ranges alone accept NaN and infinity."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
FILE_OR_FOLDER = click.Path(path_type=Path)
EXISTING_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
EXISTING_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)

_DATASET = "A registered name (`evalkit list datasets`) or path/to/file.py:factory"
_ONLY_ONE = "  [default: the only one with results]"
_TRACKER = "A registered name (`evalkit list trackers`) or path/to/file.py:Class"

dataset = click.option("--dataset", metavar="NAME", shell_complete=completers.datasets, help=f"{_DATASET}.{_ONLY_ONE}")
required_dataset = click.option(
    "--dataset", required=True, metavar="NAME", shell_complete=completers.datasets, help=f"{_DATASET}."
)
datasets = click.option(
    "--dataset", "datasets", multiple=True, metavar="NAME", shell_complete=completers.datasets,
    help=f"{_DATASET}; repeatable.{_ONLY_ONE}",
)  # fmt: skip
datasets_to_run = click.option(
    "--dataset", "datasets", multiple=True, default=("synthetic",), show_default=True, metavar="NAME",
    shell_complete=completers.datasets, help=f"{_DATASET}; repeatable.",
)  # fmt: skip
tracker = click.option(
    "--tracker", required=True, metavar="NAME", shell_complete=completers.trackers, help=f"{_TRACKER}."
)
trackers = click.option(
    "--tracker", "trackers", multiple=True, required=True, metavar="NAME", shell_complete=completers.trackers,
    help=f"{_TRACKER}; repeatable.",
)  # fmt: skip
profiles = click.option(
    "--profile", "profiles", multiple=True, metavar="P", shell_complete=completers.profiles,
    help="Metric profile (`evalkit list profiles`) or path/to/file.py:function; repeatable.  "
         "[default: each benchmark's official one]",
)  # fmt: skip
profiles_or_all = click.option(
    "--profile", "profiles", multiple=True, metavar="P", shell_complete=completers.profiles,
    help="Metric profile (`evalkit list profiles`) or path/to/file.py:function; repeatable; 'all' for all that apply.  "
         "[default: each benchmark's official one]",
)  # fmt: skip
data = click.option(
    "--data", type=click.Path(path_type=Path), metavar="ROOT",
    help="Folder or index of the dataset, or a folder that contains it.  [default: $EVALKIT_DATA, then evalkit.toml]",
)  # fmt: skip
results = click.option(
    "--results", type=FOLDER, default=Path("results"), show_default=True, metavar="DIR",
    help="Folder with <BENCHMARK>/<label>/...",
)  # fmt: skip
protocol = click.option(
    "--protocol", metavar="P", shell_complete=completers.protocols,
    help="Protocol (`evalkit list protocols`) or path/to/file.py:function.  [default: the dataset's official one]",
)  # fmt: skip
weights = click.option(
    "--weights", type=FILE_OR_FOLDER, metavar="FILE",
    help="Checkpoint, or a folder of checkpoints.  [default: $EVALKIT_WEIGHTS, the cache, the bundled file]",
)  # fmt: skip
settings = click.option(
    "--set", "settings", type=Setting(), multiple=True,
    help="Override a hyperparameter of the tracker, or calibrate int8 with calibration=DATASET:A,B; repeatable.",
)  # fmt: skip
runtime = click.option(
    "--runtime", default="torch", show_default=True, metavar="R", shell_complete=completers.runtimes,
    help="Runtime of the network (`evalkit list runtimes`) or path/to/file.py:Class.",
)  # fmt: skip
precision = click.option(
    "--precision", default="fp32", show_default=True, metavar="P", shell_complete=completers.precisions,
    help="Precision of the network: fp32, tf32 (on CUDA), fp16, bf16 or int8.",
)  # fmt: skip
allow_partial = click.option(
    "--allow-partial", is_flag=True, help="Leave out sequences without a readable result; scores say n of N."
)

no_intervals = click.option("--no-intervals", is_flag=True, help="Leave out confidence intervals.")


def _joined(ctx: click.Context, param: click.Parameter, value: tuple[list[str], ...]) -> list[str] | None:
    return [name for part in value for name in part] or None


def names(flag: str, *, help: str, metavar: str = "A,B") -> Callable[[F], F]:  # noqa: A002 - as click calls it
    """Return an option for names separated by commas, which adds up where it is repeated; None without any."""
    return click.option(flag, type=Commas(), multiple=True, metavar=metavar, callback=_joined, help=help)


sequences = names("--sequences", help="Use only these sequences; repeatable.")


def layout(flag: str, *, help: str) -> Callable[[F], F]:  # noqa: A002 - as click calls it
    """Return a required option that names a result layout; the name is checked when the command runs."""
    return click.option(
        flag, required=True, metavar="LAYOUT", shell_complete=completers.layouts,
        help=f"{help} `evalkit list layouts` lists all.",
    )  # fmt: skip


def labels(function: F) -> F:
    """Add the options that choose stored results: ``--tracker`` and ``--except``."""
    function = click.option(
        "--except", "exclude", multiple=True, metavar="LABEL", shell_complete=completers.labels,
        help="Leave out the results with this label; repeatable.",
    )(function)  # fmt: skip
    return click.option(
        "--tracker", "trackers", multiple=True, metavar="LABEL", shell_complete=completers.labels,
        help="Label of the results; repeatable.  [default: all with results]",
    )(function)  # fmt: skip


def network(function: F) -> F:
    """Add the options that say how a network is executed: ``--precision``, ``--device``, ``--threads``."""
    function = click.option(
        "--threads", type=Whole(1), default=1, show_default=True, metavar="N",
        help="Threads of the runtime; with 1, boxes are the same on every machine.",
    )(function)  # fmt: skip
    function = click.option(
        "--device", default="cpu", show_default=True, metavar="D", help="Device of the network: cpu, cuda:0, mps."
    )(function)
    return precision(function)


FORMATS = ("table", "json", "csv", "markdown", "latex")
"""Formats of tables of numbers."""


def _format(*choices: str) -> Callable[[F], F]:
    return click.option(
        "--format", "text_format", type=click.Choice(choices), default=choices[0], show_default=True,
        help="Format of the output.",
    )  # fmt: skip


text_format = _format("table", "json")
number_format = _format(*FORMATS)


def or_none(values: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the values with None in place of these repeatable options where they were not given."""
    return {name: None if name in names and not value else value for name, value in values.items()}
