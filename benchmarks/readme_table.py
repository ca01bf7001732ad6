"""Generate the README's table of trackers and benchmarks: evalkit's numbers next to published ones.

    python benchmarks/readme_table.py ANNOTATIONS RESULTS [--write]

ANNOTATIONS contains VOT2018.json and VOT2019.json, RESULTS the raw results that authors published, as
``<BENCHMARK>/<name>/baseline/...``. Costs are counted on the networks that evalkit builds; no weights are needed.
With ``--write`` the table replaces the one in README.md.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from evalkit import api
from evalkit.cost import macs
from evalkit.trackers._lighttrack.architecture import MOBILE, parse_path_string
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._nanotrack.network import NanoTrack
from evalkit.trackers._ocean.network import Ocean
from evalkit.trackers._siamrpn.network import SiamRPN
from evalkit.trackers.siamrpn import CONFIGURATIONS

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT / "reports" / "published" / "numbers.csv"
RAW_RESULTS = {"lighttrack-m": "LightTrack", "nanotrack-v1": "NanoTrack"}
"""Folder names of published raw results, by tracker."""

SEARCH = {
    "lighttrack-m": 256, "nanotrack-v1": 255, "nanotrack-v2": 255, "nanotrack-v3": 255,
    "siamrpnpp-alexnet": 287, "siamrpnpp-mobilenetv2": 255, "siamrpnpp-r50": 255, "ocean": 255,
}  # fmt: skip
"""Side of the search crop in pixels for which the counts were published."""

HEADS = ("tracker", "VOT2018 EAO", "published", "VOT2019 EAO", "published",
         "MACs (M)", "published", "params (M)", "published")  # fmt: skip
MARK = "<!-- made by benchmarks/readme_table.py -->"
MILLIONS = {"G": 1e3, "M": 1.0, "K": 1e-3}


def build_network(tracker: str) -> nn.Module:
    """Build the network of a tracker with random weights."""
    if tracker.startswith("siamrpnpp"):
        chosen = CONFIGURATIONS[tracker]
        return SiamRPN(chosen.backbone, inputs=chosen.inputs, channels=chosen.channels, weighted=chosen.weighted)
    if tracker.startswith("nanotrack"):
        return NanoTrack(int(tracker[-1]))
    return LightTrack(parse_path_string(MOBILE)) if tracker == "lighttrack-m" else Ocean(aligned=False)


def count_costs(tracker: str) -> macs.Count:
    """Count MACs and parameters of the search branch."""
    size = SEARCH[tracker]
    with torch.device("meta"):
        built = build_network(tracker).eval()
        features = built.template(torch.zeros(1, 3, 127, 127))  # type: ignore[operator]
        image = torch.zeros(1, 3, size, size)
    return macs.count(built, [image, *(features if isinstance(features, (tuple, list)) else [features])])


def published_numbers() -> dict[tuple[str, str, str], str]:
    """Return published values by tracker, benchmark and metric, as printed; costs in millions; the first row wins."""
    found: dict[tuple[str, str, str], str] = {}
    with PUBLISHED.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            value, factor = row["value"], MILLIONS.get(row["unit"])
            if factor is not None:
                value = f"{float(value) * factor:,.2f}".rstrip("0").rstrip(".")
            found.setdefault((row["tracker"], row["benchmark"], row["metric"]), value)
    return found


def published_eao(tracker: str, benchmark: str, annotations: Path, results: Path) -> str:
    """Score the EAO of the authors' raw results; return "" if they published none."""
    label = RAW_RESULTS.get(tracker)
    if label is None or not (results / benchmark.upper() / label).is_dir():
        return ""
    table = api.score(benchmark, data=annotations, results=results, trackers=label)
    return f"{table.loc[table['metric'] == 'eao', 'value'].item():.3f}"


def table_rows(annotations: Path, results: Path) -> Iterator[tuple[str, ...]]:
    claims = published_numbers()
    for tracker in SEARCH:
        cells = [f"`{tracker}`"]
        for benchmark in ("vot2018", "vot2019"):
            cells += [
                published_eao(tracker, benchmark, annotations, results),
                claims.get((tracker, benchmark, "eao"), ""),
            ]
        counted = count_costs(tracker)
        cells += [f"{counted.macs('thop-2020') / 1e6:,.1f}", claims[tracker, "cost", "flops"]]
        cells += [f"{counted.parameters / 1e6:.2f}", claims[tracker, "cost", "params"]]
        yield tuple(cell or "-" for cell in cells)


def table(annotations: Path, results: Path) -> str:
    """Return the table as Markdown."""
    lines = [HEADS, ("---", *["--:"] * (len(HEADS) - 1)), *table_rows(annotations, results)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def in_readme(text: str) -> re.Match[str]:
    """Find the table below ``MARK`` in the README's text."""
    found = re.search(rf"(?<={re.escape(MARK)}\n\n)(?:\|.*\n)+", text)
    if found is None:
        sys.exit(f"README.md has no table below {MARK}")
    return found


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
    if len(arguments) != 2:
        sys.exit(__doc__)
    made = table(*map(Path, arguments))
    print(made)
    if "--write" in sys.argv:
        readme = ROOT / "README.md"
        text = readme.read_text(encoding="utf-8")
        start, end = in_readme(text).span()
        readme.write_text(f"{text[:start]}{made}\n{text[end:]}", encoding="utf-8")


if __name__ == "__main__":
    main()
