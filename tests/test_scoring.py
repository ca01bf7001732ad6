from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evalkit.errors import EvalkitError
from evalkit.results.store import Store
from evalkit.scoring import headline, scores
from evalkit.types import Annotation, Dataset, Sequence, State, Trajectory

ID = "YaXKZdSEwt4_0"


def test_what_only_a_server_can_score_is_not_given_a_number(tmp_path: Path) -> None:
    frames = tmp_path / "TrackingNet" / "TEST" / "frames" / ID
    frames.mkdir(parents=True)
    for number in range(3):
        (frames / f"{number}.jpg").touch()
    (tmp_path / "TrackingNet" / "TEST" / "anno").mkdir()
    (tmp_path / "TrackingNet" / "TEST" / "anno" / f"{ID}.txt").write_text("1,2,3,4\n")
    results = tmp_path / "results" / "TrackingNet" / "mine"
    results.mkdir(parents=True)
    (results / f"{ID}.txt").write_text("1,2,3,4\n" * 3)
    with pytest.raises(EvalkitError, match=r"withheld after the first frame.*evalkit pack --dataset trackingnet-test"):
        scores("trackingnet-test", data=tmp_path, results=tmp_path / "results", allow_partial=True)


def test_a_protocol_that_no_official_profile_scores_has_no_headline(tmp_path: Path) -> None:
    sequence = Sequence("bag", lambda: Annotation(np.ones((3, 4))), size=(64, 48))
    dataset = Dataset(
        "vot2018", "VOT2018", "1", 0, (sequence,), ("bag",), ("supervised", "unsupervised"), ("vot-supervised",), "vot"
    )
    states = np.array([State.INITIALIZED, State.TRACKED, State.TRACKED], dtype=np.int8)
    unknown = np.full(3, np.nan)
    run = Trajectory("mine", "bag", "unsupervised", np.ones((3, 4)), None, unknown, unknown, states)
    assert headline(Store(tmp_path, dataset, "mine", "unsupervised"), {"bag": [run]}) == []
