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
    """A comma-separated list; blanks around the commas are dropped."""

    name = "A,B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        if isinstance(value, list):
            return value
        names = [part.strip() for part in str(value).split(",")]
        if not all(names):
            self.fail("names are separated by single commas, none may be empty", param, ctx)
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
    """A whole number; complaints call it so."""

    name = "whole number"


class Number(click.FloatRange):
    """A number that is one: neither infinite nor NaN, which no range keeps out."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
FILE_OR_FOLDER = click.Path(path_type=Path)


def dataset(function: F) -> F:
    return click.option(
        "--dataset",
        metavar="NAME",
        shell_complete=completers.datasets,
        help="A registered name (`evalkit list datasets`).  [default: the only one with results]",
    )(function)


def data(function: F) -> F:
    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        metavar="ROOT",
        help="The benchmark's folder or index, or a folder that holds it.  [default: $EVALKIT_DATA, then evalkit.toml]",
    )(function)


def labels(function: F) -> F:
    """Which results to use: ``--tracker``, ``--except``, ``--sequences``."""
    for option in (
        click.option("--sequences", "sequences", type=Commas(), multiple=True, metavar="A,B",
                     help="Use only these sequences; repeatable; every score says n of N."),
        click.option("--except", "exclude", multiple=True, metavar="LABEL", shell_complete=completers.labels,
                     help="Leave out the results with this label; repeatable."),
    ):  # fmt: skip
        function = option(function)
    return function


def results(function: F) -> F:
    return click.option(
        "--results",
        type=FOLDER,
        default=Path("results"),
        show_default=True,
        metavar="DIR",
        help="Holds <BENCHMARK>/<tracker>/...",
    )(function)


def form(*choices: str) -> Callable[[F], F]:
    return click.option(
        "--format", "form", type=click.Choice(choices), default=choices[0], show_default=True, help="How to print."
    )


def network(function: F) -> F:
    """How a tracker's network is executed: runtime, precision, device, threads."""
    for option in (
        click.option("--threads", type=Whole(1), default=1, show_default=True, metavar="N",
                     help="Threads of the network's runtime; 1 gives the same boxes everywhere."),
        click.option("--device", default="cpu", show_default=True, metavar="D", help="cpu, cuda:0, mps."),
        click.option("--precision", default="fp32", show_default=True, metavar="P",
                     shell_complete=completers.precisions,
                     help="fp32, fp16, bf16, int8."),
    ):  # fmt: skip
        function = option(function)
    return function
