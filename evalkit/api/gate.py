"""Compare runs and gate changes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from evalkit import regression, run_diff
from evalkit.arguments import Place, path
from evalkit.engine.track import Progress
from evalkit.regression import RegressionReport
from evalkit.run_diff import RunDiff

TextFormat = Literal["table", "json"]


def regress(
    suite: Place,
    *,
    baseline: Place | None = None,
    data: Place | None = None,
    results: Place = "results",
    jobs: int | None = None,
    timeout: float | None = None,
    update: bool = False,
    reason: str | None = None,
    progress: Progress | None = None,
) -> RegressionReport:
    """Run a suite and compare it with its baseline; see ``evalkit.regression``.

    Args:
        suite: TOML file of the suite.
        baseline: Baseline file instead of the one that the suite names.
        data: Folder of the datasets, instead of the suite's.
        results: Folder of results; what the same code tracked before is used, everything else is tracked into its
            subfolder ``regress``. An interrupted call is continued by the next one.
        jobs: Number of sequences tracked at the same time, in processes of their own; by default one, in this process.
        timeout: Seconds that a sequence may take before it is stopped and counted as failed; also the time that a
            process of the latency gate may take for a frame.
        update: Replace the baseline by the new numbers.
        reason: Why the numbers change; required with ``update``, kept in the baseline's history.
        progress: Called after each sequence and repetition with its outcome, its number and the total.

    Returns:
        The findings of all gates.

    Raises:
        WithheldGroundtruth: A dataset is annotated in the first frames only, and the suite gates accuracy.
        EvalkitError: The suite or the baseline is missing, damaged or of another version; something in the suite does
            not exist; an update is not possible. The baseline is then unchanged.
    """
    return regression.regress(
        Path(suite), baseline=path(baseline), data=path(data), results=Path(results), jobs=jobs, timeout=timeout,
        update=update, reason=reason, progress=progress,
    )  # fmt: skip


def diff(run_a: Place, run_b: Place, *, tolerance: float = 0.0) -> RunDiff:
    """Return the first frame where two runs differ, per sequence.

    Args:
        run_a: Folder of results, ``<results>/<BENCHMARK>/<label>``.
        run_b: Another one.
        tolerance: Coordinates that differ by no more than this many pixels count as equal.

    Raises:
        EvalkitError: A folder does not exist or its results cannot be read.
    """
    return run_diff.diff(Path(run_a), Path(run_b), tolerance=tolerance)


def render_regression(
    report: RegressionReport,
    format: TextFormat,  # noqa: A002 - as on the command line
    *,
    strict: bool = False,
    junit: Place | None = None,
    markdown: Place | None = None,
    width: int | None = None,
) -> str:
    """Return the findings of a gate as text, and write them to the given files.

    Args:
        strict: Write inconclusive findings as failures into the JUnit file.
        junit: File that receives JUnit XML.
        markdown: File that receives Markdown; ``$GITHUB_STEP_SUMMARY`` by default, where it is set.
        width: Largest number of characters in a line of the table; None for any number.

    Raises:
        EvalkitError: A file cannot be written.
    """
    return regression.render_regression(
        report, format, strict=strict, junit=path(junit), markdown_file=path(markdown), width=width
    )


def render_diff(found: RunDiff, format: TextFormat) -> str:  # noqa: A002
    """Return the differences between two runs as text."""
    return run_diff.render_diff(found, format)
