"""What evalkit does, for Python users and for the command line, which only parses and prints.

>>> import evalkit
>>> report = evalkit.run(["identity"], sequences=["scale"])
>>> score = report.scores[0]
>>> score.metric, score.profile, score.sequences, score.expected_sequences
('auc', 'otb-matlab', 1, 12)
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit import comparison as comparisons
from evalkit import doctor, inspection, registry
from evalkit.comparison import Comparison
from evalkit.engine.work import open_dataset
from evalkit.errors import EvalkitError
from evalkit.fetching import fetch_weights as fetch_weights
from evalkit.fetching import list_weights as list_weights
from evalkit.fetching import verify_weights as verify_weights
from evalkit.metrics import profiles as metric_profiles
from evalkit.regression import diff as diff
from evalkit.regression import regress as regress
from evalkit.regression import render_divergence as render_divergence
from evalkit.regression import render_regression as render_regression
from evalkit.rendering import layouts
from evalkit.results import importing, merging, packing
from evalkit.results.atomic import write_bytes
from evalkit.running import RunReport as RunReport
from evalkit.running import run as run
from evalkit.scoring import score as score
from evalkit.scoring import score_matrix as score_matrix
from evalkit.types import Cost, Dataset, Tracker


def render(form: str, **content: Any) -> str:
    """Write scores and costs as text.

    Args:
        form: ``table``, ``json``, ``csv``, ``markdown`` or ``latex``.
        **content: ``scores``, ``costs``, ``notices``: what the form names is used.

    Raises:
        EvalkitError: No report has that name.
    """
    entry, _ = registry.report.find(form)
    return str(entry.build(**content))


def report(
    trackers: Sequence[str] | None,
    datasets: Sequence[str],
    output: Path,
    *,
    data: Path | None = None,
    results: Path = Path("results"),
    profiles: Sequence[str] | None = None,
    costs: Sequence[Path] = (),
    allow_partial: bool = False,
    replay: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    jobs: int = 1,
) -> Comparison:
    """Compare trackers by what result files say, and write the report that the output's suffix names.

    Args:
        trackers: Labels; all that have results by default. A name without results stands for its published numbers.
        output: Ends in ``.html``, ``.pdf``, ``.md``, ``.tex``, ``.csv``, ``.xlsx`` or ``.json``.
        replay: Sequences to show frame by frame; only these need frames.
        names: By label, the tracker whose published numbers stand beside it, where the label does not say it.
        jobs: Processes to read and score with; more than one needs a main module that can be imported again.

    Raises:
        EvalkitError: No form of report has that suffix; see ``evalkit.comparison.gather``.
    """
    entry = comparisons.form_of(output)
    gathered = comparisons.gather(
        trackers, datasets, data=data, results=results, profiles=profiles, costs=costs,
        allow_partial=allow_partial, replay=replay, names=names, jobs=jobs,
    )  # fmt: skip
    content = entry.build(comparison=gathered, scores=gathered.scores, costs=gathered.costs, notices=gathered.notices)
    write_bytes(output, content if isinstance(content, bytes) else f"{content}\n".encode())
    return gathered


def replay(
    trackers: Sequence[str] | None,
    dataset: str,
    sequence: str,
    output: Path,
    *,
    data: Path | None = None,
    results: Path = Path("results"),
    fps: float | None = None,
    width: int | None = None,
) -> None:
    """Write a sequence with groundtruth and every tracker's box as ``.mp4`` or ``.gif``.

    Args:
        trackers: Labels; all that have results by default.
        fps: Frames per second; the video's by default.
        width: Of the picture at most, in pixels.

    Raises:
        EvalkitError: There is no such sequence, it has no frames or no results, or the suffix is another.
    """
    entry = comparisons.form_of(output, "video")
    opened, name, runs = comparisons.gather_sequence(trackers, dataset, sequence, data=data, results=results)
    chosen = {} if width is None else {"width": width}
    write_bytes(output, entry.build(dataset=opened, sequence=name, runs=runs, fps=fps, **chosen))


def examine(data: Path | None = None, results: Path = Path("results")) -> list[doctor.Finding]:
    """Look at this installation; see ``evalkit.doctor``."""
    return doctor.examine(data, results)


def import_results(
    source: Path,
    layout: str,
    dataset: str,
    *,
    data: Path | None = None,
    results: Path = Path("results"),
    label: str | None = None,
    protocol: str | None = None,
) -> importing.Imported:
    """Bring somebody else's results into the results folder; see ``evalkit.results.importing``."""
    opened = open_dataset(dataset, data)
    return importing.import_results(source, layout, opened, results, label=label, protocol=protocol)


