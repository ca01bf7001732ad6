"""Compare scoring with the pysot and got10k toolkits, including reading the result files, in one process.

    python benchmarks/scoring.py --data ANNOTATIONS --results RESULTS --pysot CHECKOUT --got10k CHECKOUT

ANNOTATIONS contains VOT2019.json and the LaSOT toolkit's annotations, RESULTS one tracker on VOT2019. LaSOT's results
are generated: the annotations with noise. Runs are interleaved; the table gives the median CPU time and the ratio, for
evalkit with NumPy alone and, if numba is installed, with compiled loops. `benchmarks/README.md` describes how to get
the toolkits.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics as plain
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from evalkit import compiled, registry
from evalkit.io.rows import format_rows
from evalkit.metrics import profiles, statistics
from evalkit.results import layouts
from evalkit.types import Dataset

Job = Callable[[], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--tracker", default="LightTrack", help="name of a folder of VOT2019 results")
    parser.add_argument("--pysot", type=Path, help="checkout with its region module built")
    parser.add_argument("--got10k", type=Path, help="checkout; the published package lacks LaSOT")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument(
        "--trackers", type=int, default=0, help="score LaSOT for this number of trackers and print the peak memory"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        lasot = open_benchmark("lasot", options.data)
        noisy = Path(scratch) / "LaSOT" / "noisy"
        write_noisy(lasot, noisy)
        if options.trackers:
            measure_memory(lasot, noisy, options.trackers)
            return
        vot = open_benchmark("vot2019", options.data)
        vot_results = options.results / "VOT2019" / options.tracker
        compare_jobs(
            f"VOT2019 accuracy, robustness and EAO of {options.tracker}; annotations in memory",
            {**evalkit_jobs(vot, vot_results), **pysot_vot(options.pysot, vot, vot_results)},
            options.repeat,
        )
        compare_jobs(
            "LaSOT test AUC, precision, normalised precision; annotations in memory",
            {**evalkit_jobs(lasot, noisy), **pysot_lasot(options.pysot, lasot, noisy)},
            options.repeat,
        )
        fresh = partial(open_benchmark, "lasot", options.data)
        compare_jobs(
            "LaSOT test AUC, precision, normalised precision; including reading the annotations",
            {**evalkit_jobs(fresh, noisy, "got10k"), **got10k_lasot(options.got10k, lasot, noisy)},
            options.repeat,
        )
        time_cold_start(options.data, vot_results)
        time_intervals(lasot, noisy, vot, vot_results)


def open_benchmark(name: str, root: Path) -> Dataset:
    """Open a dataset and read all of its annotations."""
    dataset: Dataset = registry.dataset.find(name).build(root=root)
    for sequence in dataset.sequences:
        _ = sequence.annotation
    return dataset


def write_noisy(lasot: Dataset, folder: Path) -> None:
    """Write the annotations with noise as results, with four decimals as most trackers write them."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for sequence in lasot.sequences:
        noise = random.normal(0, 0.1, sequence.groundtruth.shape) * np.maximum(sequence.groundtruth[:, [2, 3, 2, 3]], 1)
        (folder / f"{sequence.name}.txt").write_text(format_rows(np.round(sequence.groundtruth + noise, 4)))


def score(dataset: Dataset, folder: Path, profile: str | None = None) -> list[Any]:
    """Read the results in a folder and score them."""
    protocol = dataset.protocols[0]
    runs = {item.name: layouts.read(folder, dataset, item, protocol) for item in dataset.sequences}
    return profiles.score(profile or dataset.profiles[0], dataset, folder.name, protocol, runs, confidence=None)


def evalkit_jobs(dataset: Dataset | Callable[[], Dataset], folder: Path, profile: str | None = None) -> dict[str, Job]:
    def job(variant: str) -> Job:
        def run() -> Any:
            compiled._installed = lambda: variant == "compiled"  # type: ignore[assignment]
            return score(dataset() if callable(dataset) else dataset, folder, profile)

        return run

    variants = ["NumPy", "compiled"] if compiled._installed() else ["NumPy"]
    if "compiled" in variants:
        with suppress(ImportError):
            import numba  # noqa: F401  imported before timing; the cold start is measured separately
    return {f"evalkit, {variant}": job(variant) for variant in variants}


def compare_jobs(title: str, jobs: dict[str, Job], repeat: int) -> None:
    """Run the jobs interleaved and print the median CPU time of each."""
    print(f"\n{title}")
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for job in jobs.values():
        run_silently(job)
    for _ in range(repeat):
        for name, job in jobs.items():
            start = time.process_time()
            run_silently(job)
            seconds[name].append(time.process_time() - start)
    slowest = max(plain.median(found) for found in seconds.values())
    for name, found in seconds.items():
        median = plain.median(found)
        print(f"  {name:24} {median:7.3f} s CPU [{min(found):.3f}-{max(found):.3f}]   {slowest / median:6.1f}x")


def run_silently(job: Job) -> Any:
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        return job()


