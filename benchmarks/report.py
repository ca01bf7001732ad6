"""Time a report of several trackers on OTB-100, LaSOT and VOT2018, from annotations and imported results.

    python benchmarks/report.py ANNOTATIONS RESULTS [--trackers 8] [--jobs N]

ANNOTATIONS contains OTB100 rows, LaSOT's annotations and ``VOT2018.json``; RESULTS contains ``OTB100/<tracker>``,
``LaSOT/<tracker>`` and ``VOT2018/<tracker>``, or some of them. Trackers are linked under new names until there are
enough on each benchmark. The script prints the seconds for reading and scoring, the seconds for composing and drawing,
and the size of the page. NumPy runs in one thread, as in `evalkit report`.
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
import time
from pathlib import Path

from evalkit.engine.threads import thread_environment

os.environ.update(thread_environment(1))
from evalkit import comparison, registry

BENCHMARKS = {"OTB100": "otb100", "LaSOT": "lasot", "VOT2018": "vot2018"}
"""Name of each benchmark by the name of its folder of results."""


def link_trackers(source: Path, target: Path, count: int) -> list[str]:
    """Link the trackers of a benchmark under ``count`` names and return these names."""
    target.mkdir(parents=True)
    folders = itertools.cycle(sorted(path for path in source.iterdir() if path.is_dir()))
    names = [f"tracker-{number}" for number in range(count)]
    for name, folder in zip(names, folders, strict=False):
        (target / name).symlink_to(folder.resolve(), target_is_directory=True)
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--trackers", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    folders = [name for name in BENCHMARKS if (given.results / name).is_dir()]
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder)
        for benchmark in folders:
            names = link_trackers(given.results / benchmark, results / benchmark, given.trackers)
        start, worked = time.perf_counter(), os.times()
        gathered = comparison.collect(
            names, [BENCHMARKS[name] for name in folders], data=given.annotations, results=results, jobs=given.jobs
        )
        middle = time.perf_counter()
        page = registry.report.find("html").build(comparison=gathered)
        end, now = time.perf_counter(), os.times()
    own = now.user + now.system - worked.user - worked.system
    workers = now.children_user + now.children_system - worked.children_user - worked.children_system
    print(f"read and score {middle - start:6.1f} s    CPU of workers {workers:.1f} s")
    print(f"draw           {end - middle:6.1f} s    CPU here {own:.1f} s")
    print(f"page           {len(page.encode()) / 1e6:6.2f} MB   {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
