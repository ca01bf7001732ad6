"""Entries of the seven registries: what a registered name stands for. A misspelt field is a TypeError."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.types import Dataset, Metric


def only_where_listed(dataset: Dataset) -> bool:
    """Return False: the ``applies`` of built-in profiles and protocols, which are only for datasets that list them."""
    return False


@dataclass(frozen=True)
class Entry:
    """A registered factory.

    Attributes:
        name: The name as typed on the command line. A trailing colon marks a family, ``lighttrack:<variant>``.
        factory: Builds the object; it receives, by keyword, those of the offered arguments that its signature names.
        summary: One line for ``evalkit list``.
        aliases: Further names.
        file: The Python file it was loaded from, where it was given as ``path/to/file.py:Name``.
    """

    name: str
    factory: Callable[..., Any]
    summary: str
    aliases: tuple[str, ...] = field(default=(), kw_only=True)
    file: Path | None = field(default=None, kw_only=True)

    @property
    def module(self) -> str:
        """Name of the module that defines the factory."""
        return str(self.factory.__module__)

    @property
    def parameters(self) -> frozenset[str]:
        """Names of the arguments that the factory takes."""
        return frozenset(inspect.signature(self.factory).parameters)

    def build(self, **offered: Any) -> Any:
        """Call the factory with those of the offered arguments that its signature names."""
        wanted = self.parameters
        return self.factory(**{name: value for name, value in offered.items() if name in wanted})


@dataclass(frozen=True)
class TrackerEntry(Entry):
    """A tracker. The factory returns a ``Tracker``, or a got10k or pytracking tracker.

    Attributes:
        deterministic: False where two runs differ; the benchmark's number of repetitions is then tracked.
        training: Name of the module with the training recipe, whose ``train`` function ``evalkit train`` calls.
    """

    deterministic: bool = field(default=True, kw_only=True)
    training: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class DatasetEntry(Entry):
    """A dataset. The factory takes ``root`` (a ``Path`` or None) and returns a ``Dataset``."""


@dataclass(frozen=True)
class ReportEntry(Entry):
    """A report or video format. The factory returns text or bytes.

    Attributes:
        suffix: File name suffix of reports of this format, e.g. ``.html``; None where it is not written to a file.
        video: File name suffix of replays of this format, e.g. ``.mp4``; None where it is not a replay.
    """

    suffix: str | None = field(default=None, kw_only=True)
    video: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class ProfileEntry(Entry):
    """A metric profile: a named convention for computing metrics.

    The factory takes an ``evalkit.metrics.measures.Evaluation`` and returns a list of ``Measure``.

    Attributes:
        protocols: Names of the protocols whose trajectories it scores, besides those of protocols ``scored_as`` them.
        metrics: All metrics that it may return.
        source: The toolkit and version that it equals, or the publication that defines it.
        reason: Why its numbers differ from those of other profiles, in one line.
        tags: True where frames can be restricted to a per-frame tag; else attributes belong to whole sequences.
        applies: Returns whether the profile scores a dataset that does not list it; True by default.
    """

    protocols: tuple[str, ...] = field(kw_only=True)
    metrics: tuple[Metric, ...] = field(kw_only=True)
    source: str = field(default="", kw_only=True)
    reason: str = field(default="", kw_only=True)
    tags: bool = field(default=False, kw_only=True)
    applies: Callable[[Dataset], bool] = field(default=lambda dataset: True, kw_only=True)

    @property
    def measure(self) -> Callable[..., list[Any]]:
        """Compute the measures of an ``Evaluation``."""
        return self.factory


@dataclass(frozen=True)
class ProtocolEntry(Entry):
    """A protocol: how a tracker is run on a sequence. The factory is the function that does it.

    It is called as ``run(tracker, sequence, *, origin, name, repetition, seed, rules)``, with those keyword arguments
    that its signature names, and returns a list of ``Trajectory``.

    Attributes:
        applies: Returns whether a dataset that does not list the protocol can be run under it; True by default.
        scored_as: Name of a protocol whose trajectories have the same form. The profiles that score that protocol score
            this one too; without it, only profiles that name this protocol do.
    """

    applies: Callable[[Dataset], bool] = field(default=lambda dataset: True, kw_only=True)
    scored_as: str = field(default="", kw_only=True)


@dataclass(frozen=True)
class RuntimeEntry(Entry):
    """A runtime: one way to execute a network. The factory returns an ``evalkit.runtimes.Adapter``.

    Attributes:
        packages: Import name and distribution name of what it needs besides torch.
        extra: Extra of ``evalkit-sot`` that installs these; empty where there is none.
        precisions: Precisions that it computes in on the CPU, the default first.
        devices: Kinds of devices that it runs on.
        format: Format of the files that it reads; empty where it executes the module itself. Runtimes may share one.
    """

    packages: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)
    extra: str = field(default="", kw_only=True)
    precisions: tuple[str, ...] = field(default=("fp32",), kw_only=True)
    devices: tuple[str, ...] = field(default=("cpu",), kw_only=True)
    format: str = field(default="", kw_only=True)


@dataclass(frozen=True)
class LayoutEntry(Entry):
    """A result layout: how result files are named and written. The factory returns a ``Layout``.

    Attributes:
        writes: False where trajectories of this layout can only be read.
    """

    writes: bool = field(default=True, kw_only=True)
