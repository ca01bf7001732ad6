"""Count, time and export networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.arguments import Names, Place, names, path
from evalkit.dataframes import frame
from evalkit.types import Cost, Execution

if TYPE_CHECKING:
    import pandas as pd


def costs(
    trackers: Names,
    *,
    weights: Place | None = None,
    runtimes: Names = "torch",
    precision: str = "fp32",
    device: str = "cpu",
    threads: int = 1,
    rules: str = "quick",
    settings: Mapping[str, str] | None = None,
) -> list[Cost]:
    """Count and time trackers; the arguments and errors are those of ``profile``."""
    from evalkit.cost import profiling

    executions = [Execution(runtime, precision, device, threads) for runtime in names(runtimes)]
    return profiling.profile_trackers(
        names(trackers), executions, weights=path(weights), rules=rules, settings=settings
    )


def profile(
    trackers: Names,
    *,
    weights: Place | None = None,
    runtimes: Names = "torch",
    precision: str = "fp32",
    device: str = "cpu",
    threads: int = 1,
    rules: str = "quick",
    settings: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Count the operations and parameters of trackers and time them.

    Args:
        trackers: Registered names or ``path/to/file.py:Class``.
        weights: Checkpoint, or a folder of checkpoints.
        runtimes: Names of runtimes, or ``path/to/file.py:Name``; ``all`` for every one that is installed.
        precision: ``fp32``, ``tf32``, ``fp16``, ``bf16`` or ``int8``.
        device: ``cpu``, ``cuda:0``, ..., or the TOML file of a phone (``evalkit.cost.devices``).
        threads: Threads of the runtime.
        rules: ``quick``, or ``mobile`` for at least 1,024 queries and 60 s.
        settings: Hyperparameters that override the published ones.

    Returns:
        One row per cost with the columns of ``evalkit profile --format json``.

    Raises:
        EvalkitError: A tracker or runtime does not exist, is not installed, or disagrees with torch.
    """
    return frame(
        costs(
            trackers, weights=weights, runtimes=runtimes, precision=precision, device=device, threads=threads,
            rules=rules, settings=settings,
        )
    )  # fmt: skip


def export(
    tracker: str,
    *,
    runtime: str,
    output: Place,
    precision: str = "fp32",
    weights: Place | None = None,
    settings: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Write a tracker's networks in a runtime's file format.

    Args:
        tracker: A registered name or ``path/to/file.py:Class``.
        runtime: A runtime with a file format; see ``evalkit list runtimes``.
        output: A folder that does not exist, is empty, or holds an export to be replaced.
        precision: ``fp32``, ``tf32``, ``fp16``, ``bf16`` or ``int8``.
        weights: Checkpoint, or a folder of checkpoints.
        settings: Hyperparameters that override the published ones.

    Returns:
        The manifest: inputs by name, size and type, precision, versions, hashes, differences from torch.

    Raises:
        EvalkitError: The tracker has no network, the runtime has no file format, or the export disagrees with torch.
    """
    from evalkit.cost import exporting

    return exporting.export_tracker(
        tracker, runtime=runtime, output=Path(output), precision=precision, weights=path(weights),
        settings=settings,
    )  # fmt: skip
