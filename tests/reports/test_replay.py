"""Replay: the choice of key frames, the positions of the boxes, and the videos."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from moving_square import moving_square, tiny_dataset
from PIL import Image as Pillow

from evalkit import api, registry
from evalkit.comparison import Comparison
from evalkit.errors import EvalkitError
from evalkit.reports.document.build import build_report
from evalkit.reports.document.sequence_replay import SequenceReplay, key_frames, outline
from evalkit.types import Annotation, Box, Boxes, Dataset, FrameState, Mask, Polygon, Score, Sequence, Trajectory


def trajectory(boxes: Boxes, tracker: str = "one", sequence: str = "square") -> Trajectory:
    count = len(boxes)
    states = np.full(count, FrameState.TRACKED, dtype=np.int8)
    return Trajectory(tracker, sequence, "one_pass", boxes, None, np.full(count, np.nan), np.full(count, 0.01), states)


def replay(*answers: Boxes, length: int = 6, origin: int = 0) -> SequenceReplay:
    sequence = moving_square(length=length, origin=origin)
    return SequenceReplay(
        tiny_dataset(sequence, origin=origin), sequence, {place: trajectory(one) for place, one in enumerate(answers)}
    )


def test_outlines_are_in_pixels_of_the_picture_whatever_the_origin_of_the_files() -> None:
    for origin in (0, 1):
        truth = moving_square(origin=origin).groundtruth
        shown = replay(truth, origin=origin).outlines(0)
        corners = ((20.0, 24.0), (36.0, 24.0), (36.0, 36.0), (20.0, 36.0))
        assert shown == [(None, corners), (0, corners)]


def test_a_tracker_without_an_answer_is_not_drawn() -> None:
    boxes = moving_square().groundtruth.copy()
    boxes[3] = np.nan
    assert [index for index, _ in replay(boxes).outlines(3)] == [None]


def test_polygons_keep_their_corners_and_masks_become_their_bounding_box() -> None:
    polygon = Polygon(np.array([[1.0, 2.0], [5.0, 2.0], [4.0, 7.0]]))
    assert outline(polygon) == ((1.0, 2.0), (5.0, 2.0), (4.0, 7.0))
    assert outline(Mask(np.ones((2, 3), dtype=bool), 10, 20)) == outline(Box(10, 20, 3, 2))


def test_key_frames_hold_the_hardest_and_the_one_where_trackers_differ_most() -> None:
    truth = moving_square(length=60).groundtruth
    lost, apart = truth.copy(), truth.copy()
    lost[[20, 41]] += [500, 500, 0, 0]
    apart[20] += [500, 500, 0, 0]
    chosen = dict(key_frames(replay(lost, apart, length=60)))
    assert chosen[0] == "initialization"
    assert chosen[20] == "hardest"
    assert chosen[41] == "trackers differ most"
    assert len(chosen) <= 8
    assert list(chosen) == sorted(chosen)


def unannotated(length: int = 6) -> Sequence:
    """A moving square of which only the first box is known."""
    sequence = moving_square(length=length)
    boxes = sequence.groundtruth.copy()
    boxes[1:] = np.nan
    return replace(sequence, read=lambda: Annotation(boxes))


def test_without_groundtruth_the_plot_shows_agreement_and_no_overlap_of_one_frame() -> None:
    dataset, truth = tiny_dataset(unannotated()), moving_square().groundtruth
    apart = truth.copy()
    apart[4] += [500, 500, 0, 0]
    runs = {
        ("tiny", label): {"square": [trajectory(boxes, label)]} for label, boxes in (("one", truth), ("two", apart))
    }
    shown = Comparison(("one", "two"), (dataset,), runs=runs, unscored={"tiny": "withheld"}, replay=("square",))
    section = next(one for one in build_report(shown, ()).sections if one.key.endswith("-replay"))
    (figure,) = section.figures
    assert figure.data["series"] == [
        {"tracker": "one and two", "index": None, "x": [1, 2, 3, 4, 5, 6], "y": [None, 1.0, 1.0, 1.0, 0.0, 1.0]}
    ]
    assert "overlap with the groundtruth" in section.introduction[0]
    assert {frame.number: frame.caption for frame in section.frames}[5] == "trackers differ most"
    text = page(shown)
    assert "Mean overlap:" not in text
    assert "mean 1.000" not in text


def test_without_groundtruth_one_tracker_has_frames_and_no_plot() -> None:
    dataset, boxes = tiny_dataset(unannotated()), moving_square().groundtruth
    runs = {("tiny", "one"): {"square": [trajectory(boxes)]}}
    shown = Comparison(("one",), (dataset,), runs=runs, unscored={"tiny": "withheld"}, replay=("square",))
    section = next(one for one in build_report(shown, ()).sections if one.key.endswith("-replay"))
    assert section.frames
    assert not section.figures


def comparison(dataset: Dataset, *shown: str) -> Comparison:
    runs = {one.name: [trajectory(one.groundtruth, "one", one.name)] for one in dataset.sequences}
    score = Score("one", "tiny", "one_pass", "auc", "otb-matlab", 1, 0.9, "fraction", True, 3, 3)
    return Comparison(("one",), (dataset,), (score,), runs={("tiny", "one"): runs}, replay=shown)


def page(content: Comparison) -> str:
    return str(registry.report.find("html").build(comparison=content))


def test_the_page_shows_the_frames_and_the_overlap_plot_links_to_them() -> None:
    text = page(comparison(tiny_dataset(), "b"))
    assert text.count('<image href="data:image/jpeg;base64,') == text.count('class="frame"') > 1
    assert 'href="#frame-tiny-1-1"' in text
    assert 'id="frame-tiny-1-1"' in text


def test_a_sequence_without_frames_says_so_instead() -> None:
    bare = tuple(replace(one, frames=None) for one in tiny_dataset().sequences)
    text = page(comparison(tiny_dataset(*bare), "b"))
    assert 'href="data:image/jpeg' not in text
    assert "frames of this sequence are not available" in text


@pytest.fixture
def results(tiny: Dataset, tmp_path: Path) -> Path:
    api.run(["identity"], ["tiny"], results=tmp_path)
    return tmp_path


def test_a_video_has_every_frame_at_the_speed_of_the_sequence(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.mp4"
    api.replay(None, "tiny", "b", path, results=results)
    video = cv2.VideoCapture(str(path))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(30.0)
    shown = 0
    while video.read()[0]:
        shown += 1
    assert shown == 6


def test_a_gif_lasts_as_long_as_the_sequence(results: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.gif"
    api.replay(["identity"], "tiny", "B", path, results=results, fps=10)
    with Pillow.open(io.BytesIO(path.read_bytes())) as picture:
        assert getattr(picture, "n_frames", 1) == 6
        assert picture.info["duration"] == 100


def test_an_unknown_sequence_or_tracker_is_named(results: Path, tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match="--sequence nowhere: no such sequence"):
        api.replay(None, "tiny", "nowhere", tmp_path / "b.mp4", results=results)
    with pytest.raises(EvalkitError, match="tiny/mosse/b: there is no result"):
        api.replay(["mosse"], "tiny", "b", tmp_path / "b.mp4", results=results)
    with pytest.raises(EvalkitError, match=r"expected \.gif, \.mp4"):
        api.replay(None, "tiny", "b", tmp_path / "b.avi", results=results)
