from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from evalkit import registry
from evalkit.datasets.building import VideoFile
from evalkit.errors import EvalkitError
from evalkit.types import Dataset, Polygon


def open_(root: Path | None) -> Dataset:
    return registry.dataset.find("folder").build(root=root)  # type: ignore[no-any-return]


def write_video(path: Path, frames: int) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    for level in range(frames):
        writer.write(np.full((48, 64, 3), 20 * level, np.uint8))
    writer.release()


def test_a_second_clip_does_not_change_the_results_folder_of_the_first(tmp_path: Path) -> None:
    for count, name in enumerate(("first", "second"), start=1):
        place = tmp_path / "clips" / name
        place.mkdir(parents=True)
        (place / "groundtruth.txt").write_text("1 2 3 4\n")
        cv2.imwrite(str(place / "1.png"), np.zeros((20, 20, 3), np.uint8))
        found = open_(tmp_path / "clips")
        assert (found.directory, len(found.sequences)) == ("clips", count)


def test_images_next_to_their_groundtruth_are_a_dataset_of_one_sequence(tmp_path: Path) -> None:
    place = tmp_path / "holiday"
    place.mkdir()
    (place / "groundtruth.txt").write_text("1 2 3 4\n" * 11)
    for number in range(11):
        cv2.imwrite(str(place / f"{number}.png"), np.full((8, 9, 3), number, np.uint8))
    benchmark = open_(place)
    (sequence,) = benchmark.sequences
    assert (benchmark.name, benchmark.directory, sequence.name, len(sequence)) == ("folder", "holiday", "holiday", 11)
    assert sequence.frames is not None
    assert [int(sequence.frames[index][0, 0, 0]) for index in (2, 10)] == [2, 10]


@pytest.mark.parametrize("given", ["", "clip.avi"])
def test_a_video_is_decoded_in_any_order(tmp_path: Path, given: str) -> None:
    write_video(tmp_path / "clip.avi", 6)
    (tmp_path / "groundtruth.txt").write_text("1,2,3,4\n")
    (sequence,) = open_(tmp_path / given if given else tmp_path).sequences
    frames = pickle.loads(pickle.dumps(sequence.frames))
    assert len(sequence) == len(frames) == 6
    assert sequence.fps == 25.0
    assert [round(int(frames[index][5, 5, 0]) / 20) for index in (0, 3, 1, 5)] == [0, 3, 1, 5]
    with pytest.raises(EvalkitError, match="frame 7 cannot be decoded"):
        frames[6]
    with pytest.raises(IndexError):
        frames[-1]


def test_opening_a_dataset_of_videos_decodes_none_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "clip.avi", 2)
    (tmp_path / "groundtruth.txt").write_text("1,2,3,4\n" * 2)
    monkeypatch.setattr(VideoFile, "__len__", lambda self: pytest.fail("a video was decoded to count its frames"))
    (sequence,) = open_(tmp_path).sequences
    assert sequence.fps == 25.0
    assert len(sequence) == 2


def test_several_folders_are_several_sequences_and_polygons_are_accepted(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "groundtruth.txt").write_text("0,0,4,0,4,4,0,4\n")
    benchmark = open_(tmp_path)
    assert [sequence.name for sequence in benchmark.sequences] == ["a", "b"]
    assert isinstance(benchmark.sequences[0].region(0), Polygon)
    assert benchmark.sequences[0].frames is None


def test_a_folder_without_groundtruth_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match=r"no groundtruth.txt was found"):
        open_(tmp_path)


def test_two_videos_next_to_one_groundtruth_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "groundtruth.txt").write_text("1,2,3,4\n")
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).touch()
    with pytest.raises(EvalkitError, match=r"several videos .* \(found a.mp4, b.mp4, expected one\)"):
        open_(tmp_path)


def test_a_file_that_is_not_a_video_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "groundtruth.txt").write_text("1,2,3,4\n")
    (tmp_path / "a.mp4").write_bytes(b"nothing")
    with pytest.raises(EvalkitError, match="this video cannot be opened"):
        open_(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="links")
@pytest.mark.parametrize("target", ["clips/second", "clips/second/groundtruth.txt"])
def test_a_link_to_nothing_does_not_take_a_sequence_out_of_the_dataset(tmp_path: Path, target: str) -> None:
    for name in ("first", "second"):
        place = tmp_path / "clips" / name
        place.mkdir(parents=True)
        (place / "groundtruth.txt").write_text("1,2,3,4\n")
    assert len(open_(tmp_path / "clips").sequences) == 2
    path = tmp_path / target
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(EvalkitError, match=rf"{target}: a link leads to nothing"):
        open_(tmp_path / "clips")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("1,2,3,4\n2\n", r"groundtruth.txt:2: not a region \(found 2"), ("nan,nan,nan,nan\n0\n", "no frame is annotated")],
)
def test_codes_of_results_are_not_groundtruth(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "groundtruth.txt").write_text(text)
    with pytest.raises(EvalkitError, match=complaint):
        len(open_(tmp_path).sequences[0])
