"""Frames that are decoded turned are noted, with what boxes on them refer to."""

from __future__ import annotations

import struct
import zlib
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
from evalkit.types import Image

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


def with_png_exif(data: bytes, block: bytes, place: int) -> bytes:
    """Insert EXIF data as a chunk."""
    chunk = b"eXIf" + block
    inserted = struct.pack(">I", len(block)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data[:place] + inserted + data[place:]


def with_webp_exif(data: bytes, block: bytes, width: int, height: int) -> bytes:
    """Put a plain WebP file into the extended form, which has EXIF data behind the pixels."""
    header = struct.pack("<4sIIHBHB", b"VP8X", 10, 8, width - 1, 0, height - 1, 0)
    body = b"WEBP" + header + data[12:] + struct.pack("<4sI", b"EXIF", len(block)) + block
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(image: Image, orientation: int) -> bytes:
    """A TIFF file with its directory of tags behind the pixels, as libraries write it."""
    height, width = image.shape[:2]
    tags = {
        256: width, 257: height, 258: 8, 259: 1, 262: 2, 273: 8, 274: orientation, 277: 3, 278: height, 279: image.size,
    }  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return struct.pack("<2sHI", b"II", 42, 8 + image.size) + image.tobytes() + directory


@pytest.mark.parametrize("form", ["png", "png with EXIF at the end", "webp", "tiff"])
@pytest.mark.parametrize(("width", "height"), [(64, 48), (500, 300)])
def test_other_formats_are_turned_and_noted_alike(tmp_path: Path, form: str, width: int, height: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    suffix = form.partition(" ")[0]
    path = tmp_path / f"0001.{suffix}"
    data = b"" if form == "tiff" else cv2.imencode(f".{suffix}", image)[1].tobytes()
    path.write_bytes({
        "png": lambda: with_png_exif(data, exif(6), 33),
        "png with EXIF at the end": lambda: with_png_exif(data, exif(6), len(data) - 12),
        "webp": lambda: with_webp_exif(data, exif(6), width, height),
        "tiff": lambda: tiff(image, 6),
    }[form]())  # fmt: skip
    assert image_orientation(path) == 6
    assert read_image(path).shape[:2] == (width, height)
    assert FolderImages(tmp_path).size(path.name) == (height, width)


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


def test_only_sequences_that_are_checked_are_noted(tmp_path: Path) -> None:
    for name, orientation in (("turned", 6), ("upright", 1)):
        sequence(tmp_path / name, "images", orientation)
    for name in ("turned", "upright"):
        command = ["check", "folder", "--data", str(tmp_path), "--sequences", name]
        printed = CliRunner().invoke(data_command, command).output
        assert "2 of 2 sequences, 1 of them checked, 0 findings" in printed
        assert (NOTE in printed) == (name == "turned")
