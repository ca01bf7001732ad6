"""Published raw results, fetched from a local server that answers like GitHub, or wrongly."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from evalkit import api, registry
from evalkit.cli import main
from evalkit.errors import EvalkitError
from evalkit.io.git_objects import blob_id, tree_id
from evalkit.results import layouts, published
from evalkit.results.published import Collection, PublishedResults, download_results

NAMES = ("bee", "ball_1", "pingpong_2")
ROWS = 3


def content(name: str, run: int) -> bytes:
    return f"{run}\t2\t3\t4\n".encode() * ROWS + f"# {name}".encode()[:0]


FILES = {f"atom_{run:03d}/nfs_{name}.txt": content(name, run) for run in (0, 1) for name in NAMES}
OTHERS = {"bee_KCF.mat": b"kcf", "bee_S++.mat": b"s plus plus"}


class Handler(BaseHTTPRequestHandler):
    """Serves lists of files at /trees/<id> and files at /raw/<path>."""

    def do_GET(self) -> None:
        server: Any = self.server
        path = unquote(self.path.partition("?")[0])
        server.asked.append(path)
        data = server.content.get(path)
        self.send_response(200 if data is not None else 404)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    running: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.asked, running.content = [], {}
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def publish(server: Any, files: dict[str, bytes], **facts: Any) -> PublishedResults:
    """Serve files as one folder of a repository."""
    nested: dict[str, Any] = {}
    rows = []
    for path, data in files.items():
        *parents, name = path.split("/")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = ("100644", blob_id(data))
        rows.append({"path": path, "mode": "100644", "type": "blob", "sha": blob_id(data)})
        server.content[f"/raw/c0ffee/NFS/A+B/{path}"] = data
    rows += [{"path": name, "mode": "040000", "type": "tree", "sha": "0" * 40} for name in nested if "." not in name]
    tree = tree_id(nested)
    server.content[f"/trees/{tree}"] = json.dumps({"tree": rows, "truncated": False}).encode()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    collection = Collection(
        "toy", "https://example.org/toy", "a toy", None, "c0ffee", f"{address}/trees/{{tree}}?recursive=1",
        f"{address}/raw/{{commit}}/{{path}}",
    )  # fmt: skip
    values = {"dataset": "nfs30", "tracker": "ATOM", "layout": "pytracking", **facts}
    size = sum(map(len, files.values()))
    return PublishedResults("nfs30/atom", collection, path="NFS/A+B", tree=tree, files=len(files), bytes=size, **values)


def test_the_files_are_downloaded_once_and_verified(server: Any, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    entry = publish(server, FILES)
    folder = download_results(entry, tmp_path, progress=lambda complete, total: seen.append((complete, total)))
    assert {path: (folder / path).read_bytes() for path in FILES} == FILES
    assert seen[-1] == (len(FILES), len(FILES))
    asked = len(server.asked)
    download_results(entry, tmp_path)
    assert len(server.asked) == asked


def test_only_the_files_of_the_tracker_are_downloaded(server: Any, tmp_path: Path) -> None:
    entry = publish(server, OTHERS, suffix="_S++.mat")
    folder = download_results(entry, tmp_path)
    assert [path.name for path in folder.iterdir()] == ["bee_S++.mat"]


def test_an_interrupted_download_continues_with_the_missing_files(server: Any, tmp_path: Path) -> None:
    entry = publish(server, FILES)
    lost = server.content.pop("/raw/c0ffee/NFS/A+B/atom_001/nfs_bee.txt")
    with pytest.raises(EvalkitError, match=r"nfs_bee.txt: the server answers 404"):
        download_results(entry, tmp_path)
    server.content["/raw/c0ffee/NFS/A+B/atom_001/nfs_bee.txt"] = lost
    server.asked.clear()
    download_results(entry, tmp_path)
    assert "/raw/c0ffee/NFS/A+B/atom_001/nfs_bee.txt" in server.asked
    assert "/raw/c0ffee/NFS/A+B/atom_000/nfs_bee.txt" not in server.asked


def test_a_file_that_was_replaced_is_refused_and_deleted(server: Any, tmp_path: Path) -> None:
    entry = publish(server, FILES)
    server.content["/raw/c0ffee/NFS/A+B/atom_001/nfs_bee.txt"] = b"1,2,3,4\n"
    with pytest.raises(EvalkitError, match=r"nfs_bee.txt: the downloaded file is not the published one"):
        download_results(entry, tmp_path)
    assert not list(tmp_path.rglob("atom_001/nfs_bee.txt*"))


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[1:], lambda rows: [{**rows[0], "sha": "0" * 40}, *rows[1:]], lambda rows: [],
        lambda rows: [{**rows[0], "path": "../evil.txt"}, *rows[1:]], lambda rows: "no rows",
        lambda rows: [{"path": "x"}],
    ],
)  # fmt: skip
def test_a_list_that_is_not_that_of_the_folder_is_refused(server: Any, tmp_path: Path, change: Any) -> None:
    entry = publish(server, FILES)
    address = f"/trees/{entry.tree}"
    server.content[address] = json.dumps({"tree": change(json.loads(server.content[address])["tree"])}).encode()
    with pytest.raises(EvalkitError, match="not that of the published folder"):
        download_results(entry, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_paths_that_leave_the_folder_are_refused_even_where_the_id_is_right(server: Any, tmp_path: Path) -> None:
    entry = publish(server, {"../evil.txt": b"x"})
    with pytest.raises(EvalkitError, match="not that of the published folder"):
        download_results(entry, tmp_path)


def test_one_command_fetches_verifies_and_imports(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(published, "published_results", lambda: {"nfs30/atom": publish(server, FILES)})
    anno = tmp_path / "NFS" / "anno"
    anno.mkdir(parents=True)
    for name, rows in (("bee", 45), ("pingpong_2", 1277)):
        (anno / f"nfs_{name}.txt").write_text("1\t2\t3\t4\n" * rows)
    command = ["results", "fetch", "nfs30/ATOM", "--data", str(tmp_path), "--results", str(tmp_path / "results")]
    with pytest.raises(SystemExit) as end:
        main(command)
    assert not end.value.code
    assert "ATOM: 2 of 100 sequences" in capsys.readouterr().out
    stored = tmp_path / "results" / "NFS30" / "ATOM"
    imported = json.loads((stored / "run.json").read_text())["identity"]["imported"]
    assert imported["layout"] == "pytracking"
    assert imported["page"] == "https://example.org/toy"
    assert imported["commit"] == "c0ffee"
    np.testing.assert_array_equal(np.loadtxt(stored / "bee.txt", delimiter=","), [[0, 2, 3, 4]] * ROWS)
    np.testing.assert_array_equal(
        np.loadtxt(stored / "repetition_002" / "bee.txt", delimiter=","), [[1, 2, 3, 4]] * ROWS
    )


def test_every_entry_of_the_catalogue_names_a_dataset_and_a_layout() -> None:
    entries = published.published_results()
    assert len(entries) > 50
    for name, entry in entries.items():
        assert name == f"{entry.dataset}/{entry.tracker.casefold()}"
        assert registry.dataset.find(entry.dataset).name == entry.dataset
        assert layouts.get(entry.layout)
        assert len(entry.tree) == len(entry.collection.commit) == 40
        assert entry.files > 0 and entry.bytes > 0
        assert entry.collection.listing.startswith("https://") and entry.collection.file.startswith("https://")


def test_the_list_states_source_licence_and_size(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["results", "list", "--dataset", "uav123"])
    assert not end.value.code
    text = capsys.readouterr().out
    assert "uav123/arcf\n  123 files, " in text
    assert "https://github.com/xiaolousun/tracker_analyse tracker_benchmark_v1.1_UAV123/results/results_OPE" in text
    assert "otb100" not in text
    rows = api.list_results()
    assert {row["licence"] for row in rows} >= {"no licence stated"}


def test_an_unknown_name_suggests_a_similar_one() -> None:
    with pytest.raises(EvalkitError, match=r"no published results are named 'uav123/arfc'. Did you mean 'uav123/arcf'"):
        published.find_published("uav123/arfc")
