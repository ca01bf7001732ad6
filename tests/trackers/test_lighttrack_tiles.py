"""Tests of the tiles that training pairs are composed of, and of the bank that they are stored in."""

from __future__ import annotations

import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from evalkit.errors import EvalkitError
from evalkit.trackers._lighttrack.training import bank_file, object_tile, photographs, tile_bank
from evalkit.trackers._lighttrack.training.loop import CHECKPOINT
from evalkit.trackers._lighttrack.training.object_tile import OBJECT_SIDE
from evalkit.trackers._lighttrack.training.photographs import BACKGROUND_SIDE
from evalkit.trackers._lighttrack.training.tile_bank import TileBank


def equal(one: TileBank, other: TileBank) -> bool:
    return all(torch.equal(a, b) for a, b in zip(vars(one).values(), vars(other).values(), strict=True))


def write_photographs(folder: Path) -> Path:
    """A textured photograph with uniform discs, an object with an alpha channel, and a file that is not an image."""
    rows, columns = np.mgrid[0:500, 0:640]
    picture = np.random.default_rng(3).integers(0, 256, (500, 640, 3), dtype=np.uint8)
    picture[np.hypot(rows % 130 - 65, columns % 130 - 65) < 50] = (40, 160, 90)
    cv2.imwrite(str(folder / "photograph.png"), picture)
    cutout = np.zeros((60, 80, 4), dtype=np.uint8)
    cutout[10:50, 20:70] = (10, 20, 200, 255)
    (folder / "below").mkdir()
    cv2.imwrite(str(folder / "below" / "cutout.png"), cutout)
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def test_photographs_give_backgrounds_and_objects(tmp_path: Path) -> None:
    tiles = tile_bank.cut_tiles([write_photographs(tmp_path)], seed=1)
    assert tiles.backgrounds.shape[1:] == (3, BACKGROUND_SIDE, BACKGROUND_SIDE)
    assert len(tiles.backgrounds) >= 1
    assert tiles.objects.shape[1:] == (4, OBJECT_SIDE, OBJECT_SIDE)
    assert tiles.aspects[0] == pytest.approx(50 / 40)  # files are sorted: the cutout is the first object
    assert tiles.objects[0, :3, 48, 48].tolist() == [200, 20, 10]
    assert tiles.hulls[0].abs().amax(0).tolist() == [1.0, 1.0]
    assert len(tiles.objects) > 1
    again = tile_bank.cut_tiles([tmp_path], seed=1)
    assert equal(tiles, again)


def test_folders_without_objects_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match=r"no training tiles can be cut.*Leave out --photographs"):
        tile_bank.cut_tiles([tmp_path], seed=1)


def test_the_number_of_threads_does_not_change_the_tiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_photographs(tmp_path)
    for number in range(4):
        shutil.copy(folder / "photograph.png", folder / f"copy-{number}.png")
    cut = []
    for cores in (1, 4):
        monkeypatch.setattr(photographs, "usable_cores", lambda cores=cores: cores)
        cut.append(tile_bank.cut_tiles([folder], seed=1))
    assert equal(*cut)


def test_a_photograph_that_several_links_lead_to_is_read_once(tmp_path: Path) -> None:
    folder = write_photographs(tmp_path)
    once = tile_bank.cut_tiles([folder], seed=1)
    (folder / "z-link.png").symlink_to(folder / "photograph.png")
    assert equal(tile_bank.cut_tiles([folder, folder / "below"], seed=1), once)


