"""The parts of Siamese trackers, compared with values computed by hand."""

from __future__ import annotations

import hashlib
import math
from functools import partial

import numpy as np
import pytest

from evalkit.errors import EvalkitError
from evalkit.trackers import _inputs, lighttrack, nanotrack, ocean, siamrpn
from evalkit.trackers.siamese import (
    Hyperparameters,
    SiameseTracker,
    TargetState,
    crop_square,
    decode_anchor_offsets,
    decode_distances,
    decode_two_class_distances,
    mean_colour,
    resolve_hyperparameters,
    round_half_away_from_zero,
    round_half_to_even,
    round_half_up,
    select_candidate,
    sigmoid,
    size_change_penalty,
    smooth_once,
    smooth_twice,
)
from evalkit.types import Box, Mask, Polygon

VALUES = Hyperparameters(penalty_k=0.1, window_influence=0.2, lr=0.3, small=256, big=288)


def picture() -> np.ndarray:
    row, column = np.mgrid[0:40, 0:60]
    return np.stack((row * 6, column * 4, (row + column) * 2), axis=-1).astype(np.uint8)


def test_the_three_ways_to_round_a_half_differ():
    halves = (0.5, 1.5, 2.5, 3.4999)
    assert [round_half_to_even(value) for value in halves] == [0, 2, 2, 3]
    assert [round_half_up(value) for value in halves] == [1, 2, 3, 3]
    assert [round_half_away_from_zero(value) for value in halves] == [1, 2, 3, 3]
    assert (round_half_to_even(-1.5), round_half_up(-1.5), round_half_up(-2.5)) == (-2, -1, -2)


def test_smoothing_twice_is_smoothing_once_by_the_square():
    old, new, rate = 40.0, 50.0, 0.3
    inner = (1 - rate) * old + rate * new
    assert (1 - smooth_twice(rate)) * old + smooth_twice(rate) * new == pytest.approx((1 - rate) * old + rate * inner)
    assert smooth_once(rate) == rate


def test_a_crop_inside_of_its_own_size_is_a_copy_of_the_pixels():
    image = picture()
    # The corner is at round(30 - 4.5) = 26 and round(20 - 4.5) = 16: halves go to the even number.
    to_even, up = (
        partial(crop_square, image, side=8, size=8, padding=(0, 0, 0), round_corner=rounding)
        for rounding in (round_half_to_even, round_half_up)
    )
    assert np.array_equal(to_even((30.0, 20.0)), image[16:24, 26:34])
    assert not np.shares_memory(to_even((30.0, 20.0)), image)
    assert np.array_equal(up((30.0, 20.0)), image[16:24, 26:34])
    assert np.array_equal(to_even((31.0, 21.0)), image[16:24, 26:34])
    assert np.array_equal(up((31.0, 21.0)), image[17:25, 27:35])


def test_pixels_outside_of_the_image_have_the_padding_colour():
    answer = crop_square(picture(), (0.0, 39.0), 6, 6, padding=(1, 2, 3), round_corner=round_half_to_even)
    # Columns -4..1 and rows 36..41 of an image of 60 by 40.
    assert (answer[:, :4] == (1, 2, 3)).all()
    assert (answer[4:] == (1, 2, 3)).all()
    assert np.array_equal(answer[:4, 4:], picture()[36:40, 0:2])


@pytest.mark.parametrize("center", [(-50.0, 20.0), (200.0, 20.0), (30.0, -90.0), (30.0, 500.0)])
def test_a_crop_outside_of_the_image_has_only_the_padding_colour(center: tuple[float, float]):
    answer = crop_square(picture(), center, 10, 16, padding=(9, 8, 7), round_corner=round_half_to_even)
    assert answer.shape == (16, 16, 3)
    assert (answer == (9, 8, 7)).all()