def pack(
    dataset: str,
    tracker: str,
    output: Path,
    *,
    data: Path | None = None,
    results: Path = Path("results"),
    protocol: str | None = None,
) -> packing.Packed:
    """Write a submission for an evaluation server; see ``evalkit.results.packing``."""
    return packing.pack(open_dataset(dataset, data), tracker, results, output, protocol=protocol)


def check_archive(path: Path, dataset: str, *, data: Path | None = None, protocol: str | None = None) -> list[str]:
    """What is wrong with a submission; see ``evalkit.results.packing.check``."""
    return packing.check(path, open_dataset(dataset, data), protocol=protocol)


def check_data(
    name: str, *, data: Path | None = None, deep: bool = False
) -> tuple[Dataset, Iterable[inspection.Finding]]:
    """Look at a benchmark's files; see ``evalkit.inspection``. Findings come while one waits.

    Raises:
        EvalkitError: There is no such benchmark, or nothing of it where it was looked for.
    """
    dataset = open_dataset(name, data)
    return dataset, inspection.inspect(dataset, deep=deep)


def profile(trackers: Sequence[str], **options: Any) -> list[Cost]:
    """Count and time trackers; see ``evalkit.cost.profiling.profile`` for the options."""
    from evalkit.cost import profiling

    return profiling.profile(trackers, registry.create_tracker, **options)


def export(tracker: str, **options: Any) -> dict[str, Any]:
    """Write a tracker's networks in a runtime's format; see ``evalkit.cost.exporting.export`` for the options."""
    from evalkit.cost import exporting

    return exporting.export(tracker, registry.create_tracker, **options)


def render_data(layout: str, output: Path, *, seed: int = 0, sequences: Sequence[str] | None = None) -> list[str]:
    """Write the synthetic benchmark as files; see ``evalkit.rendering.layouts.render``."""
    return layouts.render(layout, output, seed=seed, sequences=sequences)


def train(name: str, output: Path, **options: Any) -> Path:
    """Train a tracker's network by the recipe that its file registers as ``training``.

    Args:
        name: E.g. ``lighttrack-m`` or ``lighttrack:<path string>``.
        output: Folder of checkpoints, curve and weights.
        **options: What the recipe takes; see its ``train``.

    Raises:
        EvalkitError: There is no such tracker, or no recipe for it.
    """
    entry, variant = registry.tracker.find(name)
    recipe = entry.facts.get("training")
    if recipe is None:
        raise EvalkitError("evalkit has no training recipe for this tracker", where=name)
    weights: Path = importlib.import_module(recipe).train(variant, output, **options)
    return weights


def create_tracker(name: str, **offered: Any) -> Tracker:
    """See ``evalkit.registry.create_tracker``."""
    return registry.create_tracker(name, **offered)


def merge(folders: Sequence[Path], results: Path) -> list[merging.Merged]:
    """See ``evalkit.results.merging.merge``."""
    return merging.merge(folders, results)


def listing(kind: str) -> list[dict[str, Any]]:
    """One flat record for each of the trackers, datasets, metrics, reports or runtimes there are."""
    if kind == "metrics":
        return [_profile_record(name) for name in metric_profiles.PROFILES]
    if kind == "runtimes":
        from evalkit import runtimes

        return [one.record() for one in runtimes.listing()]
    registered = {"trackers": registry.tracker, "datasets": registry.dataset, "reports": registry.report}[kind]
    return [{"name": entry.name, "summary": entry.summary} for entry in registered.entries()]


def _profile_record(name: str) -> dict[str, Any]:
    profile = metric_profiles.PROFILES[name]
    metrics = ", ".join(metric.name for metric in profile.metrics)
    return {"name": name, "summary": f"protocols {', '.join(profile.protocols)}; metrics {metrics}"}
