"""Frames that are decoded turned are noted, with what boxes on them refer to."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from evalkit.api import run, track
from evalkit.cli.data import data_command
from evalkit.datasets.building import FolderImages
from evalkit.io.frames import read_image
from evalkit.io.image_size import image_size
from evalkit.io.orientation import image_orientation
from evalkit.io.video import VideoFile

IDENTITY = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
MATRICES = {
    1: IDENTITY,
    6: (0, 0x10000, 0, -0x10000, 0, 0, 48 << 16, 0, 0x40000000),
    3: (-0x10000, 0, 0, 0, -0x10000, 0, 64 << 16, 48 << 16, 0x40000000),
    8: (0, -0x10000, 0, 0x10000, 0, 0, 0, 64 << 16, 0x40000000),
}
NOTE = "turned by 90 degrees clockwise"
BOXES = "boxes refer to the turned frames, which viewers show"


def exif(orientation: int, order: str = "<") -> bytes:
    """EXIF data with nothing but an orientation."""
    return {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HIHHHIHHI", 42, 8, 1, 0x112, 3, 1, orientation, 0, 0)


def write_jpeg(path: Path, orientation: int, order: str = "<") -> Path:
    """A picture of 64 x 48 pixels with a white square in its top left corner, with an orientation."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[:16, :16] = 255
    data = cv2.imencode(".jpg", image)[1].tobytes()
    segment = b"Exif\0\0" + exif(orientation, order)
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:])
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_orientation_of_a_jpeg_is_the_one_that_the_decoder_uses(
    tmp_path: Path, orientation: int, order: str
) -> None:
    path = write_jpeg(tmp_path / "0001.jpg", orientation, order)
    assert image_orientation(path) == orientation
    height, width = read_image(path).shape[:2]
    assert image_size(path) == (64, 48)
    assert FolderImages(tmp_path).size("0001.jpg") == (width, height)
    assert (width, height) == ((48, 64) if orientation > 4 else (64, 48))


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_other_formats_are_turned_and_noted_alike(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"0001.{suffix}"
    data = cv2.imencode(f".{suffix}", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
    block = exif(6)
    if suffix == "png":  # a chunk after the header; OpenCV does not compare its checksum
        import zlib

        chunk = struct.pack(">I4s", len(block), b"eXIf") + block
        data = data[:33] + chunk + struct.pack(">I", zlib.crc32(chunk[4:])) + data[33:]
    else:
        frame = data[12:]
        header = struct.pack("<4sIIHBHB", b"VP8X", 10, 8, 63, 0, 47, 0)
        body = b"WEBP" + header + frame + struct.pack("<4sI", b"EXIF", len(block)) + block
        data = b"RIFF" + struct.pack("<I", len(body)) + body
    path.write_bytes(data)
    assert image_orientation(path) == 6
    assert read_image(path).shape[:2] == (64, 48)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe1\0\x10Exif\0\0II*\0\xff\xff\xff\xff", b"II*\0"])
def test_damaged_files_have_no_orientation(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "0001.jpg").write_bytes(data)
    assert image_orientation(tmp_path / "0001.jpg") == 1
    assert image_orientation(tmp_path / "0002.jpg") == 1


def write_video(path: Path, orientation: int) -> Path:
    """A video of 64 x 48 pixels whose file asks for a rotation."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (64, 48))
    for number in range(4):
        writer.write(np.full((48, 64, 3), number * 20, np.uint8))
    writer.release()
    data = path.read_bytes()
    place = data.index(struct.pack(">9i", *IDENTITY), data.index(b"tkhd"))
    path.write_bytes(data[:place] + struct.pack(">9i", *MATRICES[orientation]) + data[place + 36 :])
    return path


@pytest.mark.parametrize("orientation", MATRICES)
def test_the_rotation_of_a_video_is_that_of_its_frames(tmp_path: Path, orientation: int) -> None:
    video = VideoFile(write_video(tmp_path / "clip.mp4", orientation))
    assert video.orientation == orientation
    assert video[0].shape[:2] == ((64, 48) if orientation > 4 else (48, 64))


def sequence(folder: Path, kind: str, orientation: int) -> Path:
    folder.mkdir()
    (folder / "groundtruth.txt").write_text("4,4,10,10\n" * 4)
    if kind == "video":
        write_video(folder / "clip.mp4", orientation)
    else:
        for number in range(4):
            write_jpeg(folder / f"{number:04d}.jpg", orientation)
    return folder


@pytest.mark.parametrize("kind", ["images", "video"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_every_command_that_reads_frames_says_that_they_are_turned(tmp_path: Path, kind: str, orientation: int) -> None:
    folder = sequence(tmp_path / "clip", kind, orientation)
    notices = run("identity", "folder", data=folder, results=tmp_path / "results").notices
    printed = CliRunner().invoke(data_command, ["check", "folder", "--data", str(folder)]).output
    told: list[str] = []
    source = next(folder.glob("*.mp4"), folder)
    track(source, "identity", box=(4, 4, 10, 10), outputs=[tmp_path / "boxes.txt"], tell=told.append)
    for text in ("\n".join(notices), printed, "\n".join(told)):
        assert (NOTE in text and BOXES in text) == (orientation == 6), text
    assert "0 findings" in printed