@pytest.mark.parametrize("center", [(30.0, 20.0), (3.0, 4.0), (58.5, 39.5), (0.0, 20.0)])
@pytest.mark.parametrize("side", [5, 31, 90])
def test_a_crop_equals_that_of_the_padded_image(center: tuple[float, float], side: int):
    import cv2

    image, colour = picture(), (11, 22, 33)
    padded = cv2.copyMakeBorder(image, 200, 200, 200, 200, cv2.BORDER_CONSTANT, value=colour)
    x, y = (round_half_to_even(value - (side + 1) / 2) + 200 for value in center)
    expected = cv2.resize(padded[y : y + side, x : x + side], (24, 24), interpolation=cv2.INTER_LINEAR)
    answer = crop_square(image, center, side, 24, padding=colour, round_corner=round_half_to_even)
    assert np.array_equal(answer, expected)


def test_the_pixels_of_a_resized_crop_are_pinned():
    answer = crop_square(picture(), (28.3, 17.9), 33, 64, padding=(5, 6, 7), round_corner=round_half_to_even)
    digest = hashlib.sha256(answer.tobytes()).hexdigest()
    assert digest == "13dbc486c0699d88823038da8a62198fbfdbcbb365806c273ba613c9153b5b02"


def test_the_mean_colour_is_truncated_and_exact():
    assert mean_colour(np.full((7, 11, 3), 100, dtype=np.uint8)) == (100, 100, 100)
    image = np.zeros((1, 4, 3), dtype=np.uint8)
    image[0, 0] = (7, 8, 3)
    assert mean_colour(image) == (1, 2, 0)


def test_an_even_response_is_longer_to_the_left_and_its_window_has_four_maxima():
    grid = lighttrack.RULES[16].anchors(256)
    assert (grid.x.min(), grid.x.max(), grid.y.min(), grid.y.max()) == (-128, 112, -128, 112)
    assert (grid.window == grid.window.max()).sum() == 4
    assert (grid.x[1], grid.y[1]) == (-112, -128)


def test_an_odd_response_is_symmetric():
    grid = ocean.PLAIN.anchors(255)
    assert (grid.x.size, grid.x.min(), grid.x.max()) == (625, -96, 96)
    assert grid.window.argmax() == 312


def test_anchors_are_ordered_by_shape():
    how = siamrpn.rules(siamrpn.CONFIGURATIONS["siamrpnpp-alexnet"])
    grid = how.anchors(287)
    assert grid.x.size == 5 * 21 * 21
    assert (grid.width[0], grid.height[0], grid.width[-1], grid.height[-1]) == (104, 32, 32, 96)
    assert np.array_equal(grid.x[:441], grid.x[441:882])
    assert grid.window.size == grid.x.size


def test_responses_have_the_published_numbers_of_cells():
    assert [lighttrack.RULES[16].cells(size) for size in (256, 288)] == [16, 18]
    assert [ocean.PLAIN.cells(size) for size in (255, 271, 287)] == [25, 27, 29]
    cells = {name: siamrpn.rules(one).cells for name, one in siamrpn.CONFIGURATIONS.items()}
    assert (cells["siamrpnpp-alexnet"](287), cells["siamrpnpp-r50"](255), cells["siamrpnpp-r50-lt"](831)) == (
        21,
        25,
        97,
    )
    assert [nanotrack.rules(version).cells(255) for version in (1, 2, 3)] == [16, 16, 15]


def test_distances_become_a_box_around_their_cell():
    grid = lighttrack.RULES[16].anchors(256)
    reg = np.zeros((1, 4, 16, 16), dtype=np.float32)
    reg[0, :, 8, 9] = (10, 20, 30, 60)
    score, boxes = decode_distances((np.zeros((1, 1, 16, 16), dtype=np.float32), reg), grid, VALUES)
    assert score[0] == 0.5
    # The cell in row 8, column 9 is at (16, 0).
    assert boxes[:, 8 * 16 + 9].tolist() == [16 + 10, 20, 40, 80]