@pytest.mark.parametrize("reduced", [1, 2, 4, 8])
def test_a_large_jpeg_file_is_decoded_at_the_size_that_its_windows_need(tmp_path: Path, reduced: int) -> None:
    finest = 3 * BACKGROUND_SIDE
    blocks = np.random.default_rng(1).integers(0, 256, (12, 15, 3), dtype=np.uint8)
    side = finest * reduced
    picture = cv2.resize(blocks, (side * 5 // 4, side), interpolation=cv2.INTER_CUBIC)
    file = tmp_path / "large.jpg"
    cv2.imwrite(str(file), picture)
    (decoded,) = photographs._read_pictures(file)
    assert decoded.shape == (finest, finest * 5 // 4, 3)
    expected = cv2.resize(picture, decoded.shape[1::-1], interpolation=cv2.INTER_AREA)[..., ::-1]
    assert np.abs(decoded.astype(int) - expected).mean() < 3


def test_windows_show_the_middle_square_at_three_scales() -> None:
    columns = np.linspace(0, 255, 1600).astype(np.uint8)
    picture = np.repeat(np.tile(columns, (1200, 1))[..., None], 3, axis=2)
    windows = list(photographs._windows(picture))
    assert [len(windows), *{window.shape for window in windows}] == [14, (BACKGROUND_SIDE, BACKGROUND_SIDE, 3)]
    assert [int(window[..., 0].min()) for window in (windows[0], windows[-1])] == pytest.approx([32, 32], abs=1)
    assert [int(window[..., 0].max()) for window in (windows[2], windows[-1])] == pytest.approx([223, 223], abs=1)
    assert len(list(photographs._windows(picture[:400, :500]))) == 1


def test_hulls_are_the_farthest_of_all_corners(bank: TileBank) -> None:
    for item, hull in zip(bank.objects, bank.hulls, strict=True):
        y, x = np.nonzero(item[3].numpy() >= 128)
        corners = np.concatenate([np.stack([x + dx, y + dy], 1) for dx in (0, 1) for dy in (0, 1)])
        corners = corners.astype(np.float32) * (2 / OBJECT_SIDE) - 1
        assert np.array_equal(hull, corners[(corners @ object_tile._DIRECTIONS).argmax(0)])


def test_a_bank_is_stored_for_its_seed_and_read_back_equal(
    bank: TileBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[int] = []
    monkeypatch.setattr(tile_bank, "render_tiles", lambda seed: rendered.append(seed) or bank)
    first = bank_file.load_or_build(tmp_path, 1, [])
    assert equal(bank_file.load_or_build(tmp_path, 1, []), first)
    bank_file.load_or_build(tmp_path, 2, [])
    assert rendered == [1, 2]
    stored = sorted(tmp_path.glob("bank-*"))
    assert [path.suffix for path in stored] == [".zip", ".zip"]
    carried = bank_file.build(tmp_path, 1, []).rename(tmp_path / "carried.zip")
    other = tmp_path / "other"
    other.mkdir()
    assert equal(bank_file.load_or_build(other, 3, [], carried), first)
    assert not list(other.glob("bank-*"))


def test_a_bank_loses_little_colour_and_nothing_else(bank: TileBank, tmp_path: Path) -> None:
    file = tmp_path / "bank.zip"
    bank_file.write_bank(file, bank)
    read = bank_file.read_bank(file)
    assert torch.equal(read.objects[:, 3], bank.objects[:, 3])
    assert torch.equal(read.aspects, bank.aspects)
    assert torch.equal(read.hulls, bank.hulls)
    for one, other in ((read.backgrounds, bank.backgrounds), (read.objects[:, :3], bank.objects[:, :3])):
        assert (one.float() - other.float()).abs().mean() < 6
    assert file.stat().st_size < sum(tensor.nbytes for tensor in vars(bank).values()) / 6
    again = tmp_path / "again.zip"
    bank_file.write_bank(again, bank)
    assert again.read_bytes() == file.read_bytes()


def test_an_interrupted_training_of_an_earlier_version_keeps_its_tensors(
    bank: TileBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tile_bank, "render_tiles", lambda seed: bank)
    file = bank_file.build(tmp_path, 1, [])
    file.unlink()
    torch.save(vars(bank), file.with_suffix(".pt"))
    assert equal(bank_file.load_or_build(tmp_path, 1, []), bank)
    assert [path.suffix for path in tmp_path.glob("bank-*")] == [".pt"]


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def flip_a_byte(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 0xFF
    file.write_bytes(data)


def rewrite(name: str, content: bytes | None) -> Callable[[Path], None]:
    """Return a function that replaces a member, or leaves it out."""

    def write(file: Path) -> None:
        with zipfile.ZipFile(file) as archive:
            members = {one.filename: archive.read(one) for one in archive.infolist()}
        members.pop(name)
        with zipfile.ZipFile(file, "w") as archive:
            for member, data in ({**members, name: content} if content is not None else members).items():
                archive.writestr(member, data)

    return write


def array_header(shape: str) -> bytes:
    """Return the head of an array file that states a shape, without its values."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


SMALL = cv2.imencode(".webp", np.zeros((8, 9, 3), dtype=np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "File is not a zip file"),
        (flip_a_byte, "Bad CRC-32"),
        (lambda file: file.write_bytes(b""), "File is not a zip file"),
        (lambda file: file.unlink(), "No such file"),
        (rewrite("bank.json", b"[]"), "version None in bank.json, expected version 1"),
        (rewrite("bank.json", b'{"version": 2}'), "version 2 in bank.json, expected version 1"),
        (rewrite("bank.json", b'{"version": 1, "backgrounds": 0, "objects": 12}'), "0 tiles in bank.json"),
        (rewrite("bank.json", b"{"), "Expecting property name"),
        (rewrite("bank.json", None), "no item named 'bank.json'"),
        (rewrite("objects/00003.webp", None), "no item named 'objects/00003.webp'"),
        (rewrite("objects/00003.webp", b""), "a damaged image, objects/00003.webp"),
        (rewrite("objects/00003.webp", SMALL), "9 x 8 pixels, objects/00003.webp, expected a WebP image of 96 x 96"),
        (rewrite("aspects.npy", b""), "expected a bank of tiles"),
        (rewrite("opacity.npy", array_header("(1, 1000000, 10000000)")), "expected a bank of tiles"),
        (rewrite("opacity.npy", array_header("(1, 2")), "expected a bank of tiles"),
        (rewrite("bank.json", b'{"version": 1, "backgrounds": 4, "objects": 11}'), "uint8 .12, 96, 96., opacity.npy"),
    ],
)
def test_a_damaged_bank_is_an_error_that_names_the_part(
    bank: TileBank, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    file = tmp_path / "bank.zip"
    bank_file.write_bank(file, bank)
    damage(file)
    with pytest.raises(EvalkitError, match=rf"(?s)cannot be read.*{message}.*Copy the file again") as caught:
        bank_file.read_bank(file)
    assert str(file) in str(caught.value)


def test_a_training_is_not_continued_with_another_bank(bank: TileBank, tmp_path: Path) -> None:
    first, moved, other = (tmp_path / name for name in ("first.zip", "moved.zip", "other.zip"))
    bank_file.write_bank(first, bank)
    shutil.copyfile(first, moved)
    bank_file.write_bank(other, tile_bank.render_tiles(8, backgrounds=4, objects=12))
    output = tmp_path / "output"
    output.mkdir()
    bank_file.load_or_build(output, 1, [], other)
    bank_file.load_or_build(output, 1, [], first)  # nothing has been trained yet
    (output / CHECKPOINT).touch()
    assert equal(bank_file.load_or_build(output, 1, [], moved), bank_file.load_or_build(output, 1, [], first))
    with pytest.raises(EvalkitError, match="begun with another bank") as caught:
        bank_file.load_or_build(output, 1, [], other)
    assert caught.value.where == str(other)
    (output / "bank.sha256").unlink()  # as in a training of an earlier version
    bank_file.load_or_build(output, 1, [], other)


def test_other_tensors_are_not_a_bank(tmp_path: Path) -> None:
    torch.save({"weights": torch.zeros(2)}, tmp_path / "weights.pt")
    with pytest.raises(EvalkitError, match=r"bank of tiles cannot be read"):
        bank_file.read_bank(tmp_path / "weights.pt")


def test_bytes_that_torch_did_not_write_are_not_a_bank(tmp_path: Path) -> None:
    (tmp_path / "bank.pt").write_bytes(b"garbage")
    with pytest.raises(EvalkitError, match=r"bank\.pt"):
        bank_file.read_bank(tmp_path / "bank.pt")


def test_a_bank_that_unpacks_to_too_many_bytes_is_refused_before_it_is_read(
    bank: TileBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bank.zip"
    bank_file.write_bank(file, bank)
    monkeypatch.setenv("EVALKIT_MAX_ARCHIVE_BYTES", "1000")
    monkeypatch.setattr(bank_file, "_read_archive", lambda archive: pytest.fail("the archive was read"))
    with pytest.raises(EvalkitError, match=r"unpacks to more bytes or files than are accepted"):
        bank_file.read_bank(file)


def test_a_thin_outline_is_not_an_object() -> None:
    picture = np.zeros((600, 600, 4), dtype=np.uint8)
    picture[np.arange(600), np.arange(600)] = 255
    assert object_tile.fit_to_tile(picture) is None


def test_a_photograph_that_cannot_be_opened_gives_no_pictures(tmp_path: Path) -> None:
    assert list(photographs._read_pictures(tmp_path / "missing.jpg")) == []


def test_a_photograph_that_opencv_refuses_for_its_size_gives_no_pictures(tmp_path: Path) -> None:
    file = tmp_path / "huge.png"
    cv2.imwrite(str(file), np.zeros((2, 2, 3), dtype=np.uint8))
    data = bytearray(file.read_bytes())
    data[16:24] = struct.pack(">II", 40_000, 40_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    file.write_bytes(data)
    assert list(photographs._read_pictures(file)) == []
