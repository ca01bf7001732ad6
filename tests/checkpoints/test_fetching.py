"""Downloads from a local server that fails in every way that servers do."""

from __future__ import annotations

import errno
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
