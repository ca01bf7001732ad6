"""What evalkit does, for Python users and for the command line, which only parses and prints.

Verbs are called as on the command line; ``score`` and ``profile`` give pandas tables, ``scores`` and ``costs`` the
nouns behind them.

>>> import evalkit
>>> report = evalkit.run("identity", sequences=["scale", "blur"])
>>> report.scores[0].metric, report.scores[0].profile, report.scores[0].sequences
('auc', 'otb-matlab', 2)
>>> table = evalkit.score("synthetic", allow_partial=True)
>>> table.loc[table["metric"] == "auc", ["tracker", "sequences", "expected_sequences"]].values.tolist()
[['identity', 2, 12]]
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit import comparison as comparisons
from evalkit import data_check, doctor, registry, scoring
from evalkit.arguments import Names, Place, names, path, some
from evalkit.checkpoints.fetching import fetch_weights as fetch_weights
from evalkit.checkpoints.fetching import list_weights as list_weights
from evalkit.checkpoints.fetching import verify_weights as verify_weights
from evalkit.comparison import Comparison
from evalkit.dataframes import by_sequence as by_sequence
from evalkit.dataframes import frame as frame
from evalkit.errors import EvalkitError
from evalkit.factories import create_tracker as create_tracker
from evalkit.factories import open_dataset as open_dataset
from evalkit.io.atomic import write_bytes
from evalkit.metrics import profiles as metric_profiles
from evalkit.regression import diff as diff
from evalkit.regression import regress as regress
from evalkit.regression import render_divergence as render_divergence
from evalkit.regression import render_regression as render_regression
from evalkit.rendering import write_as
from evalkit.results import importing, merging, packing
from evalkit.running import RunReport as RunReport
from evalkit.running import run as run
from evalkit.scoring import scores as scores
from evalkit.types import Cost, Dataset

if TYPE_CHECKING:
    import pandas as pd

compare = comparisons.collect


def render(form: str, **content: Any) -> str:
    """Write scores and costs as text.

    Args:
        form: ``table``, ``json``, ``csv``, ``markdown`` or ``latex``.
        **content: ``scores``, ``costs``, ``notices``: what the form names is used.

    Raises:
        EvalkitError: No report has that name.
    """
    entry = registry.report.find(form)
    return str(entry.build(**content))


def score(
    dataset: str | None = None,
    *,
    data: Place | None = None,
    results: Place = "results",
    trackers: Names | None = None,
    profiles: Names | None = None,
    protocol: str | None = None,
    sequences: Names | None = None,
    exclude: Names = (),
    attributes: bool = False,
    allow_partial: bool = False,
    per_sequence: bool = False,
    fps: Sequence[float] | None = None,
    latency: float | None = None,
) -> pd.DataFrame:
    """Score stored results, evalkit's own or another toolkit's; frames are not needed.

    Args:
        per_sequence: One row a sequence instead of one a benchmark; metrics that are more than a mean have none.

    The others are those of ``evalkit.scoring.scores``, and so are the errors.

    Returns:
        The columns of ``evalkit score --format json``, one row a score; ``attrs["notices"]`` are sentences on them.
    """
    found = scoring.scores(
        dataset, data=data, results=results, trackers=trackers, profiles=profiles, protocol=protocol,
        sequences=sequences, exclude=exclude, attributes=attributes, allow_partial=allow_partial, fps=fps,
        latency=latency,
    )  # fmt: skip
    table = by_sequence(found.scores) if per_sequence else frame(found.scores)
    table.attrs["notices"] = list(found.notices)
    return table


def check_report(output: Place) -> None:
    """Complain about a suffix that no report has, before the work is done.

    Raises:
        EvalkitError: The suffix is not one of ``.html``, ``.pdf``, ``.md``, ``.tex``, ``.csv``, ``.xlsx``, ``.json``.
    """
    comparisons.format_of(Path(output))


def report(comparison: Comparison, output: Place) -> None:
    """Write the report that the output's suffix names: ``evalkit.report(evalkit.compare(...), "report.html")``.

    Raises:
        EvalkitError: No form of report has that suffix, or the file cannot be written.
    """
    target = Path(output)
    entry = comparisons.format_of(target)
    content = entry.build(
        comparison=comparison, scores=comparison.scores, costs=comparison.costs, notices=comparison.notices
    )
    write_bytes(target, content if isinstance(content, bytes) else f"{content}\n".encode())


def replay(
    trackers: Names | None,
    dataset: str | None,
    sequence: str,
    output: Place,
    *,
    data: Place | None = None,
    results: Place = "results",
    fps: float | None = None,
    width: int | None = None,
) -> None:
    """Write a sequence with groundtruth and every tracker's box as ``.mp4`` or ``.gif``.

    Args:
        trackers: Labels; all that have results by default.
        dataset: Name of a benchmark; None for the only one that there are results of.
        fps: Frames per second; the video's by default.
        width: Of the picture at most, in pixels.

    Raises:
        EvalkitError: There is no such sequence, it has no frames or no results, or the suffix is another.
    """
    target = Path(output)
    entry = comparisons.format_of(target, "video")
    opened, name, runs = comparisons.collect_sequence(
        some(trackers), dataset, sequence, data=path(data), results=Path(results)
    )
    chosen = {} if width is None else {"width": width}
    write_bytes(target, entry.build(dataset=opened, sequence=name, runs=runs, fps=fps, **chosen))


def examine(data: Place | None = None, results: Place = "results") -> list[doctor.Finding]:
    """Look at this installation; see ``evalkit.doctor``."""
    return doctor.examine(path(data), Path(results))


def import_results(
    source: Place,
    layout: str,
    dataset: str,
    *,
    data: Place | None = None,
    results: Place = "results",
    label: str | None = None,
    protocol: str | None = None,
) -> importing.Imported:
    """Bring somebody else's results into the results folder; see ``evalkit.results.importing``."""
    opened = open_dataset(dataset, path(data))
    return importing.import_results(Path(source), layout, opened, Path(results), label=label, protocol=protocol)


