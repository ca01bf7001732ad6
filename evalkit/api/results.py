"""Score, compare, convert and pack stored results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from evalkit import comparison as comparisons
from evalkit import progress, protocols, registry, score_report
from evalkit.arguments import Names, Place, names, path, some
from evalkit.comparison import Comparison, TableOptions
from evalkit.dataframes import by_sequence, frame
from evalkit.errors import EvalkitError
from evalkit.factories import open_dataset
from evalkit.io.atomic import write_bytes
from evalkit.results import converting, importing, merging, packing, published
from evalkit.types import Cost, Score

if TYPE_CHECKING:
    import pandas as pd


def score(
    dataset: Names | None = None,
    *,
    data: Place | None = None,
    results: Place = "results",
    trackers: Names | None = None,
    exclude: Names = (),
    profiles: Names | None = None,
    protocol: str | None = None,
    sequences: Names | None = None,
    attributes: bool = False,
    allow_partial: bool = False,
    per_sequence: bool = False,
    intervals: bool = True,
    fps: Sequence[float] | None = None,
    latency: float | None = None,
) -> pd.DataFrame:
    """Score stored results, evalkit's own or another toolkit's; frames are not needed.

    Args:
        per_sequence: Return one row per sequence instead of one per dataset; metrics that are not a mean over
            sequences have none.

    The other arguments, and the errors, are those of ``evalkit.score_report.scores``.

    Returns:
        One row per score with the columns of ``evalkit score --format json``; ``attrs["notices"]`` holds sentences
        that a reader of the scores has to know.
    """
    found = score_report.scores(
        dataset, data=data, results=results, trackers=trackers, exclude=exclude, profiles=profiles, protocol=protocol,
        sequences=sequences, attributes=attributes, allow_partial=allow_partial, intervals=intervals, fps=fps,
        latency=latency,
    )  # fmt: skip
    table = by_sequence(found.scores) if per_sequence else frame(found.scores)
    table.attrs["notices"] = list(found.notices)
    return table


def render(
    format: str,  # noqa: A002 - as on the command line
    *,
    scores: Sequence[Score] = (),
    costs: Sequence[Cost] = (),
    notices: Sequence[str] = (),
    rows: Sequence[dict[str, Any]] | None = None,
    width: int | None = None,
    bold: bool = False,
) -> str:
    """Write scores and costs as text.

    Args:
        format: ``table``, ``json``, ``csv``, ``markdown``, ``latex`` or ``profile``.
        notices: Sentences below the table.
        rows: Any other flat records; not for ``profile``.
        width: Largest number of characters in a line of ``table`` and ``profile``; None for any number.
        bold: Whether ``table`` marks the best value of a column by a terminal's escape sequence.

    Raises:
        UnknownName: No report format has that name.
    """
    entry = registry.report.find(format)
    content: dict[str, Any] = {"scores": scores, "costs": costs, "notices": notices}
    content |= {} if rows is None else {"rows": rows}
    style = {"width": width, "bold": bold}
    content |= {name: value for name, value in style.items() if name in entry.parameters}
    return str(entry.build(**content))


def check_report(output: Place) -> None:
    """Refuse a file name suffix that no report format has, before any work is done.

    Raises:
        EvalkitError: The suffix is not one of ``.html``, ``.pdf``, ``.md``, ``.tex``, ``.csv``, ``.xlsx``, ``.json``.
    """
    comparisons.format_of(Path(output))


def report(
    comparison: Comparison,
    output: Place,
    *,
    metrics: Names | None = None,
    percent: bool = False,
    intervals: bool = True,
    order: Literal["given", "best"] = "best",
    page_megabytes: float | None = None,
) -> None:
    """Write a report in the format of the output's suffix: ``evalkit.report(evalkit.compare(...), "report.html")``.

    Args:
        comparison: What the report is about.
        output: The file.
        metrics: Write one table with these columns instead of a whole report: names of metrics, and of the costs
            ``macs``, ``parameters``, ``fps`` and ``latency_p50``; grouped by dataset.
        percent, intervals, order: See ``evalkit.comparison.TableOptions``; with ``metrics`` only.
        page_megabytes: Size of an HTML page, at most; 5 by default. Frames, and after them values of curves, are left
            out of a larger page, which says so.

    Raises:
        EvalkitError: No report format has that suffix, no tracker has a metric, or the file cannot be written.
    """
    target = Path(output)
    entry = comparisons.format_of(target)
    table = None if metrics is None else TableOptions(names(metrics), percent, intervals, order)
    if table is not None and "table" not in entry.parameters:
        raise EvalkitError(
            "this format has no table of chosen metrics",
            where=f"--output {output}",
            hint="Use .tex, .md, .html or .xlsx",
        )
    progress.tell(f"writing {target.name}")
    content = entry.build(
        comparison=comparison, scores=comparison.scores, costs=comparison.costs, notices=comparison.notices,
        table=table, page_bytes=None if page_megabytes is None else int(1e6 * page_megabytes),
    )  # fmt: skip
    write_bytes(target, content if isinstance(content, bytes) else f"{content}\n".encode())


def report_figures(
    comparison: Comparison,
    folder: Place,
    *,
    formats: Names = "pdf",
    width: str | float = "column",
) -> list[Path]:
    """Write every figure of a report as a file of its own, for a paper.

    Args:
        comparison: What the figures are about.
        folder: Folder of the files; existing files of the same name are replaced.
        formats: ``pdf``, ``svg``, ``png``, ``pgf``; ``pgf`` needs LaTeX.
        width: Width of a figure: ``column`` (229 pt), ``page`` (469 pt), or a number of points.

    Returns:
        The files, in the order of the figures.

    Raises:
        EvalkitError: There is no such format or width, LaTeX is missing, or a file cannot be written.
    """
    progress.tell("drawing figures")
    files = registry.report.find("figures").build(comparison=comparison, formats=names(formats), width=width)
    paths = [Path(folder) / name for name in files]
    for target, content in zip(paths, files.values(), strict=True):
        write_bytes(target, content)
    return paths


def replay(
    trackers: Names | None,
    dataset: str | None,
    sequence: str,
    output: Place,
    *,
    data: Place | None = None,
    results: Place = "results",
    exclude: Names = (),
    protocol: str | None = None,
    fps: float | None = None,
    width: int | None = None,
) -> None:
    """Write a sequence with its groundtruth and every tracker's box as ``.mp4`` or ``.gif``.

    Args:
        trackers: Labels of the results; all that have a result on the sequence by default.
        dataset: Name of a dataset; by default the only one that there are results of.
        exclude: Labels to leave out.
        protocol: Protocol of the results; the dataset's official one by default.
        fps: Frames per second; the video's own rate by default.
        width: Maximal width of the picture in pixels.

    Raises:
        UnknownName: There is no such sequence.
        EvalkitError: It has no frames or no results, or the suffix is another one.
    """
    target = Path(output)
    entry = comparisons.format_of(target, "video")
    opened, name, runs = comparisons.collect_sequence(
        some(trackers),
        dataset,
        sequence,
        data=path(data),
        results=Path(results),
        exclude=names(exclude),
        protocol=protocol,
    )
    chosen = {} if width is None else {"width": width}
    progress.tell(f"drawing {opened.name}/{name}")
    write_bytes(target, entry.build(dataset=opened, sequence=name, runs=runs, fps=fps, **chosen))


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
    """Import another toolkit's raw results into the results folder; see ``evalkit.results.importing``."""
    opened = open_dataset(dataset, path(data))
    chosen = protocols.choose(opened, protocol)
    return importing.import_results(Path(source), layout, opened, Path(results), label=label, protocol=chosen)


