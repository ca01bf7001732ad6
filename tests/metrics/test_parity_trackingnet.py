"""TrackingNet's scores against its devkit's output."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

from evalkit.io.rows import parse_rows
from evalkit.metrics import profiles

pytestmark = pytest.mark.parity

NAMES = {"auc": "success", "precision": "precision", "norm_precision": "norm_precision", "coverage": "coverage"}


def boxes_in(archive: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(archive) as opened:
        names = [name for name in opened.namelist() if name.endswith(".txt") and "__MACOSX" not in name]
        return {PurePosixPath(name).stem: parse_rows(opened.read(name)) for name in names}


@pytest.mark.parametrize(
    ("case", "groundtruth", "submission"),
    [
        ("jitter", "GT_lasot40.zip", "jitter.zip"),
        ("zerosize", "GT_lasot40.zip", "zerosize.zip"),
        ("missing", "GT_lasot40.zip", "missing.zip"),
        ("dummy", "dummy_GT.zip", "dummy_subm.zip"),
    ],
)
def test_scores_are_the_devkits(
    case: str, groundtruth: str, submission: str, data: Path, golden: Any, make: Any
) -> None:
    folder = data / "golden" / "metrics" / "trackingnet"
    truth, answers = boxes_in(folder / groundtruth), boxes_in(folder / submission)
    test = make.dataset(*(make.sequence(name, boxes) for name, boxes in truth.items()), name="trackingnet-test")
    runs = {name: [make.one_pass(name, answers[name])] if name in answers else [] for name in truth}
    scores = profiles.score("trackingnet", test, case, "one_pass", runs, confidence=None)
    found = {score.metric: score for score in scores}
    expected = golden("trackingnet_devkit.json")[case]
    for ours, theirs in NAMES.items():
        assert 100 * found[ours].value == pytest.approx(expected[theirs], abs=1e-9), ours
    missing = any("missing result" in note for note in found["auc"].notes)
    assert missing == (case in ("missing", "dummy"))