def pack(
    dataset: str,
    tracker: str,
    output: Place,
    *,
    data: Place | None = None,
    results: Place = "results",
    protocol: str | None = None,
) -> packing.Packed:
    """Write a submission for an evaluation server; see ``evalkit.results.packing``."""
    return packing.pack(open_dataset(dataset, path(data)), tracker, Path(results), Path(output), protocol=protocol)


def check_archive(archive: Place, dataset: str, *, data: Place | None = None, protocol: str | None = None) -> list[str]:
    """What is wrong with a submission; see ``evalkit.results.packing.check``."""
    return packing.check(Path(archive), open_dataset(dataset, path(data)), protocol=protocol)


def check_data(
    name: str, *, data: Place | None = None, deep: bool = False
) -> tuple[Dataset, Iterable[data_check.Finding]]:
    """Look at a benchmark's files; see ``evalkit.data_check``. Findings come while one waits.

    Raises:
        EvalkitError: There is no such benchmark, or nothing of it where it was looked for.
    """
    dataset = open_dataset(name, path(data))
    return dataset, data_check.inspect(dataset, deep=deep)


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
    """Count and time trackers; see ``evalkit.cost.profiling.profile``."""
    from evalkit.cost import profiling

    return profiling.profile(
        names(trackers), create_tracker, weights=path(weights), runtimes=names(runtimes), precision=precision,
        device=device, threads=threads, rules=rules, settings=settings,
    )  # fmt: skip


def profile(trackers: Names, **options: Any) -> pd.DataFrame:
    """Count and time trackers.

    Args:
        **options: Those of ``costs``: ``weights``, ``runtimes``, ``precision``, ``device``, ``threads``, ``rules``,
            ``settings``.

    Returns:
        The columns of ``evalkit profile --format json``, one row a cost.
    """
    return frame(costs(trackers, **options))


def export(tracker: str, *, runtime: str, output: Place, **options: Any) -> dict[str, Any]:
    """Write a tracker's networks in a runtime's format; see ``evalkit.cost.exporting.export`` for the options."""
    from evalkit.cost import exporting

    return exporting.export(tracker, create_tracker, runtime=runtime, output=Path(output), **options)


def render_data(layout: str, output: Place, *, seed: int = 0, sequences: Names | None = None) -> list[str]:
    """Write the synthetic benchmark as files; see ``evalkit.rendering.write_as.render``."""
    return write_as.render(layout, Path(output), seed=seed, sequences=some(sequences))


def train(name: str, output: Place, **options: Any) -> Path:
    """Train a tracker's network by the recipe that its file registers as ``training``.

    Args:
        name: E.g. ``lighttrack-m`` or ``lighttrack:<path string>``.
        output: Folder of checkpoints, curve and weights.
        **options: What the recipe takes; see its ``train``.

    Raises:
        EvalkitError: There is no such tracker, or no recipe for it.
    """
    entry, variant = registry.tracker.find_variant(name)
    recipe = entry.training
    if recipe is None:
        known = ", ".join(one.name for one in registry.tracker.entries() if one.training is not None)
        raise EvalkitError("evalkit has no training recipe for this tracker", where=name, expected=known)
    weights: Path = importlib.import_module(recipe).train(variant, Path(output), **options)
    return weights


def merge(folders: Iterable[Place], results: Place) -> list[merging.Merged]:
    """See ``evalkit.results.merging.merge``."""
    return merging.merge([Path(folder) for folder in folders], Path(results))


def listing(kind: str) -> list[dict[str, Any]]:
    """One flat record for each of the trackers, datasets, metrics, reports or runtimes there are."""
    if kind == "metrics":
        return [_profile_record(name) for name in metric_profiles.PROFILES]
    if kind == "runtimes":
        from evalkit import runtimes

        return [one.record() for one in runtimes.listing()]
    registered: dict[str, registry.Registry[Any]] = {
        "trackers": registry.tracker, "datasets": registry.dataset, "reports": registry.report
    }  # fmt: skip
    return [{"name": entry.name, "summary": entry.summary} for entry in registered[kind].entries()]


def _profile_record(name: str) -> dict[str, Any]:
    profile = metric_profiles.PROFILES[name]
    metrics = ", ".join(metric.name for metric in profile.metrics)
    return {"name": name, "summary": f"protocols {', '.join(profile.protocols)}; metrics {metrics}"}