def test_the_score_of_two_classes_is_the_softmax_of_the_second_logit():
    grid = nanotrack.rules(3).anchors(255)
    cls = np.zeros((1, 2, 15, 15), dtype=np.float32)
    cls[0, :, 0, 0] = (1.0, 3.0)
    score, _ = decode_two_class_distances((cls, np.ones((1, 4, 15, 15), dtype=np.float32)), grid, VALUES)
    assert score[0] == pytest.approx(math.exp(3) / (math.exp(1) + math.exp(3)))
    assert score[1] == 0.5


def test_an_anchor_is_shifted_in_its_own_units_and_scaled_exponentially():
    grid = siamrpn.rules(siamrpn.CONFIGURATIONS["siamrpnpp-r50"]).anchors(255)
    loc = np.zeros((1, 20, 25, 25), dtype=np.float32)
    # The second of five anchors, 88 by 40, in the first cell, at (-96, -96).
    loc[0, [1, 6, 11, 16], 0, 0] = (0.5, -0.25, math.log(2), 0)
    _, boxes = decode_anchor_offsets((np.zeros((1, 10, 25, 25), dtype=np.float32), loc), grid, VALUES)
    assert boxes[:, 625].tolist() == pytest.approx([-96 + 44, -96 - 10, 176, 40])


def test_sigmoid_does_not_overflow():
    assert sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist() == [0.0, 0.5, 1.0]


def test_the_penalty_is_one_for_the_same_size_and_falls_with_scale_and_aspect():
    boxes = np.array([[0.0] * 3, [0.0] * 3, [40.0, 80.0, 40.0], [20.0, 40.0, 10.0]])
    same, doubled, flat = size_change_penalty(boxes, 40.0, 20.0, 0.1)
    assert same == pytest.approx(1.0)
    assert doubled == pytest.approx(math.exp(-0.1 * (2 - 1)))
    # 40 by 10: sides sqrt(65 * 35) against sqrt(70 * 50), aspect 4 against 2.
    change = math.sqrt(70 * 50) / math.sqrt(65 * 35) * 2
    assert flat == pytest.approx(math.exp(-0.1 * (change - 1)))


def test_a_box_without_area_is_never_chosen_over_a_real_one():
    boxes = np.array([[0.0] * 3, [0.0] * 3, [0.0, 0.0, 40.0], [20.0, 0.0, 20.0]])
    with np.errstate(divide="ignore", invalid="ignore"):
        penalty = size_change_penalty(boxes, 40.0, 20.0, 0.1)
    assert penalty[0] == 0
    assert np.isnan(penalty[1])
    assert select_candidate(np.array([0.9, 0.9, 0.1]), penalty, np.zeros(3), 0.2) == 2


def test_a_response_that_does_not_fit_the_crop_is_an_error():
    tracker = SiameseTracker(ocean.PLAIN, ocean.PUBLISHED[0].values, networks=None, card={})
    tracker._state = TargetState((5, 5), (4, 4), (10, 10), (0, 0, 0), (), 255, scale=1.0)
    with pytest.raises(EvalkitError, match=r"crop of 255 pixels \(found \(24, 25\), expected \(25, 25\)\)"):
        tracker.locate((np.zeros((1, 1, 24, 25)), np.zeros((1, 4, 24, 25))))


def test_an_infinite_response_leaves_the_target_at_its_place():
    tracker = SiameseTracker(ocean.PLAIN, ocean.PUBLISHED[0].values, networks=None, card={})
    tracker._state = TargetState((5, 5), (12, 14), (20, 20), (0, 0, 0), (), 255, scale=1.0)
    tracker.locate((np.zeros((1, 1, 25, 25)), np.full((1, 4, 25, 25), np.inf)))
    assert (tracker.state.center, tracker.state.size) == ((5, 5), (12, 14))


