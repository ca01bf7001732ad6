from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evalkit.errors import EvalkitError
from evalkit.results.store import Store
from evalkit.score_report import scores
from evalkit.scoring import default_scores
from evalkit.stored import load_run
from evalkit.types import Annotation, Dataset, FrameState, Sequence, Trajectory

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


def test_a_protocol_that_no_profile_scores_has_no_default_scores(tmp_path: Path) -> None:
    sequence = Sequence("bag", lambda: Annotation(np.ones((3, 4))), size=(64, 48))
    dataset = Dataset(
        "vot2018", "VOT2018", "1", 0, (sequence,), ("bag",), ("supervised", "unsupervised"), ("vot-supervised",), "vot"
    )
    states = np.array([FrameState.INITIALIZED, FrameState.TRACKED, FrameState.TRACKED], dtype=np.int8)
    unknown = np.full(3, np.nan)
    run = Trajectory("mine", "bag", "unsupervised", np.ones((3, 4)), None, unknown, unknown, states)
    Store(tmp_path, dataset, "mine", "unsupervised").write([run])
    assert default_scores(load_run(tmp_path, dataset, "mine", protocol="unsupervised")) == []
    scored = replace(dataset, profiles=("vot-supervised", "vot-unsupervised"))
    (score,) = default_scores(load_run(tmp_path, scored, "mine", protocol="unsupervised"))
    assert (score.metric, score.profile) == ("ao", "vot-unsupervised")


def test_results_of_each_protocol_are_scored_by_the_benchmark_s_profile_for_it(tmp_path: Path) -> None:
    (tmp_path / "VOT2018" / "one").mkdir(parents=True)
    (tmp_path / "VOT2018" / "list.txt").write_text("one\n")
    (tmp_path / "VOT2018" / "one" / "groundtruth.txt").write_text("10,10,10,10\n" * 12)
    (tmp_path / "VOT2018" / "one" / "sequence").write_text("width=100\nheight=100\n")
    for experiment in ("baseline", "unsupervised"):
        place = tmp_path / "results" / "VOT2018" / "mine" / experiment / "one"
        place.mkdir(parents=True)
        (place / "one_001.txt").write_text("1\n" + "10,10,10,5\n" * 11)
    found = {
        protocol: {(one.profile, one.metric): one.value for one in reported.scores}
        for protocol in (None, "unsupervised")
        for reported in (scores("vot2018", data=tmp_path, results=tmp_path / "results", protocol=protocol),)
    }
    assert found["unsupervised"] == {("vot-unsupervised", "ao"): 0.5}
    assert {profile for profile, _ in found[None]} == {"vot-supervised"}
    everything = scores("vot2018", data=tmp_path, results=tmp_path / "results", profiles="all", protocol="unsupervised")
    assert [one.profile for one in everything.scores] == ["vot-unsupervised"]
