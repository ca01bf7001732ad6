"""Rules of the one-pass toolkits on sequences small enough to count by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evalkit.errors import EvalkitError
from evalkit.metrics import curves, precision, profiles, success
from evalkit.types import Score

NAN = [np.nan] * 4
STILL = [[10, 10, 20, 20]] * 4


def scores(
    make: Any, profile: str, truth: Any, answer: Any, family: str | None = None, **flags: Any
) -> dict[str, Score]:
    dataset = make.dataset(make.sequence("one", truth, **flags), family=family)
    runs = {"one": [make.one_pass("one", answer)]}
    return {score.metric: score for score in profiles.score(profile, dataset, "tracker", "one_pass", runs)}


def test_a_perfect_tracker_scores_twenty_of_twenty_one(make: Any) -> None:
    # At the last threshold nothing is larger than 1.
    found = scores(make, "otb-matlab", STILL, STILL)
    assert found["auc"].value == pytest.approx(20 / 21)
    assert found["precision"].value == 1


def test_success_is_strict_and_precision_is_not(make: Any) -> None:
    # Overlap 1/2 exactly (a box of half the height); centre 5 pixels off.
    found = scores(make, "pysot", STILL, [[10, 10, 20, 10]] * 4)
    assert found["auc"].curve[1][9:12].tolist() == [1, 0, 0]
    assert found["precision"].curve[1][4:6].tolist() == [0, 1]
    # 5 pixels of a height of 20 are 0.25.
    assert found["norm_precision"].value == 0
    assert found["norm_precision"].curve[1][24:26].tolist() == [0, 1]


def test_matlabs_threshold_of_065_lies_one_bit_lower(make: Any) -> None:
    thirteen_of_twenty = [[10, 10, 20, 13]] * 4
    assert scores(make, "otb-matlab", STILL, thirteen_of_twenty)["auc"].curve[1][13] == 1
    # The first frame is made the groundtruth by got10k as well, the others tie.
    assert scores(make, "got10k", STILL, thirteen_of_twenty, family="otb")["auc"].curve[1][13] == 0.25


def test_the_first_frame_is_the_groundtruth_where_the_toolkit_says_so(make: Any) -> None:
    away = [[500, 500, 20, 20]] * 4
    assert scores(make, "otb-matlab", STILL, away)["precision"].value == 0.25
    assert scores(make, "pytracking", STILL, away)["precision"].value == 0.25
    assert scores(make, "pysot", STILL, away)["precision"].value == 0
    assert (
        "first box replaced by the groundtruth: 1 frame in 1 sequence"
        in scores(make, "otb-matlab", STILL, away)["auc"].notes
    )


def test_an_invalid_box_is_replaced_by_the_previous_one(make: Any) -> None:
    answer = [[500, 500, 20, 20], NAN, [10, 10, 20, 20], [10, 10, 0, 20]]
    # Frame 2 takes the tracker's own first row, which is far away; frame 4 takes frame 3.
    found = scores(make, "otb-matlab", STILL, answer)
    assert found["precision"].value == 0.75
    assert "invalid box replaced by the previous one: 2 frames in 1 sequence" in found["auc"].notes
    # Without the rule NaN is a miss and an empty box has no overlap.
    assert scores(make, "pysot", STILL, answer)["auc"].value == pytest.approx(20 / 21 / 4)


def test_otb_needs_all_four_values_missing_and_lasot_any(make: Any) -> None:
    answer = [[10, 10, 20, 20], [np.nan, 10, 20, 20], [10, 10, 20, 20], [10, 10, 20, 20]]
    assert scores(make, "otb-matlab", STILL, answer)["precision"].value == 0.75
    assert scores(make, "lasot-matlab", STILL, answer)["precision"].value == 1


def test_invalid_groundtruth_is_a_hit_of_precision_in_matlab_only(make: Any) -> None:
    truth = [[10, 10, 20, 20], [0, 10, 20, 20], [10, 10, 20, 20], [10, 10, 20, 20]]
    away = [[10, 10, 20, 20], *[[500, 500, 20, 20]] * 3]
    assert scores(make, "otb-matlab", truth, away)["precision"].value == 0.5
    assert scores(make, "pytracking", truth, away)["precision"].value == 0.25
    # x = 0 is usable there.
    assert scores(make, "pysot", truth, away)["precision"].value == 0.25


def test_pytracking_counts_invalid_groundtruth_of_uav123_as_a_hit(make: Any) -> None:
    truth = [[10, 10, 20, 20], [10, 10, 0, 20], NAN, [10, 10, 20, 20]]
    away = [[10, 10, 20, 20], *[[500, 500, 20, 20]] * 3]
    other, uav = (scores(make, "pytracking", truth, away, family=family) for family in (None, "uav"))
    assert (other["precision"].value, uav["precision"].value) == (0.25, 0.75)
    for metric in ("auc", "norm_precision", "sr50"):
        assert uav[metric].value == other[metric].value


def test_ostrack_scores_boxes_that_begin_outside_the_image(make: Any) -> None:
    truth = [[10, 10, 20, 20], [0, 10, 20, 20], [-3, -4, 20, 20], [10, 10, 20, 0]]
    found, pytracking = (scores(make, profile, truth, truth[:3] + truth[:1]) for profile in ("ostrack", "pytracking"))
    assert (found["auc"].value, pytracking["auc"].value) == (pytest.approx(20 / 21 * 0.75), pytest.approx(20 / 21 / 4))
    assert (found["precision"].value, pytracking["precision"].value) == (0.75, 0.25)
    # A frame without valid groundtruth is a hit of normalised precision.
    assert (found["norm_precision"].value, pytracking["norm_precision"].value) == (1, 1)


def test_ostrack_counts_invalid_groundtruth_of_uav123_as_a_hit_of_precision(make: Any) -> None:
    truth = [[10, 10, 20, 20], NAN, NAN, [10, 10, 20, 20]]
    away = [[10, 10, 20, 20], *[[500, 500, 20, 20]] * 3]
    other, uav = (scores(make, "ostrack", truth, away, family=family) for family in (None, "uav"))
    assert (other["precision"].value, uav["precision"].value) == (0.25, 0.75)


@pytest.mark.parametrize(
    ("profile", "family", "expected"),
    [
        ("ostrack", None, (1, 1)), ("ostrack", "lasot", (0.75, 0.75)), ("pytracking", "lasot", (0.75, 0.75)),
        ("pytracking", None, (0.75, 1)),
    ],
)  # fmt: skip
def test_absent_targets_are_misses_of_normalised_precision_on_lasot_only(
    make: Any, profile: str, family: str | None, expected: tuple[float, float]
) -> None:
    found = scores(make, profile, STILL, STILL, family=family, absent=[False, False, True, False])
    assert (found["precision"].value, found["norm_precision"].value) == expected


@pytest.mark.parametrize(
    ("family", "metrics"),
    [
        ("got10k", ["ao", "sr50", "sr75", "fps"]),
        ("otb", ["auc", "precision", "sr50"]),
        ("uav", ["auc", "precision", "sr50"]),
        ("lasot", ["auc", "precision", "norm_precision_auc", "norm_precision", "sr50"]),
        (None, ["ao", "sr50", "sr75", "fps", "auc", "precision"]),
    ],
)
def test_got10k_has_an_experiment_for_each_family(make: Any, family: str | None, metrics: list[str]) -> None:
    assert list(scores(make, "got10k", STILL, STILL, family=family)) == metrics


def test_absent_frames_leave_the_numerator_only(make: Any) -> None:
    absent = [False, False, True, False]
    for profile in ("lasot-matlab", "pysot", "pytracking"):
        assert scores(make, profile, STILL, STILL, absent=absent)["precision"].value == 0.75, profile
    assert scores(make, "got10k", STILL, STILL, family="lasot", absent=absent)["precision"].value == 1


def test_a_sequence_without_any_success_is_dropped_from_matlabs_mean(make: Any) -> None:
    blind = make.sequence("blind", [[0, 0, 5, 5]] * 2)
    seen = make.sequence("seen", STILL)
    runs = {name: [make.one_pass(name, boxes)] for name, boxes in (("blind", [[90, 90, 5, 5]] * 2), ("seen", STILL))}
    found = profiles.score("otb-matlab", make.dataset(blind, seen), "tracker", "one_pass", runs)
    assert found[0].value == pytest.approx(20 / 21)
    assert found[0].per_sequence["blind"] is None


def test_longer_results_are_cut_and_shorter_ones_refused_by_name(make: Any) -> None:
    found = scores(make, "otb-matlab", STILL, [*STILL, [1, 1, 1, 1]])
    assert "rows beyond the annotation cut: 1 frame in 1 sequence" in found["auc"].notes
    sequences = [make.sequence(name, STILL) for name in ("a", "b", "c")]
    runs = {name: [make.one_pass(name, STILL[: 4 - short])] for name, short in (("a", 0), ("b", 1), ("c", 2))}
    for profile in ("otb-matlab", "lasot-matlab", "pysot"):
        with pytest.raises(EvalkitError, match="b: 3 of 4 rows, c: 2 of 4 rows"):
            profiles.score(profile, make.dataset(*sequences), "tracker", "one_pass", runs)


def test_pytracking_pads_short_results_with_misses_but_not_on_lasot(make: Any) -> None:
    found = scores(make, "pytracking", STILL, STILL[:3])
    assert found["precision"].value == 0.75
    assert "rows missing at the end taken as empty boxes: 1 frame in 1 sequence" in found["auc"].notes
    with pytest.raises(EvalkitError, match="one: 3 of 4 rows"):
        scores(make, "pytracking", STILL, STILL[:3], family="lasot")


def test_got10k_cuts_both_to_the_shorter(make: Any) -> None:
    found = scores(make, "got10k", STILL, STILL[:3], family="otb")
    assert found["precision"].value == 1
    assert "rows beyond the shorter of result and annotation cut: 1 frame in 1 sequence" in found["auc"].notes


def test_got10k_clips_the_corner_and_keeps_the_width(make: Any) -> None:
    # The corner moves from -10 to 0; the width stays 20 and so reaches 10 pixels too far.
    truth = [[0, 0, 10, 10]] * 2
    found = scores(make, "got10k", truth, [[0, 0, 10, 10], [-10, 0, 20, 10]], family="got10k", size=(100, 100))
    assert found["ao"].value == pytest.approx(0.5)


def test_got10k_leaves_out_hidden_frames(make: Any) -> None:
    truth = [[0, 0, 10, 10]] * 3
    answer = [[0, 0, 10, 10], [50, 50, 10, 10], [0, 0, 10, 10]]
    found = scores(make, "got10k", truth, answer, family="got10k", size=(100, 100), cover=[8, 0, 3])
    assert found["ao"].value == pytest.approx(1)
    assert found["sr75"].value == 1


def test_attributes_select_sequences_and_nothing_scores_none(make: Any) -> None:
    one, other = make.sequence("a", STILL, attributes="OCC BC"), make.sequence("b", STILL, attributes="BC")
    dataset = make.dataset(one, other, make.sequence("c", STILL, attributes="LR"))
    runs = {"a": [make.one_pass("a", STILL)], "b": [make.one_pass("b", [[500, 500, 20, 20]] * 4)]}
    found = {
        score.attribute: score
        for score in profiles.score("pysot", dataset, "tracker", "one_pass", runs, attributes=True)
        if score.metric == "precision"
    }
    assert {name: score.value for name, score in found.items()} == {None: 0.5, "BC": 0.5, "OCC": 1.0, "LR": None}
    assert (found["BC"].sequences, found["BC"].expected_sequences) == (2, 2)
    assert (found["LR"].sequences, found["LR"].expected_sequences) == (0, 1)
    assert (found[None].sequences, found[None].expected_sequences) == (2, 3)


def test_repetitions_of_a_sequence_are_averaged(make: Any) -> None:
    dataset = make.dataset(make.sequence("one", STILL))
    runs = {"one": [make.one_pass("one", STILL), make.one_pass("one", [[500, 500, 20, 20]] * 4)]}
    found = {score.metric: score for score in profiles.score("pysot", dataset, "tracker", "one_pass", runs)}
    assert found["precision"].value == 0.5


def test_a_profile_refuses_a_protocol_it_does_not_know(make: Any) -> None:
    with pytest.raises(EvalkitError, match="does not score results of protocol supervised"):
        profiles.score("otb-matlab", make.dataset(make.sequence("a", STILL)), "tracker", "supervised", {})
    with pytest.raises(EvalkitError, match="Did you mean 'pysot'"):
        profiles.find("pyspt")


boxes = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 12), st.just(4)),
    elements=st.floats(1, 500, allow_nan=False).map(lambda value: round(value, 3)),
)
FORMS = (success.overlap_matlab, success.overlap_pysot, success.overlap_got10k)


@given(boxes, st.randoms(use_true_random=False))
def test_overlap_is_symmetric_and_bounded(rows: np.ndarray, random: Any) -> None:
    one, other = success.columns(rows), success.columns(rows[random.sample(range(len(rows)), len(rows))])
    for form in FORMS:
        forth, back = form(one, other), form(other, one)
        assert np.array_equal(forth, back)
        # Adding and taking away 1 leaves a rounding error behind.
        assert (forth >= 0).all() and (forth <= 1 + 1e-9).all()
        assert form(one, one) == pytest.approx(np.ones(len(rows)))


@given(boxes, st.sampled_from([0.25, 2.0, 16.0]), st.integers(-64, 64))
def test_overlap_does_not_change_under_scale_and_shift(rows: np.ndarray, scale: float, shift: int) -> None:
    one, other = success.columns(rows), success.columns(rows[::-1])
    move = np.array([[shift], [shift], [0], [0]])
    for form in FORMS:
        assert form(one * scale, other * scale) == pytest.approx(form(one, other), abs=1e-9)
        assert form(one + move, other + move) == pytest.approx(form(one, other), abs=1e-9)


@given(boxes, st.sampled_from([0.25, 2.0, 16.0]))
def test_centre_errors_are_symmetric_and_scale(rows: np.ndarray, scale: float) -> None:
    one, other = precision.centers(success.columns(rows)), precision.centers(success.columns(rows[::-1]))
    assert precision.distance(one, other).tolist() == precision.distance(other, one).tolist()
    # x + (w - 1) / 2 scales up to a half pixel, which cancels in the difference.
    scaled = [precision.centers(success.columns(part * scale)) for part in (rows, rows[::-1])]
    assert precision.distance(*scaled) == pytest.approx(precision.distance(one, other) * scale, abs=1e-9)


values = arrays.arrays(np.float64, st.integers(0, 30), elements=st.floats(-1, 1.5) | st.just(np.nan))


@given(values)
def test_curves_are_monotone_and_complementary(found: np.ndarray) -> None:
    above = curves.count_above(found, success.THRESHOLDS)
    within = curves.count_up_to(found, success.THRESHOLDS)
    assert (np.diff(above) <= 0).all() and (np.diff(within) >= 0).all()
    assert (above + within == np.count_nonzero(~np.isnan(found))).all()
    expected = [(found > threshold).sum() for threshold in success.THRESHOLDS]
    assert above.tolist() == expected


@pytest.mark.parametrize("profile", ["otb-matlab", "lasot-matlab", "pysot", "pytracking", "got10k"])
def test_the_order_of_sequences_changes_no_score(make: Any, profile: str) -> None:
    random = np.random.default_rng(5)
    sequences = [make.sequence(f"s{index}", random.uniform(20, 90, (6, 4)), size=(100, 100)) for index in range(5)]
    runs = {item.name: [make.one_pass(item.name, item.groundtruth + random.normal(0, 2, (6, 4)))] for item in sequences}
    forth = profiles.score(profile, make.dataset(*sequences), "tracker", "one_pass", runs)
    back = profiles.score(profile, make.dataset(*sequences[::-1]), "tracker", "one_pass", runs)
    for one, other in zip(forth, back, strict=True):
        assert one.value == (None if other.value is None else pytest.approx(other.value, abs=1e-12))
        assert one.per_sequence == other.per_sequence


@pytest.mark.parametrize("profile", ["otb-matlab", "lasot-matlab", "pysot", "pytracking", "got10k"])
def test_scoring_shifts_no_coordinate_and_writes_into_no_array(make: Any, profile: str) -> None:
    # With x = 1 everywhere a groundtruth is valid in 1-based files; one pixel less and Matlab's rules say otherwise.
    edge = [[1, 1, 20.123456789012345, 20]] * 4
    answer = np.array([[1, 1, 20.123456789012345, 20], NAN, [0.1, 0.2, 3, 4], [1, 1, 20.123456789012345, 20]])
    if profile == "pytracking":
        answer[1] = 0
    sequence, trajectory = make.sequence("one", edge, size=(100, 100)), make.one_pass("one", answer.copy())
    truth = sequence.groundtruth.copy()
    first = profiles.score(profile, make.dataset(sequence), "tracker", "one_pass", {"one": [trajectory]})
    assert np.array_equal(trajectory.boxes, answer, equal_nan=True)
    assert np.array_equal(sequence.groundtruth, truth)
    again = profiles.score(profile, make.dataset(sequence), "tracker", "one_pass", {"one": [trajectory]})
    assert [score.value for score in first] == [score.value for score in again]
    perfect = profiles.score(profile, make.dataset(sequence), "t", "one_pass", {"one": [make.one_pass("one", edge)]})
    assert {score.metric: score for score in perfect}["auc"].curve[1][19] == 1
