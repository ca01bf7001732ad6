"""Names that a shell completes. Errors are suppressed: they must not disturb the command line being typed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from evalkit.registry import Registry

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completing(names: Callable[[click.Context], Iterable[str | tuple[str, str]]]) -> Complete:
    """Return a click callback that offers the names beginning as typed, each with its summary if there is one."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        with contextlib.suppress(Exception):
            pairs = [name if isinstance(name, tuple) else (name, "") for name in names(ctx)]
            return [CompletionItem(name, help=line) for name, line in pairs if name.startswith(incomplete)]
        return []

    return complete


def _registered(registry: Registry[Any]) -> list[tuple[str, str]]:
    return [(entry.name, entry.summary) for entry in registry.entries()]


def _datasets(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from evalkit import registry

    return _registered(registry.dataset)


def _trackers(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from evalkit import registry

    return _registered(registry.tracker)


def _layouts(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from evalkit import registry

    return _registered(registry.layout)


def _labels(ctx: click.Context) -> Iterable[str]:
    """Labels of results on any benchmark."""
    results = Path(ctx.params.get("results") or "results")
    return sorted({folder.name for folder in results.glob("*/*") if folder.is_dir()})


def _profiles(ctx: click.Context) -> Iterable[str]:
    from evalkit import registry

    return ["all", *registry.profile.names()]


def _protocols(ctx: click.Context) -> Iterable[str]:
    from evalkit import registry

    return [name.replace("_", "-") for name in registry.protocol.names()]


def _runtimes(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from evalkit import registry

    return _registered(registry.runtime)


def _checkpoints(ctx: click.Context) -> Iterable[str]:
    from evalkit.checkpoints import published

    return list(published())


def _published_results(ctx: click.Context) -> Iterable[tuple[str, str]]:
    from evalkit.results.published import published_results

    return [(name, f"{entry.tracker} on {entry.dataset}") for name, entry in published_results().items()]


datasets = _completing(_datasets)
labels = _completing(_labels)
layouts = _completing(_layouts)
profiles = _completing(_profiles)
protocols = _completing(_protocols)
precisions = _completing(lambda ctx: ("fp32", "tf32", "fp16", "bf16", "int8"))
runtimes = _completing(_runtimes)
checkpoints = _completing(_checkpoints)
published_results = _completing(_published_results)


def trackers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete registered names, or files once a path is begun (``my/file.py:MyTracker``)."""
    if "/" in incomplete or incomplete.startswith("."):
        return [CompletionItem(incomplete, type="file")]
    return _completing(_trackers)(ctx, param, incomplete)
