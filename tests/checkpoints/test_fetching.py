"""Downloads from a local server that fails in every way that servers do."""

from __future__ import annotations

import contextlib
import errno
import gc
import hashlib
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from evalkit.checkpoints import Checkpoint, catalogue
from evalkit.checkpoints.fetching import fetch
from evalkit.errors import EvalkitError
from evalkit.io import download

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
BLOB = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves ``CONTENT`` correctly or with a failure, as the first word of the path says."""

    def do_GET(self) -> None:
        server: Any = self.server
        server.asked.append((self.path, self.headers.get("Range")))
        way = self.path.split("://")[-1].split("/")[1]
        getattr(self, way)()

    def good(self) -> None:
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start:])

    def short(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:100_000])

    def other(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(CONTENT[::-1])

    def circle(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.path)
        self.end_headers()

    def page(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<html>please log in</html>")

    def missing(self) -> None:
        self.send_error(404)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def length_of_letters(self) -> None:
        self.answer(200, CONTENT, Content_Length="abc")

    def length_below_zero(self) -> None:
        self.answer(200, CONTENT, Content_Length="-5")

    def length_of_thirty_digits(self) -> None:
        self.answer(200, CONTENT, Content_Length="1" + "0" * 30)

    def length_of_arabic_digits(self) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: \xd9\xa1\xd9\xa2\r\n\r\n" + CONTENT)

    def longer_than_published(self) -> None:
        self.answer(200, CONTENT, Content_Length=str(len(CONTENT) + 1))

    def endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        server: Any = self.server
        server.sent = 0
        with contextlib.suppress(OSError):
            while server.sent < 2**30:
                server.sent += self.wfile.write(bytes(2**16))

    def to_broken_address(self) -> None:
        self.answer(302, Location="http://[::1")

    def to_file(self) -> None:
        self.answer(302, Location="file:///etc/hostname")

    def to_ftp(self) -> None:
        self.answer(302, Location="ftp://127.0.0.1:1/model.pth")

    def to_data(self) -> None:
        self.answer(302, Location="data:text/plain,hello")

    def other_range(self) -> None:
        self.answer(206, CONTENT, Content_Range=f"bytes 100-{len(CONTENT) + 99}/{len(CONTENT) + 100}")

    def bad_chunks(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n")

    def many_headers(self) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n")

    def no_http(self) -> None:
        self.wfile.write(b"\xff" * 2000)

    def escapes(self) -> None:
        self.send_response(404, "\x1b]0;PWNED\x07")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "")
    running: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.asked = []
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()
    gc.collect()  # a connection that was left open is reported for the test that opened it, not for a later one


def checkpoint(server: Any, way: str, **facts: Any) -> Checkpoint:
    port = server.server_address[1]
    facts = {"sha256": SHA256, "url": f"http://127.0.0.1:{port}/{way}/model.pth", **facts}
    return Checkpoint("nanotrack-v1", "model.pth", "https://example.org/zoo", "example/zoo", **facts)


def test_a_download_is_stored_under_evalkit_s_name(server: Any, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    found = fetch(checkpoint(server, "good"), tmp_path, progress=lambda have, total: seen.append((have, total)))
    assert found.path == tmp_path / "nanotrack-v1.pth"
    assert found.path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in tmp_path.iterdir()] == ["nanotrack-v1.pth"]


def test_a_verified_file_is_not_fetched_again(server: Any, tmp_path: Path) -> None:
    fetch(checkpoint(server, "good"), tmp_path)
    fetch(checkpoint(server, "missing"), tmp_path)
    assert len(server.asked) == 1


def test_a_file_is_also_verified_by_its_git_blob_id(server: Any, tmp_path: Path) -> None:
    fetch(checkpoint(server, "good", sha256=None, git_blob=BLOB), tmp_path)
    with pytest.raises(EvalkitError, match="git blob id"):
        fetch(checkpoint(server, "other", sha256=None, git_blob=BLOB), tmp_path / "again")


def test_a_truncated_download_is_an_error_and_is_resumed(server: Any, tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match=f"100000 of {len(CONTENT)} bytes"):
        fetch(checkpoint(server, "short"), tmp_path)
    assert not (tmp_path / "nanotrack-v1.pth").exists()
    fetch(checkpoint(server, "good"), tmp_path)
    assert server.asked[-1][1] == "bytes=100000-"
    assert (tmp_path / "nanotrack-v1.pth").read_bytes() == CONTENT


def test_a_complete_partial_file_is_used(server: Any, tmp_path: Path) -> None:
    (tmp_path / "nanotrack-v1.pth.part").write_bytes(CONTENT)
    monkey = checkpoint(server, "good")
    assert fetch(monkey, tmp_path).path.read_bytes() == CONTENT


def test_without_a_known_hash_a_download_is_not_resumed(server: Any, tmp_path: Path) -> None:
    (tmp_path / "nanotrack-v1.pth.part").write_bytes(b"from another day")
    assert fetch(checkpoint(server, "good", sha256=None), tmp_path).path.read_bytes() == CONTENT
    assert server.asked[-1][1] is None


def test_a_file_with_a_wrong_hash_is_deleted_and_an_earlier_file_stays(server: Any, tmp_path: Path) -> None:
    (tmp_path / "nanotrack-v1.pth").write_bytes(b"earlier")
    with pytest.raises(EvalkitError, match="not the published one: its sha256"):
        fetch(checkpoint(server, "other"), tmp_path)
    assert (tmp_path / "nanotrack-v1.pth").read_bytes() == b"earlier"
    assert not (tmp_path / "nanotrack-v1.pth.part").exists()


@pytest.mark.parametrize(
    ("way", "complaint"),
    [("circle", "redirects in a circle"), ("page", "a web page"), ("missing", "answers 404")],
)
def test_an_invalid_answer_of_the_server_is_reported(server: Any, tmp_path: Path, way: str, complaint: str) -> None:
    with pytest.raises(EvalkitError, match=complaint) as caught:
        fetch(checkpoint(server, way), tmp_path)
    assert caught.value.exit_code == 1
    assert not (tmp_path / "nanotrack-v1.pth").exists()


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("way", "complaint"),
    [
        ("length_of_letters", "invalid size: 'abc'"),
        ("length_below_zero", "invalid size: '-5'"),
        ("length_of_thirty_digits", "invalid size: '1000"),
        ("length_of_arabic_digits", "invalid size"),
        ("to_broken_address", "an invalid address|cannot be reached"),
        ("to_file", "redirect|not allowed|not http"),
        ("to_ftp", "cannot be reached|connection|redirect"),
        ("to_data", "redirect|not allowed"),
        ("bad_chunks", "the connection broke"),
        ("many_headers", "the connection broke"),
        ("no_http", "the connection broke"),
        ("escapes", "answers 404"),
    ],
)
def test_a_hostile_answer_is_refused_and_nothing_is_stored(
    server: Any, tmp_path: Path, way: str, complaint: str, known: bool
) -> None:
    facts: dict[str, Any] = {} if known else {"sha256": None}
    with pytest.raises(EvalkitError, match=complaint) as caught:
        fetch(checkpoint(server, way, **facts), tmp_path)
    assert caught.value.exit_code == 1
    assert not [path for path in tmp_path.iterdir() if path.stat().st_size]


def test_more_bytes_than_published_are_refused(server: Any, tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match=rf"sends {len(CONTENT) + 1} bytes, the file has at most {len(CONTENT)}"):
        fetch(checkpoint(server, "longer_than_published", bytes=len(CONTENT)), tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_endless_answer_ends_at_the_published_size(server: Any, tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match=rf"more than the {len(CONTENT)} bytes"):
        fetch(checkpoint(server, "endless", bytes=len(CONTENT)), tmp_path)
    assert not list(tmp_path.iterdir())
    server.shutdown()
    assert server.sent < 2**26


def test_an_endless_answer_of_unpublished_size_ends_at_the_limit(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_BYTES", 2**20)
    with pytest.raises(EvalkitError, match="more than the 1048576 bytes"):
        fetch(checkpoint(server, "endless"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_bytes_of_another_range_are_not_taken_for_the_rest(server: Any, tmp_path: Path) -> None:
    (tmp_path / "nanotrack-v1.pth.part").write_bytes(CONTENT[:50])
    with pytest.raises(EvalkitError, match="not the published one"):
        fetch(checkpoint(server, "other_range"), tmp_path)
    assert not (tmp_path / "nanotrack-v1.pth").exists()


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://example.org/x", "data:text/plain,x", "/etc/hostname", ""]
)
def test_only_http_addresses_of_the_catalogue_are_fetched(server: Any, tmp_path: Path, url: str) -> None:
    with pytest.raises(EvalkitError, match="only http and https addresses are fetched"):
        fetch(checkpoint(server, "good", url=url), tmp_path)
    assert not list(tmp_path.iterdir())
    assert not server.asked


def test_an_unreachable_server_is_reported(server: Any, tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match="cannot be reached"):
        fetch(checkpoint(server, "good", url="http://127.0.0.1:9/model.pth"), tmp_path)


def test_a_full_disk_is_reported_and_the_partial_file_is_kept(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EvalkitError, match=r"No space left on device.*Free some disk space"):
        fetch(checkpoint(server, "good"), tmp_path)
    assert (tmp_path / "nanotrack-v1.pth.part").exists()
    assert not (tmp_path / "nanotrack-v1.pth").exists()


def test_a_proxy_of_the_environment_is_used(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_address[1]}")
    fetch(checkpoint(server, "good", url="http://zoo.invalid/good/model.pth"), tmp_path)
    assert server.asked == [("http://zoo.invalid/good/model.pth", None)]


def test_a_checkpoint_without_an_address_names_its_page(tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match=r"cannot be fetched automatically.*example\.org/zoo, get model\.pth"):
        fetch(Checkpoint("ocean", "model.pth", "https://example.org/zoo", "example/zoo"), tmp_path)


def test_every_checkpoint_of_the_catalogue_is_listed_with_a_source() -> None:
    rows = catalogue.list_weights()
    assert [row["name"] for row in rows] == list(catalogue.published())
    assert all(str(row["source"]).startswith("https://") for row in rows)


def test_another_file_is_not_verified(tmp_path: Path) -> None:
    (tmp_path / "mine.pth").write_bytes(b"no tensors")
    row = catalogue.verify_weights("nanotrack-v1", tmp_path / "mine.pth")
    assert row["verified"] is False
    with pytest.raises(EvalkitError, match="no checkpoint is named 'resnet'"):
        catalogue.verify_weights("resnet")
