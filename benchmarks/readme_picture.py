"""Make the picture of the README from a report of evalkit on the rendered benchmark.

    python benchmarks/readme_picture.py [--results DIR] [--output docs/images/report.png]

The script runs trackers that need no download on ``synthetic`` (results that exist in DIR are used as they are), writes
their report, and lets Chromium draw parts of it next to one another: the scores, the success plot, the ranking and a
frame of the replay. Nothing of a third party is in the picture.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import cv2

from evalkit import api
from evalkit.errors import EvalkitError
from evalkit.reports.pdf import find_browser

TRACKERS = ("lighttrack-m", "opencv-mil", "mosse", "identity")
REPLAY = "turning"
WIDTH, HEIGHT = 1240, 790
SCALE = 2
"""Pixels of the picture for each pixel of the page, before its colours are reduced."""

STYLE = """
body { overflow: hidden; }
nav { margin-top: .7rem; }
header { padding-top: 1.1rem; }
main { display: grid; grid-template-columns: 1.1fr 1fr 1.15fr; gap: 0 1.5rem; align-items: start; padding-top: .6rem; }
main > *, section > *, section > .figures, section > .frames, section > .tables { display: none; }
.player > .note, .values, .controls button[data-jump] { display: none !important; }
#theme, #show-all, #show-none, figcaption, h3 { display: none !important; }
main > #synthetic-scores, main > [id$="-replay"], #synthetic-scores > .figures { display: contents; }
#synthetic-scores > .tables { display: block; grid-column: 1 / -1; }
#synthetic-scores .table { margin-bottom: 1rem; }
#synthetic-scores figure { display: none; }
#synthetic-scores figure[id$="-auc-curve"], #synthetic-scores figure[id$="ranking-plot"] { display: block; }
[id$="-replay"] > .player { display: block; margin: .2rem 0 0; }
"""

SCRIPT = """
const slider = document.querySelector('.player input');
slider.value = Math.round(0.62 * slider.max);
slider.dispatchEvent(new Event('input'));
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parents[1] / "docs/images/report.png")
    given = parser.parse_args()
    browser = find_browser()
    if browser is None:
        raise EvalkitError("the picture needs Chromium or Chrome", where="EVALKIT_BROWSER")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results = given.results or folder / "results"
        api.run(TRACKERS, results=results)
        compared = api.compare(TRACKERS, "synthetic", results=results, replay=REPLAY)
        api.report(compared, folder / "report.html")
        page = folder / "picture.html"
        page.write_text(_arranged((folder / "report.html").read_text(encoding="utf-8")), encoding="utf-8")
        picture = folder / "picture.png"
        _draw(browser, page, picture)
        _reduce(picture, given.output)
    print(f"{given.output}: {given.output.stat().st_size / 1000:.0f} kB")


def _arranged(page: str) -> str:
    """Return the page with the style and script that show parts of it next to one another."""
    before, _, after = page.partition('<meta http-equiv="Content-Security-Policy"')
    page = before + after.partition(">")[2]
    return page.replace("</head>", f"<style>{STYLE}</style></head>").replace(
        "</body>", f"<script>{SCRIPT}</script></body>"
    )


def _draw(browser: str, page: Path, picture: Path) -> None:
    options = ["--headless", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={page.parent / 'profile'}"]
    options += ["--no-sandbox"] if os.geteuid() == 0 else []
    options += [f"--window-size={WIDTH},{HEIGHT}", f"--force-device-scale-factor={SCALE}", f"--screenshot={picture}"]
    subprocess.run([browser, *options, page.as_uri()], check=True, capture_output=True, timeout=120)


def _reduce(picture: Path, output: Path) -> None:
    """Write the picture with a palette, by Pillow where it is installed, which makes it a third as large."""
    try:
        from PIL import Image
    except ImportError:
        shutil.copyfile(picture, output)
        return
    height, width = cv2.imread(str(picture)).shape[:2]
    with Image.open(picture) as full:
        small = full.convert("RGB").resize((width * 3 // 4, height * 3 // 4), Image.Resampling.LANCZOS)
        small.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(output, optimize=True)


if __name__ == "__main__":
    main()
