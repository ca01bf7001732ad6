"""The measures of VOTS: definitions on small cases, and vot-toolkit's own numbers on videos made by rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import vots_case

from evalkit.factories import open_dataset
from evalkit.metrics import profiles
from evalkit.results import layouts
from evalkit.types import Annotation, Box, Dataset, FrameState, Mask, Region, Score, Sequence, Trajectory

GOLDEN = Path(__file__).parents[1] / "golden" / "metrics" / "vots_vottoolkit090.json"
EMPTY = Mask(np.zeros((0, 0), bool))
HERE, AWAY = Box(10, 10, 20, 20), Box(60, 60, 20, 20)


def toolkit_scores(videos: int, seed: int, root: Path, trackers: tuple[str, ...]) -> None:
    """Compare evalkit's scores with those of vot-toolkit."""
    golden: dict[str, dict[str, Any]] = json.loads(GOLDEN.read_text())[f"{videos} videos, seed {seed}"]
    vots_case.write_case(root, videos, seed)
    dataset = open_dataset("vots2023", root / "sequences")
    assert len({sequence.video for sequence in dataset.sequences}) == videos < len(dataset.sequences)
    for tracker in trackers:
        folder = root / "results" / tracker
        layout = layouts.get("vot")
        runs = {sequence.name: layout.read(folder, sequence, "multi_object") for sequence in dataset.sequences}
        scores = profiles.score("vots", dataset, tracker, "multi_object", runs, confidence=None)
        expected = dict(golden[tracker])
        curve = scores[0].curve
        assert curve is not None
        np.testing.assert_allclose(curve[1][::11], expected.pop("plot"), rtol=0, atol=1e-9)
        found = {score.metric: score.value for score in scores}
        assert found == pytest.approx(expected, abs=1e-9), tracker


def test_scores_are_those_of_vot_toolkit(tmp_path: Path) -> None:
    toolkit_scores(40, 0, tmp_path, vots_case.TRACKERS)


@pytest.mark.slow
def test_scores_of_five_hundred_videos_are_those_of_vot_toolkit(tmp_path: Path) -> None:
    toolkit_scores(500, 1, tmp_path, vots_case.TRACKERS)


def target(name: str, regions: list[Region | None], video: str | None = None, **facts: Any) -> Sequence:
    boxes = np.full((len(regions), 4), np.nan)
    return Sequence(
        name, lambda: Annotation(boxes, regions=tuple(regions), **facts), size=(100, 100), video=video or name
    )


def answers(name: str, regions: list[Region | None]) -> list[Trajectory]:
    count = len(regions)
    states = np.full(count, FrameState.TRACKED, np.int8)
    states[0] = FrameState.INITIALIZED
    unknown = np.full(count, np.nan)
    return [
        Trajectory("t", name, "multi_object", np.full((count, 4), np.nan), tuple(regions), unknown, unknown, states)
    ]


def score(*pairs: tuple[Sequence, list[Region | None]]) -> dict[str, Score]:
    sequences = tuple(sequence for sequence, _ in pairs)
    names = tuple(sequence.name for sequence in sequences)
    dataset = Dataset("v", "V", "1", 0, sequences, names, ("multi_object",), ("vots",), "vot", family="vot")
    runs = {sequence.name: answers(sequence.name, regions) for sequence, regions in pairs}
    found = profiles.score("vots", dataset, "t", "multi_object", runs, confidence=None)
    return {one.metric: one for one in found}


def values(*pairs: tuple[Sequence, list[Region | None]]) -> list[float | None]:
    return [one.value for one in score(*pairs).values()]


def test_the_first_frame_counts_with_overlap_0() -> None:
    quality, accuracy, robustness, missed, drifted, absence = values((target("a", [HERE] * 4), [HERE] * 4))
    assert (quality, accuracy, robustness) == (0.75, 0.75, 0.75)
    assert (missed, drifted, absence) == (0.25, 0, None)


def test_an_answer_elsewhere_drifts_and_no_answer_is_missed() -> None:
    found = values((target("a", [HERE] * 5), [HERE, HERE, AWAY, None, EMPTY]))
    assert found[2:5] == [pytest.approx(0.2), pytest.approx(0.6), pytest.approx(0.2)]
    assert sum(value or 0 for value in found[2:5]) == pytest.approx(1)
    # The start and the only frame with an overlap.
    assert found[1] == 0.5


def test_noticed_absence_has_overlap_1_and_is_scored_from_eleven_frames_on() -> None:
    for absent, expected in ((10, None), (11, 10 / 11)):
        truth: list[Region | None] = [HERE, *[EMPTY] * absent]
        found = score((target("a", truth), [HERE, HERE, *[None] * (absent - 1)]))
        assert found["absence_detection_quality"].value == (None if expected is None else pytest.approx(expected))
        assert found["quality"].value == pytest.approx((absent - 1) / (absent + 1))


def test_objects_are_averaged_within_their_video() -> None:
    good, bad = [HERE] * 4, [HERE, AWAY, AWAY, AWAY]
    three = [
        (target("a_1", [HERE] * 4, "a"), good), (target("a_2", [HERE] * 4, "a"), bad), (target("b", [HERE] * 4), good),
    ]  # fmt: skip
    assert values(*three)[0] == pytest.approx(((0.75 + 0) / 2 + 0.75) / 2)


def test_frames_of_unknown_groundtruth_and_ignored_pixels_do_not_count() -> None:
    wide = Box(10, 10, 40, 20)
    ignored = (None, *[Box(30, 0, 70, 100)] * 3)
    found = values((target("a", [HERE, HERE, None, HERE], ignored=ignored), [HERE, wide, AWAY, wide]))
    assert found[0] == pytest.approx(2 / 3)


def test_the_quality_plot_reaches_1_where_every_overlap_does() -> None:
    curve = score((target("a", [HERE] * 4), [HERE] * 4))["quality"].curve
    assert curve is not None
    assert (len(curve[0]), curve[1][0], curve[1][-1]) == (100, 0.75, 0.75)
