"""VOT's average overlap without resets, on sequences worked out by hand and against the toolkit's own output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit.errors import EvalkitError
from evalkit.metrics import profiles
from evalkit.results import layouts
from evalkit.types import Dataset, FrameState, Score, VotRules

WHOLE = [10, 10, 10, 10]
HALF = [10, 10, 10, 5]
AWAY = [50, 50, 10, 10]
NONE = [np.nan] * 4


def run(make: Any, rows: list[Any], name: str = "one", **more: Any) -> Any:
    states = [FrameState.INITIALIZED, *[FrameState.SKIPPED if row is NONE else FrameState.TRACKED for row in rows]]
    return make.one_pass(name, [NONE, *rows], "unsupervised", states=np.array(states, dtype=np.int8), **more)


def score(dataset: Dataset, runs: Any, **more: Any) -> list[Score]:
    return profiles.score("vot-unsupervised", dataset, "tracker", "unsupervised", runs, **more)


def small(make: Any, *lengths: int, burn_in: int = 1, **flags: Any) -> Dataset:
    names = ("one", "two")
    sequences = [
        make.sequence(name, [WHOLE] * length, size=(100, 100), **flags)
        for name, length in zip(names, lengths, strict=False)
    ]
    found: Dataset = make.dataset(*sequences, vot=VotRules(unsupervised_burn_in=burn_in, tags=tuple(flags)))
    return found


def test_sequences_weigh_by_their_length_and_the_start_is_left_out(make: Any) -> None:
    dataset = small(make, 4, 2)
    runs = {"one": [run(make, [WHOLE, HALF, AWAY])], "two": [run(make, [HALF], "two")]}
    (found,) = score(dataset, runs)
    # Sequence means 1/2 and 1/2 over 4 and 2 frames, the start counting as a frame of the sequence.
    assert (found.metric, found.value) == ("ao", pytest.approx((4 * (1 + 0.5 + 0) / 3 + 2 * 0.5) / 6))
    assert found.per_sequence == {"one": pytest.approx(0.5), "two": pytest.approx(0.5)}


def test_until_2019_the_burn_in_is_ten_frames(make: Any) -> None:
    dataset = replace(small(make, 12), vot=VotRules())
    (found,) = score(dataset, {"one": [run(make, [*[AWAY] * 9, WHOLE, HALF])]})
    assert found.value == pytest.approx(0.75)


def test_frames_without_an_answer_are_left_out_and_counted(make: Any) -> None:
    (found,) = score(small(make, 5), {"one": [run(make, [WHOLE, NONE, HALF, NONE])]})
    assert found.value == pytest.approx(0.75)
    assert found.notes == ("frames without an answer left out, as the toolkit does: 2 frames in 1 sequence",)


def test_frames_without_groundtruth_are_left_out(make: Any) -> None:
    truth = make.sequence("one", [WHOLE, WHOLE, NONE, WHOLE], size=(100, 100))
    (found,) = score(
        make.dataset(truth, vot=VotRules(unsupervised_burn_in=1)), {"one": [run(make, [HALF, AWAY, HALF])]}
    )
    assert (found.value, found.notes) == (
        pytest.approx(0.5), ("frames without annotation left out: 1 frame in 1 sequence",),
    )  # fmt: skip


def test_a_sequence_that_leaves_nothing_to_score_counts_as_zero(make: Any) -> None:
    runs = {"one": [run(make, [WHOLE, WHOLE, WHOLE])], "two": [run(make, [], "two")]}
    (found,) = score(small(make, 4, 1), runs)
    assert found.value == pytest.approx(4 / 5)
    assert found.per_sequence == {"one": 1, "two": 0}


def test_repetitions_are_averaged(make: Any) -> None:
    repetitions = [run(make, [WHOLE, WHOLE]), run(make, [HALF, HALF], repetition=2)]
    assert score(small(make, 3), {"one": repetitions})[0].value == pytest.approx(0.75)


def test_the_burn_in_of_a_tag_is_that_of_its_frames(make: Any) -> None:
    # Without the start among them, there is no burn-in; a tag that no frame carries has no value.
    dataset = small(make, 4, burn_in=10, occlusion=[False, True, False, True], blur=[False] * 4)
    runs = {"one": [run(make, [WHOLE, AWAY, HALF])]}
    found = {item.attribute: item.value for item in score(dataset, runs, attributes=True)}
    assert found == {None: 0, "occlusion": pytest.approx(0.75), "blur": None}


def test_results_that_are_too_short_are_named(make: Any) -> None:
    with pytest.raises(EvalkitError, match="found one: 2 of 4 rows"):
        score(small(make, 4), {"one": [run(make, [WHOLE])]})


@pytest.mark.parity
@pytest.mark.parametrize(
    ("tracker", "burn_in", "expected", "occluded"),
    [
        ("LightTrack", 10, 0.535704207662365, 0.3747303425834714),
        ("LightTrack", 1, 0.542190519614113, 0.3849377291921012),
        ("NanoTrack", 10, 0.5419312877792202, 0.4223127826724478),
        ("NanoTrack", 1, 0.5493617698981519, 0.43375567089313877),
    ],
)
def test_it_is_what_vot_toolkit_says_of_real_answers(
    tracker: str, burn_in: int, expected: float, occluded: float, data: Path, benchmark: Callable[[str], Dataset]
) -> None:
    # From gather_overlaps of vot-toolkit 0.9.0 over the same files; starts, failures and unknown frames included.
    vot2018 = benchmark("vot2018")
    vot = replace(vot2018, vot=replace(vot2018.vot, unsupervised_burn_in=burn_in))
    folder = data / "results" / "VOT2018" / tracker
    runs = {item.name: layouts.get("vot").read(folder, item, "supervised") for item in vot.sequences}
    found = {item.attribute: item.value for item in score(vot, runs, attributes=True, confidence=None)}
    assert (found[None], found["occlusion"]) == (pytest.approx(expected, abs=1e-12), pytest.approx(occluded, abs=1e-12))
