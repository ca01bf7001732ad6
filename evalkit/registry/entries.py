"""Entries of the seven registries: what a registered name stands for. A misspelt field is a TypeError."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from evalkit.types import Dataset, Metric

PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "int8")
"""Precisions that a runtime may compute in. tf32 is fp32 whose convolutions and matrix products round their inputs to
TF32, the format of NVIDIA's tensor cores with 10 bits of mantissa; it exists on CUDA only."""


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
        search: Name of the module that prepares a search in the family's space, whose ``prepare`` function
            ``evalkit search`` calls.
        file_suffix: Suffix of files that list trackers, e.g. ``.ini``: ``path/to/file.ini:NAME`` is then a tracker of
            this family, and the variant is the whole name.
        label: Returns the label of results from a variant of a family; the whole name of the tracker by default.
        program_files: Returns the files that a variant's program starts from, the user's own ones only, for families
            of trackers that are programs; None where trackers are Python objects of this process.
    """

    deterministic: bool = field(default=True, kw_only=True)
    training: str | None = field(default=None, kw_only=True)
    search: str | None = field(default=None, kw_only=True)
    file_suffix: str = field(default="", kw_only=True)
    label: Callable[[str], str] | None = field(default=None, kw_only=True)
    program_files: Callable[[str], Sequence[Path]] | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class DatasetEntry(Entry):
    """A dataset. The factory takes ``root`` (a ``Path`` or None) and returns a ``Dataset``.

    Attributes:
        layout: Returns the ``evalkit.rendering.write_as.DatasetLayout`` in which ``evalkit data render`` writes the
            synthetic benchmark for this dataset; None where there is none.
    """

    layout: Callable[[], Any] | None = field(default=None, kw_only=True)


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
    """A runtime: one way to execute a network.

    The factory takes no arguments and returns an ``evalkit.runtimes.Adapter``.

    Attributes:
        packages: Import name and distribution name of each package that it needs besides torch; the engine that
            computes comes first.
        extra: Extra of ``evalkit-sot`` that installs these; empty where there is none.
        precisions: Precisions that it computes in, from ``PRECISIONS``; the default comes first.
        devices: Kinds of devices that it runs on, e.g. ``cpu`` or ``cuda``.
        format: Format of the files that it reads; empty where it executes the module itself. Runtimes may share one.
        writers: Distributions that write the format, besides torch; a new version of one exports networks again.
        fixed_batch: True where a started network takes batches of one size only, as a recorded CUDA graph does, so that
            it is started again for every size.
        start_seconds: CPU time, in seconds, that the first start of NanoTrack-V2's two networks takes, with the export;
            ``profile`` reports it beforehand. 0 where it takes no longer than in torch. Runtimes of one format share
            the export.
        template_runtime: Name of the runtime that executes the networks which run once per sequence, such as that of
            the template; empty for this runtime itself. Another one is named where starting takes longer than it saves.
    """

    packages: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)
    extra: str = field(default="", kw_only=True)
    precisions: tuple[str, ...] = field(default=("fp32",), kw_only=True)
    devices: tuple[str, ...] = field(default=("cpu",), kw_only=True)
    format: str = field(default="", kw_only=True)
    writers: tuple[str, ...] = field(default=(), kw_only=True)
    fixed_batch: bool = field(default=False, kw_only=True)
    start_seconds: float = field(default=0.0, kw_only=True)
    template_runtime: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        unknown = [one for one in self.precisions if one not in PRECISIONS]
        if unknown or not self.precisions:
            raise ValueError(f"precisions of runtime {self.name!r}: expected some of {PRECISIONS}, got {unknown}")

    @property
    def engine(self) -> str:
        """Name of the distribution that computes."""
        return self.packages[0][1] if self.packages else "torch"

    @property
    def version(self) -> str | None:
        """Version of the engine; None where it is not installed."""
        try:
            return metadata.version(self.engine)
        except metadata.PackageNotFoundError:
            return None

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the distributions that are not installed."""
        return tuple(package for name, package in self.packages if importlib.util.find_spec(name) is None)

    @property
    def available(self) -> bool:
        """True where everything that it needs besides torch is installed."""
        return not self.missing

    def precisions_on(self, device: str) -> tuple[str, ...]:
        """Return the precisions that it computes in on a device, e.g. ``cpu`` or ``cuda:0``."""
        return tuple(one for one in self.precisions if one != "tf32" or device.partition(":")[0] == "cuda")

    @property
    def install(self) -> str:
        """Command that installs the missing packages; empty where nothing is missing."""
        if not self.missing:
            return ""
        return f'pip install "evalkit-sot[{self.extra}]"' if self.extra else f"pip install {' '.join(self.missing)}"

    def stored_precision(self, precision: str) -> str:
        """Return the precision of the exported files: runtimes that compute in bf16 convert fp32 files themselves."""
        return "fp32" if precision == "bf16" else precision

    def record(self) -> dict[str, Any]:
        """Return the flat JSON record of ``evalkit list runtimes``."""
        state = (self.available and self.version) or f"not installed: {self.install or 'pip install torch'}"
        return {
            "name": self.name, "summary": f"{self.summary} ({state}); {', '.join(self.precisions)}",
            "available": self.available, "version": self.version, "install": self.install,
            "precisions": list(self.precisions), "devices": list(self.devices),
        }  # fmt: skip


@dataclass(frozen=True)
class LayoutEntry(Entry):
    """A result layout: how result files are named and written. The factory returns a ``Layout``.

    Attributes:
        writes: False where trajectories of this layout can only be read.
    """

    writes: bool = field(default=True, kw_only=True)
