"""The synthetic dataset."""

from __future__ import annotations

import numpy as np

from evalkit import registry
from evalkit.rendering.recipes import BENCHMARK, benchmark_scene
from evalkit.types import Dataset


def synthetic(**options: object) -> Dataset:
    dataset: Dataset = registry.dataset.find("synthetic").build(root=None, **options)
    return dataset


def test_there_are_twelve_sequences_of_at_least_a_hundred_frames() -> None:
    dataset = synthetic()
    assert len(dataset.sequences) == len(dataset.expected) == 12
    assert all(len(sequence.frames or ()) >= 100 for sequence in dataset.sequences)


def test_all_attributes_of_otb_and_arc_occur() -> None:
    attributes = set().union(*(sequence.attributes for sequence in synthetic().sequences))
    assert attributes == {"IV", "SV", "OCC", "DEF", "MB", "FM", "IPR", "OPR", "OV", "BC", "LR", "ARC"}


def test_coordinates_count_from_one() -> None:
    sequence = synthetic().sequence("occlusion")
    exact = benchmark_scene(BENCHMARK[4]).annotation().boxes
    np.testing.assert_array_equal(sequence.groundtruth, exact + np.array([1, 1, 0, 0]))
    assert len(sequence) == len(sequence.frames or ())


def test_the_target_leaves_the_frame_and_returns() -> None:
    absent = synthetic().sequence("leaving").flags["absent"]
    assert 10 <= absent.sum() <= 40
    assert not absent[0]
    assert (np.diff(absent.astype(int)) == -1).any()


def test_another_seed_gives_another_version() -> None:
    assert synthetic().version != synthetic(seed=1).version
