"""Check datasets, checkpoints and the installation; list what is registered."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from evalkit import data_check, doctor, registry
from evalkit.arguments import Names, Place, path, some
from evalkit.checkpoints import FoundCheckpoint, catalogue, fetching
from evalkit.factories import open_dataset
from evalkit.io.download import Progress
from evalkit.rendering import write_as
from evalkit.types import Dataset

KINDS = ("trackers", "datasets", "metrics", "profiles", "protocols", "runtimes", "layouts", "reports")
"""Kinds of things that ``listing`` lists."""


def check_data(
    dataset: str, *, data: Place | None = None, deep: bool = False, sequences: Names | None = None
) -> tuple[Dataset, Iterable[data_check.DataFinding]]:
    """Check the files of a dataset; see ``evalkit.data_check``.

    Args:
        deep: Also decode every frame.
        sequences: Check only these; None for all.

    Returns:
        The dataset and its findings, which are produced while they are iterated over.

    Raises:
        EvalkitError: There is no such dataset, or nothing of it in the folder.
    """
    opened = open_dataset(dataset, path(data))
    return opened, data_check.check_files(opened, deep=deep, sequences=some(sequences))


def render_data(layout: str, output: Place, *, seed: int = 0, sequences: Names | None = None) -> list[str]:
    """Write the synthetic benchmark as files; see ``evalkit.rendering.write_as.write_dataset``."""
    return write_as.write_dataset(layout, Path(output), seed=seed, sequences=some(sequences))


def examine(data: Place | None = None, results: Place = "results") -> list[doctor.DoctorFinding]:
    """Check this installation; see ``evalkit.doctor``."""
    return doctor.examine(path(data), Path(results))


def fetch_weights(name: str, *, output: Place | None = None, progress: Progress | None = None) -> FoundCheckpoint:
    """Download a published checkpoint and verify it; see ``evalkit.checkpoints.fetching``."""
    return fetching.fetch_weights(name, output=path(output), progress=progress)


def list_weights() -> list[dict[str, object]]:
    """Return one flat record per published checkpoint."""
    return catalogue.list_weights()


def verify_weights(name: str, file: Place | None = None) -> dict[str, object]:
    """Return whether a checkpoint is the published one, as a flat record; see ``evalkit.checkpoints.catalogue``."""
    return catalogue.verify_weights(name, path(file))


def listing(kind: str) -> list[dict[str, Any]]:
    """Return one flat record per registered thing of a kind.

    Args:
        kind: One of ``KINDS``.
    """
    if kind == "metrics":
        return _metrics()
    if kind == "runtimes":
        return [runtime.record() for runtime in registry.runtime.entries()]
    if kind == "profiles":
        return [_profile_record(profile) for profile in registry.profile.entries()]
    registries: dict[str, registry.Registry[Any]] = {f"{one.kind}s": one for one in registry.ALL}
    return [{"name": entry.name, "summary": entry.summary} for entry in registries[kind].entries()]


def _metrics() -> list[dict[str, Any]]:
    by_name: dict[str, dict[str, Any]] = {}
    for profile in registry.profile.entries():
        for metric in profile.metrics:
            row = by_name.setdefault(
                metric.name, {"name": metric.name, "summary": metric.summary, "unit": metric.unit, "profiles": []}
            )
            row["profiles"].append(profile.name)
    return [by_name[name] for name in sorted(by_name)]


def _profile_record(profile: registry.ProfileEntry) -> dict[str, Any]:
    metrics = ", ".join(metric.name for metric in profile.metrics)
    return {
        "name": profile.name, "summary": f"protocols {', '.join(profile.protocols)}; metrics {metrics}",
        "source": profile.source,
    }  # fmt: skip
