from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import EvalkitError
from evalkit.results import archives
from evalkit.results.archives import unpack


def write_zip(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def write_tar(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def tar_member(name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, size
    return member


def test_files_are_unpacked_unchanged(tmp_path: Path) -> None:
    unpack(write_zip(tmp_path / "a.zip", **{"x/a.txt": b"1,2\n", "x/y/b.txt": b""}), tmp_path / "zip")
    unpack(write_tar(tmp_path / "a.tar.gz", tar_member("x/a.txt", size=3)), tmp_path / "tar")
    assert (tmp_path / "zip" / "x" / "a.txt").read_bytes() == b"1,2\n"
    assert (tmp_path / "zip" / "x" / "y" / "b.txt").read_bytes() == b""
    assert (tmp_path / "tar" / "x" / "a.txt").read_bytes() == b"xxx"


@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "a/../../evil.txt", "/etc/evil.txt", "C:\\evil.txt", "..\\evil.txt", "\\\\host\\evil", "a\nb"],
)
def test_paths_outside_of_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    target = tmp_path / "inside" / "target"
    for path in (
        write_zip(tmp_path / "a.zip", **{"good.txt": b"1", name: b"1"}),
        write_tar(tmp_path / "a.tar", tar_member(name)),
    ):
        with pytest.raises(EvalkitError, match="not safe to unpack"):
            unpack(path, target)
    assert not target.exists()
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    path = write_tar(tmp_path / "a.tar.gz", tar_member("a.txt"), tar_member("b.txt", kind=kind, link="/etc/passwd"))
    with pytest.raises(EvalkitError, match=r"b\.txt.*a link or device"):
        unpack(path, tmp_path / "target")


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(EvalkitError, match="a link or device"):
        unpack(tmp_path / "a.zip", tmp_path / "target")


def test_a_bomb_is_refused_by_its_stated_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "a.zip", bomb=bytes(20 * 2**20))
    assert path.stat().st_size < 2**20
    monkeypatch.setattr(archives, "_SMALL_BYTES", 16 * 2**20)
    message = r"at most 16777216 bytes and 500000 files\)\. If you trust it, set EVALKIT_MAX_ARCHIVE_BYTES"
    with pytest.raises(EvalkitError, match=message):
        unpack(path, tmp_path / "target")
    assert not (tmp_path / "target").exists()
    monkeypatch.setenv("EVALKIT_MAX_ARCHIVE_BYTES", str(20 * 2**20))
    unpack(path, tmp_path / "target")
    assert (tmp_path / "target" / "bomb").stat().st_size == 20 * 2**20


@pytest.mark.slow
@pytest.mark.parametrize("row", ["nan,nan,nan,nan\n", "0,0,0,0\n", "m0,0,1280,720,0,921600\n"])
@pytest.mark.parametrize("form", ["zip", "xz"])
def test_constant_results_of_a_large_benchmark_are_not_a_bomb(tmp_path: Path, row: str, form: str) -> None:
    content = (row * 2500).encode()  # 280 sequences of 2,500 frames, as LaSOT has
    files = {f"{number}.txt": content for number in range(280)}
    path = tmp_path / f"a.{form}"
    if form == "zip":
        write_zip(path, **files)
    else:
        path = tmp_path / "a.tar.xz"
        with tarfile.open(path, "w:xz", preset=1) as archive:
            for name in files:
                archive.addfile(tar_member(name, size=len(content)), io.BytesIO(content))
    assert len(content) * 280 > 100 * path.stat().st_size
    unpack(path, tmp_path / "target")
    assert len(list((tmp_path / "target").iterdir())) == 280


def test_a_bomb_with_a_wrong_stated_size_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "a.zip", bomb=bytes(4 * 2**20))
    monkeypatch.setattr(archives, "MAX_BYTES", 2**20)
    monkeypatch.setattr(archives, "_check", lambda path, members: None)
    with pytest.raises(EvalkitError, match="more bytes or files than are accepted"):
        unpack(path, tmp_path / "target")


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", tar_member("a.txt"), tar_member("A.txt"))
    with pytest.raises(EvalkitError, match="occurs twice"):
        unpack(path, tmp_path / "target")


@pytest.mark.parametrize("form", ["zip", "gz", "xz", "bz2"])
def test_damage_inside_compressed_data_is_an_error(tmp_path: Path, form: str) -> None:
    content = bytes(range(256)) * 40
    path = tmp_path / ("a.zip" if form == "zip" else f"a.tar.{form}")
    if form == "zip":
        write_zip(path, **{"a.txt": content})
    else:
        with tarfile.open(path, f"w:{form}") as archive:  # type: ignore[call-overload]
            archive.addfile(tar_member("a.txt", size=len(content)), io.BytesIO(content))
    whole = path.read_bytes()
    for place in range(20, len(whole) - 60, 7):
        path.write_bytes(whole[:place] + bytes(255 - byte for byte in whole[place : place + 6]) + whole[place + 6 :])
        try:
            unpack(path, tmp_path / "target")
        except EvalkitError as error:
            assert path.name in str(error)


@given(st.binary(max_size=200), st.integers(0, 150), st.sampled_from([".zip", ".tar", ".tar.gz"]))
@settings(max_examples=60, deadline=None)
def test_damaged_archives_are_an_error(
    tmp_path_factory: pytest.TempPathFactory, garbage: bytes, cut: int, suffix: str
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    whole = write_zip(folder / "whole.zip", **{"a.txt": b"1,2,3,4\n" * 9}).read_bytes()
    for content in (garbage, whole[:cut], whole[:cut] + garbage):
        path = folder / f"a{suffix}"
        path.write_bytes(content)
        try:
            unpack(path, folder / "target")
        except EvalkitError as error:
            assert "a" + suffix in str(error)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.REGTYPE])
def test_a_bomb_is_refused_before_it_is_decompressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: bytes
) -> None:
    monkeypatch.setattr(archives, "_SMALL_BYTES", 64 * 2**20)
    size = 300 * 2**20
    member = tar_member("x/a.txt", kind=kind, size=size)
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb") as stream:
        stream.write(member.tobuf(tarfile.GNU_FORMAT))
        for _ in range(size >> 20):
            stream.write(bytes(1 << 20))
    tracemalloc.start()
    with pytest.raises(EvalkitError, match=r"cannot be unpacked|unpacks to more bytes or files"):
        unpack(path, tmp_path / "out")
    assert tracemalloc.get_traced_memory()[1] < 30 * 2**20
    tracemalloc.stop()
    assert not list((tmp_path / "out").rglob("*"))
