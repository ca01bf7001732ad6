from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from evalkit.errors import EvalkitError
from evalkit.io.frames import ahead, read_image
from evalkit.io.image_size import parse_size
from evalkit.types import Image


@pytest.fixture
def jpeg(tmp_path: Path) -> Path:
    path = tmp_path / "0001.jpg"
    image = np.zeros((32, 48, 3), dtype=np.uint8)
    image[:, :, 2] = 255
    cv2.imwrite(str(path), image)
    return path


def test_frames_are_rgb(jpeg: Path) -> None:
    image = read_image(jpeg)
    assert image.shape == (32, 48, 3)
    assert image[..., 0].min() > 240
    assert image[..., 2].max() < 15


def test_a_grey_file_has_three_equal_channels(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.arange(256, dtype=np.uint8).reshape(16, 16))
    image = read_image(path)
    assert image.shape == (16, 16, 3)
    assert (image[..., 0] == image[..., 2]).all()


def test_a_missing_frame_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match=r"0002\.jpg: the frame is missing"):
        read_image(tmp_path / "0002.jpg")


@pytest.mark.parametrize("kept", [0, 1, 100, -1, -2])
def test_a_truncated_jpeg_is_an_error_and_not_filled_with_grey(jpeg: Path, kept: int) -> None:
    jpeg.write_bytes(jpeg.read_bytes()[:kept])
    with pytest.raises(EvalkitError, match=r"0001\.jpg"):
        read_image(jpeg)


def test_a_text_file_is_not_an_image(tmp_path: Path) -> None:
    path = tmp_path / "0001.jpg"
    path.write_text("<html>quota exceeded</html>")
    with pytest.raises(EvalkitError, match="not an image"):
        read_image(path)


def test_frames_decoded_ahead_come_in_order() -> None:
    class Numbered:
        def __len__(self) -> int:
            return 20

        def __getitem__(self, index: int, /) -> np.ndarray:
            return np.full((1, 1, 3), index, dtype=np.uint8)

    order = [5, 3, 19, 0, 7, 7]
    assert [int(image[0, 0, 0]) for image in ahead(Numbered(), order, depth=2)] == order


def test_at_most_depth_frames_are_held() -> None:
    started: list[int] = []

    class Counting:
        def __len__(self) -> int:
            return 100

        def __getitem__(self, index: int, /) -> np.ndarray:
            started.append(index)
            return np.zeros((1, 1, 3), dtype=np.uint8)

    frames = ahead(Counting(), range(100), depth=3)
    for number, _ in enumerate(frames):
        assert len(started) <= number + 1 + 3
        if number == 10:
            break
    frames.close()


def test_an_error_belongs_to_its_frame(jpeg: Path, tmp_path: Path) -> None:
    files = [jpeg, jpeg, tmp_path / "gone.jpg"]

    class Files:
        def __len__(self) -> int:
            return len(files)

        def __getitem__(self, index: int, /) -> Image:
            return read_image(files[index])

    frames = ahead(Files(), range(3))
    assert next(frames).shape == next(frames).shape
    with pytest.raises(EvalkitError, match=r"gone\.jpg"):
        next(frames)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "0001.png"
    cv2.imwrite(str(path), np.zeros((300, 200), np.uint8))
    monkeypatch.setenv("EVALKIT_MAX_PIXELS", "59999")
    with pytest.raises(EvalkitError, match=r"200 x 300, expected at most 59999 pixels.*EVALKIT_MAX_PIXELS"):
        read_image(path)
    monkeypatch.setenv("EVALKIT_MAX_PIXELS", "60000")
    assert read_image(path).shape == (300, 200, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tif", ".webp"])
def test_the_size_of_every_format_is_known_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"1{suffix}"
    cv2.imwrite(str(path), np.arange(20 * 301 * 3).reshape(20, 301, 3).astype(np.uint8))
    assert parse_size(path.read_bytes()) == (301, 20)
    monkeypatch.setenv("EVALKIT_MAX_PIXELS", "6019")
    with pytest.raises(EvalkitError, match="301 x 20, expected at most 6019 pixels"):
        read_image(path)
