"""VOT's measures on sequences that fit on paper."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evalkit.errors import EvalkitError
from evalkit.metrics import multistart, profiles, vot
from evalkit.types import Annotation, Dataset, FrameState, Mask, Score, Sequence, VotRules

BOX = [10, 10, 9, 9]
HALF = [10, 10, 9, 4]  # 10 x 5 of 10 x 10 pixels: overlap 1/2
START, FAILED, SKIPPED, TRACKED = FrameState.INITIALIZED, FrameState.FAILED, FrameState.SKIPPED, FrameState.TRACKED


def supervised(make: Any, rows: list[Any], states: list[int], name: str = "one") -> Any:
    boxes = [
        BOX if state == TRACKED and row is None else row or [np.nan] * 4
        for row, state in zip(rows, states, strict=True)
    ]
    return make.one_pass(name, boxes, "supervised", states=np.array(states, dtype=np.int8))


def vot_dataset(make: Any, *lengths: int, interval: tuple[int, int] = (2, 4), **flags: Any) -> Dataset:
    sequences = [
        make.sequence(f"s{index}" if index else "one", [BOX] * length, size=(100, 100), **flags)
        for index, length in enumerate(lengths)
    ]
    return make.dataset(*sequences, name="vot", vot=VotRules(eao_interval=interval, tags=tuple(flags)))


def score(
    dataset: Dataset, runs: Any, profile: str = "vot-supervised", protocol: str = "supervised", **more: Any
) -> list[Score]:
    return profiles.score(profile, dataset, "tracker", protocol, runs, **more)


def values(scores: list[Score], tag: str | None = None) -> dict[str, float | None]:
    return {item.metric: item.value for item in scores if item.attribute == tag}


def test_the_eao_of_four_frames_without_failure_is_a_mean_of_running_means(make: Any) -> None:
    # Overlaps after the start: 1, 1/2, 1. Expected overlap at lengths 2, 3, 4: 1, (1 + 1/2)/2, (1 + 1/2 + 1)/3.
    run = supervised(make, [None, BOX, HALF, BOX], [START, TRACKED, TRACKED, TRACKED])
    scores = score(vot_dataset(make, 4), {"one": [run]})
    assert values(scores)["eao"] == pytest.approx((1 + 3 / 4 + 5 / 6) / 3)
    assert scores[3].curve[1] == pytest.approx([1, 1, 3 / 4, 5 / 6])
    assert (values(scores)["failures"], values(scores)["robustness"]) == (0, 0)
    # All four frames are within the burn-in.
    assert values(scores)["accuracy"] is None


def test_after_a_failure_overlap_is_zero_for_ever(make: Any) -> None:
    # Frames: start, 1, failure, then skipped to frame 7 (2 + 5), start, 1/2, 1/2. Fragments:
    #  frames 0..7: 1, 0, 0, ..., weight 1: running means 1, 1/2, 1/3 at lengths 2, 3, 4, for ever on.
    #  frames 7..9: 1/2, 1/2, weight 1: running means 1/2, 1/2 at lengths 2, 3; has no value at 4.
    states = [START, TRACKED, FAILED, *[SKIPPED] * 4, START, TRACKED, TRACKED]
    rows = [None, BOX, *[None] * 6, HALF, HALF]
    run = supervised(make, rows, states)
    scores = score(vot_dataset(make, 10), {"one": [run]})
    assert values(scores)["eao"] == pytest.approx(((1 + 1 / 2) / 2 + (1 / 2 + 1 / 2) / 2 + 1 / 3) / 3)
    assert (values(scores)["failures"], values(scores)["robustness"]) == (1, pytest.approx(10))


def test_a_failure_counts_up_to_the_longest_sequence_not_the_longest_fragment(make: Any) -> None:
    # Started at frame 1 (overlap 1, then lost) and at frame 8 (lost at once); frames 13 and on do not exist. The first
    # fragment has 1/9, 1/10, 1/11 at lengths 10, 11, 12; the second has no value beyond 5.
    states = [START, TRACKED, FAILED, *[SKIPPED] * 4, START, FAILED, *[SKIPPED] * 3]
    run = supervised(make, [None, BOX, *[None] * 10], states)
    found = values(score(vot_dataset(make, 12, interval=(10, 12)), {"one": [run]}))
    assert found["eao"] == pytest.approx((1 / 9 + 1 / 10 + 1 / 11) / 3)


def test_a_length_that_no_fragment_knows_has_an_expected_overlap_of_zero(make: Any) -> None:
    # As in the toolkit: 0 at the unknown frame, and no value at all behind it.
    run = supervised(make, [None, BOX, None, BOX], [START, TRACKED, SKIPPED, TRACKED])
    scores = score(vot_dataset(make, 4), {"one": [run]})
    assert scores[3].curve[1] == pytest.approx([1, 1, 0, np.nan], nan_ok=True)
    assert values(scores)["eao"] == pytest.approx(1 / 2)


def test_masks_are_refused_in_words_where_only_corners_are_scored(make: Any) -> None:
    run = supervised(make, [None, *[BOX] * 3], [START, *[TRACKED] * 3])
    masks = replace(run, regions=(None, *[Mask(np.ones((9, 9), bool), 10, 10)] * 3))
    with pytest.raises(EvalkitError, match="tracker on one: this profile scores boxes and polygons"):
        score(vot_dataset(make, 4), {"one": [masks]})
    assert values(score(vot_dataset(make, 4), {"one": [masks]}, "vot-toolkit"))["eao"] == 1


def test_longer_sequences_alone_decide_about_long_lengths(make: Any) -> None:
    long = supervised(make, [None, HALF, HALF, HALF, HALF], [START, *[TRACKED] * 4], "s1")
    short = supervised(make, [None, BOX], [START, TRACKED])
    scores = score(vot_dataset(make, 2, 5, interval=(2, 5)), {"one": [short], "s1": [long]})
    assert scores[3].curve[1] == pytest.approx([1, 3 / 4, 1 / 2, 1 / 2, 1 / 2])


def test_accuracy_leaves_out_ten_frames_from_each_start(make: Any) -> None:
    rows = [None, *[HALF] * 9, *[BOX] * 2]
    run = supervised(make, rows, [START, *[TRACKED] * 11])
    assert values(score(vot_dataset(make, 12), {"one": [run]}))["accuracy"] == 1
    assert vot.in_burn_in(run.states, 10).tolist() == [True] * 10 + [False] * 2


def test_repetitions_are_averaged_frame_by_frame_and_failures_over_repetitions(make: Any) -> None:
    good = supervised(make, [None, *[BOX] * 11], [START, *[TRACKED] * 11])
    bad = supervised(make, [None, *[BOX] * 9, HALF, None], [START, *[TRACKED] * 10, FAILED])
    found = values(score(vot_dataset(make, 12), {"one": [good, bad]}))
    # Frame 10: mean of 1 and 1/2; frame 11: the failed repetition has none.
    assert found["accuracy"] == pytest.approx((3 / 4 + 1) / 2)
    assert found["failures"] == 0.5


def test_tags_weigh_fragments_by_their_tagged_frames(make: Any) -> None:
    states = [START, TRACKED, FAILED, *[SKIPPED] * 4, START, TRACKED, TRACKED]
    run = supervised(make, [None, BOX, *[None] * 6, HALF, HALF], states)
    tag = [True] * 2 + [False] * 6 + [True] * 2
    scores = score(vot_dataset(make, 10, occlusion=tag, blur=[False] * 10), {"one": [run]}, attributes=True)
    # Two of eight frames of the first fragment, two of three of the second.
    first, second = 2 / 8, 2 / 3
    at_two = (first + second / 2) / (first + second)
    at_three = (first / 2 + second / 2) / (first + second)
    assert values(scores, "occlusion")["eao"] == pytest.approx((at_two + at_three + 1 / 3) / 3)
    assert values(scores, "occlusion")["failures"] == 0
    assert set(values(scores, "blur").values()) == {None, 0}
    assert values(scores, "blur")["eao"] is None


def test_vot_toolkit_ends_fragments_before_the_failure_and_counts_failures(make: Any) -> None:
    states = [START, TRACKED, FAILED, *[SKIPPED] * 4, START, TRACKED, TRACKED]
    small = [10, 10, 10, 5]  # 10 x 5 pixels there, of 10 x 10
    whole = [10, 10, 10, 10]
    run = supervised(make, [None, whole, *[None] * 6, small, small], states)
    sequence = make.sequence("one", [whole] * 10, size=(100, 100))
    dataset = make.dataset(sequence, name="vot", vot=VotRules(eao_interval=(1, 2)))
    found = values(score(dataset, {"one": [run]}, "vot-toolkit"))
    # Fragments: (start, 1) failed, so 1, 1/2, ... ; (start, 1/2, 1/2): 1/2, 1/2.
    assert found["eao"] == pytest.approx(((1 + 1 / 2) / 2 + (1 / 2 + 1 / 2) / 2) / 2)
    assert (found["robustness"], found["failures"]) == (1, 1)


def test_plain_trajectories_are_refused_with_advice(make: Any) -> None:
    run = supervised(make, [BOX] * 4, [TRACKED] * 4)
    with pytest.raises(EvalkitError, match="--protocol supervised"):
        score(vot_dataset(make, 4), {"one": [run]})


@pytest.mark.parametrize("profile", ["vot-supervised", "vot-toolkit", "vot-exact"])
def test_without_an_interval_there_is_no_eao_and_everything_else_is(make: Any, profile: str) -> None:
    sequences = [make.sequence(name, [BOX] * 12, size=(100, 100)) for name in ("one", "two")]
    states = [START, *[TRACKED] * 10, FAILED]
    runs = {name: [supervised(make, [None, *[BOX] * 10, None], states, name)] for name in ("one", "two")}
    found = score(make.dataset(*sequences, name="vot2014"), runs, profile)
    known = score(make.dataset(*sequences, name="vot2014", vot=VotRules(eao_interval=(2, 4))), runs, profile)
    assert {**values(found), "eao": None} == {**values(known), "eao": None}
    assert (values(found)["eao"], values(known)["eao"]) == (None, 1)
    assert (values(found)["accuracy"], values(found)["failures"]) == (1, 2)
    (eao,) = (item for item in found if item.metric == "eao")
    assert (eao.low, eao.high, eao.per_sequence) == (None, None, {"one": None, "two": None})
    assert eao.record()["value"] is None
    assert eao.notes == ("no EAO: no interval of sequence lengths is published for vot2014",)
    assert known[-1].notes == ()


def test_exact_overlap_is_a_ratio_of_areas(make: Any) -> None:
    # 9 x 4 of 9 x 9 in the plane, 10 x 5 of 10 x 10 in pixels.
    run = supervised(make, [None, *[HALF] * 3], [START, *[TRACKED] * 3])
    assert values(score(vot_dataset(make, 4), {"one": [run]}, "vot-exact"))["eao"] == pytest.approx(4 / 9)
    assert values(score(vot_dataset(make, 4), {"one": [run]}))["eao"] == pytest.approx(1 / 2)


def anchored(make: Any, length: int, anchors: list[int]) -> Sequence:
    annotation = Annotation(np.array([[10.0, 10, 10, 10]] * length), anchors=np.array(anchors))
    return Sequence("one", lambda: annotation, size=(100, 100))


def run_from(make: Any, anchor: int, overlaps: list[float]) -> Any:
    rows = [[10, 10, 10, 10 * overlap] if overlap else [50, 50, 5, 5] for overlap in overlaps]
    states = np.array([START, *[TRACKED] * (len(rows) - 1)], dtype=np.int8)
    return make.one_pass("one", rows, "multistart", states=states, anchor=anchor)


def test_multistart_runs_end_at_the_first_of_ten_bad_frames(make: Any) -> None:
    length = 14
    sequence = anchored(make, length, [1, *[0] * (length - 2), -1])
    # Forwards: start, 1, 1, then lost; backwards: start, then 1/2 to the end.
    runs = {"one": [run_from(make, 0, [1, 1, 1, *[0] * 11]), run_from(make, 13, [1, *[0.5] * 13])]}
    dataset = make.dataset(sequence, name="vot2020", vot=VotRules(eao_interval=(1, 5)))
    scores = score(dataset, runs, "vot-multistart", "multistart")
    # Frames before the failure: 3 and 14; the start counts with overlap 0.
    assert values(scores)["robustness"] == pytest.approx(17 / 28)
    assert values(scores)["accuracy"] == pytest.approx((2 + 13 / 2) / 17)
    # Lengths 1..4: the forward run has 1, 1, 2/3, 2/4, the backward one 1/2 throughout.
    expected = np.mean([(1 + 0.5) / 2, (1 + 0.5) / 2, (2 / 3 + 0.5) / 2, (2 / 4 + 0.5) / 2])
    assert values(scores)["eao"] == pytest.approx(expected)


def test_a_missing_anchor_is_named(make: Any) -> None:
    sequence = anchored(make, 14, [1, *[0] * 12, -1])
    with pytest.raises(EvalkitError, match="found one: no run from anchor 13"):
        score(make.dataset(sequence), {"one": [run_from(make, 0, [1] * 14)]}, "vot-multistart", "multistart")


def test_backward_runs_go_from_their_anchor_to_the_first_frame(make: Any) -> None:
    sequence = anchored(make, 5, [1, 0, 0, -1, 0])
    assert list(multistart.frame_order(sequence, 3)) == [3, 2, 1, 0]
    assert list(multistart.frame_order(sequence, 0)) == [0, 1, 2, 3, 4]


def longterm(make: Any, confidence: list[float], rows: list[Any]) -> Any:
    states = np.array([START, *[TRACKED if row is not None else SKIPPED for row in rows[1:]]], dtype=np.int8)
    boxes = [row or [np.nan] * 4 for row in rows]
    return make.one_pass("one", boxes, "longterm", states=states, confidence=np.array(confidence))


def test_pysot_s_longterm_scores_need_confidences(make: Any) -> None:
    whole = [10, 10, 10, 10]
    run = longterm(make, [np.nan] * 3, [None, whole, whole])
    dataset = make.dataset(make.sequence("one", [whole] * 3, size=(100, 100)))
    with pytest.raises(EvalkitError, match="have no confidences"):
        score(dataset, {"one": [run]}, "pysot", "longterm")
    assert values(score(dataset, {"one": [run]}, "vot-longterm", "longterm"))["lt_recall"] == pytest.approx(2 / 3)


def test_longterm_precision_and_recall_are_read_at_the_best_f_score(make: Any) -> None:
    whole, away = [10, 10, 10, 10], [50, 50, 10, 10]
    truth = [whole, whole, whole, [np.nan] * 4]
    run = longterm(make, [np.nan, 0.9, 0.6, 0.3], [None, whole, away, away])
    dataset = make.dataset(make.sequence("one", truth, size=(100, 100)))
    found = values(score(dataset, {"one": [run]}, "vot-longterm", "longterm"))
    # At confidence 0.9: one frame, overlap 1, so precision 1; recall 1 of 3 visible frames.
    assert (found["lt_precision"], found["lt_recall"]) == (1, pytest.approx(1 / 3))
    assert found["f_score"] == pytest.approx(2 * (1 / 3) / (4 / 3))