@pytest.mark.parametrize(("score", "box"), [(0.0, np.nan), (np.nan, 1.0)])
def test_nan_in_the_response_is_an_error(score: float, box: float):
    tracker = SiameseTracker(ocean.PLAIN, ocean.PUBLISHED[0].values, networks=None, card={})
    tracker._state = TargetState((5, 5), (12, 14), (20, 20), (0, 0, 0), (), 255, scale=1.0)
    with pytest.raises(EvalkitError, match=r"the network output contains NaN.*diverged or are damaged"):
        tracker.locate((np.full((1, 1, 25, 25), score), np.full((1, 4, 25, 25), box)))


def test_the_first_of_equal_candidates_is_selected():
    ones = np.ones(4)
    assert select_candidate(np.array([0.1, 0.8, 0.8, 0.2]), ones, ones, 0.3) == 1


def test_published_values_are_used_on_their_benchmark():
    values, source = resolve_hyperparameters(ocean.PUBLISHED, "otb100", {})
    assert (values.penalty_k, values.lr, values.window_influence, values.small) == (0.087, 0.408, 0.366, 271)
    assert "OTB2015/Ocean.yaml" in source
    assert "none are published" not in source


@pytest.mark.parametrize("benchmark", ["trackingnet-test", "lasot-ext", "vot2018-lt", "synthetic", None])
def test_on_other_benchmarks_the_source_names_the_values_used(benchmark: str | None):
    values, source = resolve_hyperparameters(ocean.PUBLISHED, benchmark, {})
    assert values.penalty_k == 0.062
    assert "these are the values for VOT2019, none are published for" in source


def test_a_setting_overrides_a_value_and_is_named_in_the_source():
    values, source = resolve_hyperparameters(lighttrack.PUBLISHED, "vot2019", {"penalty_k": "0.5", "template": "128"})
    assert (values.penalty_k, values.template, values.lr) == (0.5, 128, 0.616)
    assert source.endswith("set by hand: penalty_k, template")


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"penaltyk": "1"}, "Did you mean 'penalty_k'"),
        ({"zzz": "1"}, "Valid settings: penalty_k"),
        ({"lr": "fast"}, "invalid value for lr"),
        ({"lr": "nan"}, "invalid value for lr"),
        ({"small": "255.5"}, "whole number"),
        ({"small": "0"}, "whole number"),
        ({"penalty_k": "-1"}, "not negative"),
    ],
)
def test_an_invalid_setting_is_rejected_with_a_message(settings: dict[str, str], complaint: str):
    with pytest.raises(EvalkitError, match=complaint):
        resolve_hyperparameters(lighttrack.PUBLISHED, None, settings)


def test_a_grey_image_is_converted_and_other_types_are_rejected():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(_inputs.as_rgb(grey), np.stack([grey] * 3, axis=-1))
    assert np.array_equal(_inputs.as_rgb(grey[..., None]), np.stack([grey] * 3, axis=-1))
    colour = np.zeros((3, 4, 3), dtype=np.uint8)
    assert _inputs.as_rgb(colour) is colour
    for wrong in (grey.astype(np.uint16), colour / 255, np.zeros((3, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(EvalkitError, match="frame"):
            _inputs.as_rgb(wrong)


def test_every_kind_of_region_is_converted_to_centre_and_size():
    assert _inputs.start_box(Box(10, 20, 30, 40)) == (25, 40, 30, 40)
    square = Polygon(np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]]))
    assert _inputs.start_box(square) == (5, 5, 11, 11)
    assert _inputs.start_box(Mask(np.ones((4, 6), dtype=bool), 10, 20)) == (13, 22, 6, 4)


@pytest.mark.parametrize("box", [(0, 0, 0, 5), (0, 0, 5, -1), (0, 0, math.nan, 5), (math.inf, 0, 5, 5)])
def test_a_start_region_without_area_is_rejected(box: tuple[float, ...]):
    with pytest.raises(EvalkitError, match="cannot start from this region"):
        _inputs.start_box(Box(*box))
