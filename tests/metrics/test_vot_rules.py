"""A benchmark's own VOT rules drive the protocols and the measures, from tracking to the score."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from moving_square import tiny_dataset
from scripted_tracker import HIT, MISS, Scripted, still

from evalkit import protocols
from evalkit.metrics import multistart, profiles
from evalkit.types import Annotation, Box, Dataset, FrameState, Sequence, Trajectory, VotRules

TARGET = Box(10.0, 10.0, 20.0, 20.0)
OVERLAP = 19 / 23
"""Overlap of HIT, which is two pixels to the right of a target of 21 by 21 pixels on the grid."""
OWN = VotRules(skip=3, burn_in=4, eao_interval=(2, 6))


def benchmark(rules: VotRules, **fields: object) -> Dataset:
    return replace(tiny_dataset(replace(still(12, **fields), size=(80, 60))), vot=rules)


def supervised(dataset: Dataset) -> Trajectory:
    """A run that fails in frame 3 and is exact from frame 10 on."""
    tracker = Scripted(lambda index: MISS if index == 3 else HIT if index < 10 else TARGET)
    (run,) = protocols.run("supervised", tracker, dataset.sequences[0], dataset, name="scripted")
    return run


def values(dataset: Dataset, run: Trajectory, profile: str) -> dict[str, Any]:
    scores = profiles.score(profile, dataset, "scripted", "supervised", {"still": [run]})
    return {score.metric: score.value for score in scores}


@pytest.mark.parametrize(("skip", "codes"), [(3, "133200133333"), (5, "133200001333"), (1, "133213333333")])
def test_the_tracker_starts_again_after_the_benchmarks_own_interval(skip: int, codes: str) -> None:
    run = supervised(benchmark(VotRules(skip=skip)))
    assert "".join("0123"[state] for state in run.states) == codes


@pytest.mark.parametrize("profile", ["vot-supervised", "vot-toolkit", "vot-exact"])
def test_accuracy_ignores_the_benchmarks_own_burn_in(profile: str) -> None:
    # The second start is in frame 6: of a burn-in of 4 frames, 10 and 11 remain, which are exact; of 3, also frame 9.
    dataset = benchmark(OWN)
    run = supervised(dataset)
    assert values(dataset, run, profile)["accuracy"] == pytest.approx(1)
    assert values(benchmark(replace(OWN, burn_in=3)), run, profile)["accuracy"] < 0.97


def test_fragments_of_the_expected_overlap_begin_after_the_benchmarks_own_interval() -> None:
    # Frames 0 to 6: two of OVERLAP, then 0 from the failure on. Frames 6 to 11: three of OVERLAP, two of 1.
    failed = [OVERLAP, OVERLAP, 2 * OVERLAP / 3, 2 * OVERLAP / 4, 2 * OVERLAP / 5]
    last = [OVERLAP, OVERLAP, OVERLAP, (3 * OVERLAP + 1) / 4, (3 * OVERLAP + 2) / 5]
    dataset = benchmark(OWN)
    run = supervised(dataset)
    found = values(dataset, run, "vot-supervised")["eao"]
    assert found == pytest.approx((np.mean(failed) + np.mean(last)) / 2)
    assert values(benchmark(replace(OWN, skip=5)), run, "vot-supervised")["eao"] != pytest.approx(found)
    shorter = values(benchmark(replace(OWN, eao_interval=(2, 3))), run, "vot-supervised")["eao"]
    assert shorter == pytest.approx(OVERLAP)


@pytest.mark.parametrize(("grace", "frames"), [(3, [1, 2, 3, 6, 9]), (1, [1, 4, 7, 10]), (0, [3, 6, 9])])
def test_the_realtime_protocol_forgives_as_many_slow_frames_as_the_benchmark_states(
    grace: int, frames: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = Scripted(seconds=lambda _: 0.35)
    tracker.keep_time(monkeypatch)
    dataset = benchmark(VotRules(realtime_grace=grace), fps=10.0)
    protocols.run("realtime", tracker, dataset.sequences[0], dataset, name="scripted")
    assert tracker.asked("update") == frames


def anchored(rules: VotRules, make: Any) -> Dataset:
    annotation = Annotation(np.array([[10.0, 10, 10, 10]] * 6), anchors=np.array([1, 0, 0, 0, 0, 0]))
    dataset: Dataset = make.dataset(Sequence("one", lambda: annotation, size=(100, 100)), name="own", vot=rules)
    return dataset


def multistart_scores(rules: VotRules, make: Any) -> dict[str, Any]:
    """Scores of a run whose overlaps are 1, 1, 0.3, 0.3, 1 after its start."""
    rows = [[10, 10, 10, height] for height in (10, 10, 10, 3, 3, 10)]
    states = np.array([FrameState.INITIALIZED, *[FrameState.TRACKED] * 5], dtype=np.int8)
    run = make.one_pass("one", rows, "multistart", states=states, anchor=0)
    scores = profiles.score("vot-multistart", anchored(rules, make), "t", "multistart", {"one": [run]})
    return {score.metric: score for score in scores}


def test_a_multistart_run_fails_by_the_benchmarks_own_threshold_and_grace(make: Any) -> None:
    robustness = {
        (overlap, grace): multistart_scores(VotRules(failure_overlap=overlap, failure_grace=grace), make)[
            "robustness"
        ].value
        for overlap, grace in ((0.5, 2), (0.5, 3), (0.1, 2))
    }
    assert robustness == {(0.5, 2): 0.5, (0.5, 3): 1, (0.1, 2): 1}


def test_multistart_without_an_interval_has_no_eao_and_says_so(make: Any) -> None:
    without = multistart_scores(VotRules(), make)
    own = multistart_scores(VotRules(eao_interval=(1, 5)), make)
    assert without["eao"].value is None
    assert without["eao"].notes == ("no EAO: no interval of sequence lengths is published for own",)
    assert own["eao"].value == pytest.approx(np.mean([1, 1, 2.3 / 3, 2.6 / 4]))
    assert own["eao"].notes == ()
    assert (without["accuracy"].value, without["robustness"].value) == (
        own["accuracy"].value, own["robustness"].value,
    )  # fmt: skip


def test_a_failure_is_the_first_of_the_consecutive_lost_frames() -> None:
    lost = np.array([False, True, False, True, True, True])
    assert [multistart.first_failure(lost, grace) for grace in (1, 2, 3, 4, 7)] == [1, 3, 3, 6, 6]


def test_a_failure_in_a_run_of_one_frame_has_no_overlap(make: Any) -> None:
    annotation = Annotation(np.array([[10.0, 10, 10, 10]] * 3), anchors=np.array([1, 0, 1]))
    rules = VotRules(failure_grace=1, eao_interval=(1, 3))
    dataset = make.dataset(Sequence("one", lambda: annotation, size=(100, 100)), name="own", vot=rules)
    start = np.array([FrameState.INITIALIZED], dtype=np.int8)
    whole = make.one_pass("one", [[10, 10, 10, 10]] * 3, "multistart", anchor=0)
    single = make.one_pass("one", [[10, 10, 10, 10]], "multistart", states=start, anchor=2)
    scores = profiles.score("vot-multistart", dataset, "t", "multistart", {"one": [whole, single]})
    assert all(score.value is None or np.isfinite(score.value) for score in scores)
