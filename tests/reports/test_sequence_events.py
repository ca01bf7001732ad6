"""Frames on which something happens, and the player that shows them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from moving_square import moving_square, tiny_dataset

from evalkit.comparison import Comparison
from evalkit.reports.document.build import build_report
from evalkit.reports.document.player import make_player
from evalkit.reports.document.sequence_events import failure_frames, parting_frames
from evalkit.reports.document.sequence_replay import SequenceReplay
from evalkit.types import Boxes, FrameState, Score, Trajectory

NAN = np.nan


def trajectory(boxes: Boxes, sequence: str = "square", tracker: str = "one") -> Trajectory:
    count = len(boxes)
    states = np.full(count, FrameState.TRACKED, dtype=np.int8)
    unknown = np.full(count, NAN)
    return Trajectory(tracker, sequence, "one_pass", boxes, None, unknown, unknown, states)


def test_a_failure_is_where_the_overlap_falls_to_zero_and_not_where_it_stays_there() -> None:
    values = np.array([1.0, 0.4, 0.0, 0.0, NAN, 0.0, 0.3, NAN, 0.0])
    assert failure_frames({3: values, 1: np.array([1.0, 1.0, 0.5, 0.0])}) == [(2, 3), (3, 1), (8, 3)]
    assert failure_frames({0: np.array([0.0, 0.0])}) == []


def test_trackers_part_where_the_difference_grows_beyond_half() -> None:
    rows = [np.array([1.0, 0.9, 0.9, 0.9, 0.9]), np.array([1.0, 0.5, 0.3, 0.2, 0.8])]
    assert parting_frames(rows, agreement=False) == [2]
    assert parting_frames(rows[:1], agreement=False) == []
    assert parting_frames([np.array([NAN, 0.9, 0.5, 0.6, 0.2])], agreement=True) == [2, 4]


def lost(length: int, frame: int) -> SequenceReplay:
    sequence = moving_square(length=length, speed=0)
    boxes = sequence.groundtruth.copy()
    boxes[frame:] += [500, 0, 0, 0]
    return SequenceReplay(tiny_dataset(sequence), sequence, {0: trajectory(boxes), 1: trajectory(sequence.groundtruth)})


def test_a_player_has_every_frame_if_there_is_room_and_numbers_count_from_one() -> None:
    made = make_player("key", lost(12, 5), [0, 5], 10_000_000)
    assert made.numbers == tuple(range(1, 13))
    assert made.failures == ((6, 0),)
    assert made.partings == (6,)
    assert made.size == (80, 60)
    assert [index for index, _ in made.outlines[0]] == [None, 0, 1]


def test_a_player_leaves_frames_out_to_fit_its_budget_but_not_the_striking_ones() -> None:
    whole = make_player("key", lost(60, 31), [0], 10_000_000)
    small = make_player("key", lost(60, 31), [0, 44], whole.bytes // 3)
    assert small.bytes <= whole.bytes // 3
    assert {1, 32, 45} <= set(small.numbers)
    assert 8 <= len(small.numbers) < 60


def report() -> Comparison:
    sequences = [moving_square(name, 10) for name in ("good", "bad", "worse")]
    runs = {}
    for sequence, frame in zip(sequences, (10, 6, 2), strict=True):
        boxes = sequence.groundtruth.copy()
        boxes[frame:] += [500, 0, 0, 0]
        runs[sequence.name] = [trajectory(boxes, sequence.name)]
    values = {"good": 1.0, "bad": 0.6, "worse": 0.2}
    score = Score("one", "tiny", "one_pass", "auc", "otb-matlab", 1, 0.6, "fraction", True, 3, 3, per_sequence=values)
    return Comparison(("one",), (tiny_dataset(*sequences),), (score,), runs={("tiny", "one"): runs})


def test_failures_are_shown_for_the_worst_sequences_with_frames_side_by_side() -> None:
    section = next(one for one in build_report(report(), ()).sections if one.key == "tiny-failures")
    (table,) = section.tables
    assert [[cell.full for cell in row] for row in table.rows] == [
        ["worse", "10", "0.200", "3 80 %"], ["bad", "10", "0.600", "7 40 %"]
    ]  # fmt: skip
    assert [(frame.number, frame.caption) for frame in section.frames[:3]] == [
        (1, "worse, before"), (3, "worse, one without overlap"), (6, "worse, later")
    ]  # fmt: skip


def test_a_benchmark_without_images_has_the_table_alone() -> None:
    comparison = report()
    (dataset,) = comparison.datasets
    bare = tiny_dataset(*(replace(one, frames=None) for one in dataset.sequences))
    section = next(
        one for one in build_report(replace(comparison, datasets=(bare,)), ()).sections if one.key == "tiny-failures"
    )
    assert section.tables
    assert not section.frames


def test_there_is_no_section_where_nothing_fails() -> None:
    comparison = report()
    runs = {one.name: [trajectory(one.groundtruth, one.name)] for one in comparison.datasets[0].sequences}
    clean = replace(comparison, runs={("tiny", "one"): runs})
    assert not [one for one in build_report(clean, ()).sections if one.key == "tiny-failures"]