def pysot_vot(checkout: Path | None, vot: Dataset, folder: Path) -> dict[str, Job]:
    if checkout is None:
        return {}
    sys.path.insert(0, str(checkout))
    from toolkit.datasets.vot import VOTVideo
    from toolkit.evaluation import AccuracyRobustnessBenchmark, EAOBenchmark

    videos = PysotVideos("VOT2019", folder.parent)
    for sequence in vot.sequences:
        video = VOTVideo.__new__(VOTVideo)
        rows = [region_numbers(sequence.region(index)) for index in range(len(sequence))]
        width, height = sequence.size or (0, 0)
        video.__dict__.update(
            name=sequence.name, gt_traj=rows, width=width, height=height, pred_trajs={}, tags={"all": [1] * len(rows)}
        )
        videos.append(video)

    def run() -> None:
        AccuracyRobustnessBenchmark(videos).eval([folder.name])
        EAOBenchmark(videos, tags=["all"]).eval([folder.name])

    return {"pysot": run}


def pysot_lasot(checkout: Path | None, lasot: Dataset, folder: Path) -> dict[str, Job]:
    if checkout is None:
        return {}
    from toolkit.datasets.lasot import LaSOTVideo
    from toolkit.evaluation import OPEBenchmark

    videos = PysotVideos("LaSOT", folder.parent)
    for sequence in lasot.sequences:
        video = LaSOTVideo.__new__(LaSOTVideo)
        present = (~np.asarray(sequence.flags["absent"], bool)).astype(np.int8)
        video.__dict__.update(name=sequence.name, gt_traj=sequence.groundtruth.tolist(), absent=present, pred_trajs={})
        videos.append(video)

    def run() -> None:
        benchmark = OPEBenchmark(videos)
        for part in (benchmark.eval_success, benchmark.eval_precision, benchmark.eval_norm_precision):
            part([folder.name])

    return {"pysot": run}


class PysotVideos(list[Any]):
    """Dataset with the interface that pysot's benchmarks use, without images."""

    def __init__(self, name: str, tracker_path: Path) -> None:
        super().__init__()
        self.name = name
        self.tracker_path = str(tracker_path)

    def __getitem__(self, key: Any) -> Any:
        return next(video for video in self if video.name == key) if isinstance(key, str) else super().__getitem__(key)


def region_numbers(region: Any) -> list[float]:
    if hasattr(region, "points"):
        return [float(value) for value in region.points.ravel()]
    return [float(value) for value in region.array()]


def got10k_lasot(checkout: Path | None, lasot: Dataset, folder: Path) -> dict[str, Job]:
    if checkout is None:
        return {}
    sys.path.insert(0, str(checkout))
    from got10k.experiments.lasot import ExperimentLaSOT

    root = Path(str(lasot.root)) / "annos" if (Path(str(lasot.root)) / "annos").is_dir() else None
    files = sorted((root or Path(str(lasot.root))).rglob("*.txt"))
    where = {path.stem: path for path in files if path.parent.name == "annos"}

    class Annotations:
        """got10k's dataset without the search for image files."""

        seq_names = tuple(sequence.name for sequence in lasot.sequences)

        def __len__(self) -> int:
            return len(self.seq_names)

        def __getitem__(self, index: int) -> Any:
            return None, np.loadtxt(where[self.seq_names[index]], delimiter=",")

    experiment = ExperimentLaSOT.__new__(ExperimentLaSOT)
    experiment.__dict__.update(
        dataset=Annotations(), result_dir=str(folder.parent), report_dir=str(folder.parent / "reports"),
        nbins_iou=21, nbins_ce=51, nbins_nce=51, plot_curves=lambda names: None,
    )  # fmt: skip
    return {"got10k": partial(experiment.report, [folder.name])}


def time_cold_start(data: Path, vot_results: Path) -> None:
    """Print the CPU time of scoring in a new process, including imports and annotations."""
    print("\nVOT2019 from a cold start, including imports and annotations")
    code = (
        "import sys; sys.path.insert(0, 'benchmarks'); from pathlib import Path; import scoring; "
        f"scoring.score(scoring.open_benchmark('vot2019', Path({str(data)!r})), Path({str(vot_results)!r}))"
    )
    for variant, choice in (("NumPy", "0"), ("compiled", "1")):
        if variant == "compiled" and not compiled._installed():
            continue
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "EVALKIT_COMPILE": choice})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"  evalkit, {variant:15} {seconds:7.3f} s CPU")


def time_intervals(lasot: Dataset, noisy: Path, vot: Dataset, vot_results: Path) -> None:
    """Print the CPU time of 10,000 resamples with their interval."""
    print("\n10,000 resamples with their interval")
    for dataset, folder, metric, count in ((lasot, noisy, "auc", 100), (vot, vot_results, "eao", 60)):
        protocol = dataset.protocols[0]
        runs = {item.name: layouts.read(folder, dataset, item, protocol) for item in dataset.sequences}
        measures, _ = profiles.measure(dataset.profiles[0], dataset, protocol, runs)
        chosen = next(item for item in measures if item.metric.name == metric)
        chosen = chosen.only(frozenset(chosen.sequences[:count]))
        start = time.process_time()
        statistics.interval(chosen, statistics.resample(count, 10_000))
        print(f"  {metric} of {count} sequences    {time.process_time() - start:7.3f} s CPU")


def measure_memory(lasot: Dataset, noisy: Path, trackers: int) -> None:
    """Print the peak memory after the first and the last of several trackers."""
    for number in range(1, trackers + 1):
        score(lasot, noisy)
        if number in (1, trackers):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"peak memory after {number:3} trackers on LaSOT test: {peak:.0f} MiB")


if __name__ == "__main__":
    main()
