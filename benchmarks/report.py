"""Time a report of ten trackers on OTB-100 and VOT2018, from annotations and imported results.

    python benchmarks/report.py ANNOTATIONS RESULTS

ANNOTATIONS contains OTB100 rows and ``VOT2018.json``; RESULTS contains ``OTB100/<tracker>`` and ``VOT2018/<tracker>``.
Trackers are linked under new names until there are ten of each. The script prints the seconds for reading and scoring,
the seconds for composing and drawing, and the size of the page.
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
import time
from pathlib import Path

from evalkit import comparison, registry

TRACKERS = 10


def link_trackers(source: Path, target: Path) -> list[str]:
    """Link the trackers of a benchmark under ten names and return these names."""
    target.mkdir(parents=True)
    folders = itertools.cycle(sorted(path for path in source.iterdir() if path.is_dir()))
    names = [f"tracker-{number}" for number in range(TRACKERS)]
    for name, folder in zip(names, folders, strict=False):
        (target / name).symlink_to(folder.resolve(), target_is_directory=True)
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("results", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder)
        for benchmark in ("OTB100", "VOT2018"):
            names = link_trackers(given.results / benchmark, results / benchmark)
        start, worked = time.perf_counter(), os.times()
        gathered = comparison.collect(
            names, ["otb100", "vot2018"], data=given.annotations, results=results, jobs=os.cpu_count() or 1
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