def convert(
    dataset: str,
    tracker: str,
    layout: str,
    output: Place,
    *,
    data: Place | None = None,
    results: Place = "results",
    protocol: str | None = None,
) -> converting.Converted:
    """Write stored results in another toolkit's layout; frames are not needed.

    Args:
        dataset: Name of the dataset.
        tracker: Label of the results.
        layout: Name of the layout to write, or ``path/to/file.py:Class``.
        output: Folder that receives the tracker's folder.
        data: Folder of the dataset, or a folder that contains it.
        results: Folder with ``<BENCHMARK>/<label>/...``.
        protocol: Name of the protocol of the results; by default the dataset's official one.

    Raises:
        UnknownName: There is no such dataset, layout or protocol.
        MissingResults: The tracker has no results on the dataset.
        EvalkitError: The layout cannot hold these results, or ``output`` already holds the tracker's folder.
    """
    opened = open_dataset(dataset, path(data))
    chosen = protocols.choose(opened, protocol)
    return converting.convert(opened, tracker, Path(results), layout, Path(output), protocol=chosen)


def list_results(dataset: Names | None = None) -> list[dict[str, Any]]:
    """Return one flat record per published raw result; see ``evalkit.results.published``.

    Args:
        dataset: Names of the only datasets to list.

    Raises:
        UnknownName: There is no such dataset.
    """
    chosen = None if dataset is None else {registry.dataset.find(name).name for name in names(dataset)}
    found = published.published_results().values()
    return [one.record() for one in found if chosen is None or one.dataset in chosen]


def fetch_results(
    name: str,
    *,
    data: Place | None = None,
    results: Place = "results",
    label: str | None = None,
    progress: published.FileProgress | None = None,
) -> importing.Imported:
    """Download published raw results, verify them, and import them into the results folder.

    Args:
        name: A name of ``list_results``.
        data: Folder of the dataset; its annotations are enough.
        label: Label of the results; that of the catalogue if None.
        progress: Called with the numbers of complete files and of all files.

    Raises:
        UnknownName: There are no published results of that name.
        EvalkitError: The dataset is not found; or as ``evalkit.results.published.download_results`` and
            ``import_results``.
    """
    entry = published.find_published(name)
    opened = open_dataset(entry.dataset, path(data))
    folder = published.download_results(entry, progress=progress)
    return importing.import_results(
        folder, entry.layout, opened, Path(results), label=label or entry.tracker, provenance=entry.provenance
    )


def pack(
    dataset: str,
    tracker: str,
    output: Place,
    *,
    data: Place | None = None,
    results: Place = "results",
    protocol: str | None = None,
) -> packing.Packed:
    """Write a submission archive for an evaluation server; see ``evalkit.results.packing``."""
    opened = open_dataset(dataset, path(data))
    chosen = protocols.choose(opened, protocol)
    return packing.pack(opened, tracker, Path(results), Path(output), protocol=chosen)


def check_archive(archive: Place, dataset: str, *, data: Place | None = None, protocol: str | None = None) -> list[str]:
    """Return what is wrong with a submission archive; see ``evalkit.results.packing.check``."""
    opened = open_dataset(dataset, path(data))
    return packing.check(Path(archive), opened, protocol=protocols.choose(opened, protocol))


def merge(folders: Iterable[Place], results: Place = "results") -> list[merging.Merged]:
    """Join the results of shards in one folder; see ``evalkit.results.merging.merge``."""
    return merging.merge([Path(folder) for folder in folders], Path(results))
