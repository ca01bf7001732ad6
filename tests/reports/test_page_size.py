"""The size of a page: what does not fit is left out, and the page says so."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from moving_square import moving_square, tiny_dataset

from evalkit.comparison import Comparison
from evalkit.reports.document.build import build_report
from evalkit.reports.document.model import Document
from evalkit.reports.page.render import render_page
from evalkit.types import FrameState, Score, Trajectory


@pytest.fixture(scope="module")
def document() -> Document:
    """A report with a replay of 120 frames."""
    sequence = moving_square(length=120, speed=0)
    boxes, unknown = sequence.groundtruth.copy(), np.full(120, np.nan)
    boxes[90:] += [500, 0, 0, 0]
    states = np.full(120, FrameState.TRACKED, dtype=np.int8)
    runs = {
        ("tiny", "one"): {"square": [Trajectory("one", "square", "one_pass", boxes, None, unknown, unknown, states)]}
    }
    curve = (np.linspace(0, 1, 21), np.linspace(1, 0, 21))
    score = Score("one", "tiny", "one_pass", "auc", "otb-matlab", 1, 0.5, "fraction", True, 1, 1, curve=curve)
    score = dataclasses.replace(score, per_sequence={"square": 0.5})
    return build_report(Comparison(("one",), (tiny_dataset(sequence),), (score,), runs=runs, replay=("square",)), ())


def rendered(document: Document, limit: int) -> tuple[str, str]:
    """Return the page and the sentence on what was left out."""
    page = render_page(dataclasses.replace(document, page_bytes=limit))
    found = re.search(r'id="left-out">(.*?)</p>', page)
    return page, found.group(1) if found else ""


def frames(page: str) -> int:
    found = re.search(r"(\d+) of 120 frames", page)
    return int(found.group(1)) if found else 0


def test_a_small_page_leaves_nothing_out(document: Document) -> None:
    page, left_out = rendered(document, 5_000_000)
    assert not left_out
    assert frames(page) == 120


def test_frames_of_a_replay_are_left_out_first_and_evenly(document: Document) -> None:
    whole, _ = rendered(document, 5_000_000)
    limit = len(whole.encode()) - 60_000
    page, left_out = rendered(document, limit)
    assert len(page.encode()) <= limit
    assert "frames of the replays" in left_out
    assert "--page-size" in left_out
    assert 8 <= frames(page) < 120
    numbers = [int(one) for one in re.findall(r'"numbers":\[([\d,]+)\]', page)[0].split(",")]
    assert {1, 91} <= set(numbers), "the first frame and the failure stay"
    assert max(np.diff(numbers)) < 12


def test_then_players_stills_and_values_are_left_out(document: Document) -> None:
    page, left_out = rendered(document, 60_000)
    assert left_out.index("players") < left_out.index("stills")
    assert "data:image/jpeg;base64,/9j" not in page
    assert frames(page) == 0
    assert "values under the pointer" in rendered(document, 1000)[1]


def test_a_page_that_cannot_be_made_small_enough_says_so(document: Document) -> None:
    assert "still larger" in rendered(document, 1000)[1]
