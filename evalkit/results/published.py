"""Raw results that authors published: list, download, verify and import them.

``published.json`` names each one with its repository, commit and the git id of its folder. The id is a hash over the
names and contents of all files, so a folder that was downloaded file by file is verified as a whole. Nothing of the
results is part of evalkit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from evalkit import config
from evalkit.errors import EvalkitError, UnknownName, suggestion
from evalkit.io.atomic import move_into_place
from evalkit.io.download import download
from evalkit.io.git_objects import blob_id, tree_id

_CATALOGUE = Path(__file__).with_name("published.json")
_CONNECTIONS = 4

FileProgress = Callable[[int, int], None]
"""Called with the number of files that are complete, and the number of all files."""


@dataclass(frozen=True)
class Collection:
    """A public repository with results of several trackers.

    Attributes:
        page: Address for people.
        summary: One line.
        licence: The licence as stated there; None where none is stated.
        commit: Commit of the repository.
        listing: Address of the list of a folder's files, with ``{tree}`` for its git id, in the form of GitHub's API.
        file: Address of a file, with ``{commit}`` and ``{path}``.
    """

    name: str
    page: str
    summary: str
    licence: str | None
    commit: str
    listing: str
    file: str


@dataclass(frozen=True)
class PublishedResults:
    """The results of one tracker on one benchmark in a collection.

    Attributes:
        name: evalkit's name, ``<dataset>/<tracker>``.
        dataset: Name of the dataset.
        tracker: Label under which they are imported.
        layout: Name of the layout of the files.
        path: Folder in the repository.
        tree: Git id of that folder.
        files: Number of files.
        bytes: Size of the files.
        suffix: End of the names of the files, where the folder contains results of other trackers too.
        note: What a reader of the scores has to know; None if nothing.
    """

    name: str
    collection: Collection
    dataset: str
    tracker: str
    layout: str
    path: str
    tree: str
    files: int
    bytes: int
    suffix: str = ""
    note: str | None = None

    @property
    def provenance(self) -> dict[str, str]:
        """What a run record states about where the results are from."""
        return {"page": self.collection.page, "commit": self.collection.commit, "path": self.path, "tree": self.tree}

    def record(self) -> dict[str, Any]:
        """Return one flat record for a table or JSON."""
        return {
            "name": self.name,
            "tracker": self.tracker,
            "dataset": self.dataset,
            "layout": self.layout,
            "files": self.files,
            "bytes": self.bytes,
            "page": self.collection.page,
            "commit": self.collection.commit,
            "path": self.path,
            "tree": self.tree,
            "licence": self.collection.licence or "no licence stated",
            "note": self.note,
        }


@cache
def published_results() -> Mapping[str, PublishedResults]:
    """Return all published results of the catalogue by name."""
    content = json.loads(_CATALOGUE.read_text(encoding="utf-8"))
    collections = {name: Collection(name, **facts) for name, facts in content["collections"].items()}
    entries = (PublishedResults(**{**row, "collection": collections[row["collection"]]}) for row in content["results"])
    return {entry.name: entry for entry in entries}


def find_published(name: str) -> PublishedResults:
    """Return the published results of a name.

    Raises:
        UnknownName: The catalogue has no such results; similar names are suggested.
    """
    known = published_results()
    if name.casefold() not in known:
        hint = suggestion(name.casefold(), known)
        raise UnknownName(
            f"no published results are named {name!r}", where="evalkit results fetch",
            hint=f"{hint + ' ' if hint else ''}`evalkit results list` shows them all",
        )  # fmt: skip
    return known[name.casefold()]


def cache_directory() -> Path:
    """Return the folder of downloaded results; it need not exist."""
    return config.cache_folder() / "results"


def download_results(
    entry: PublishedResults, folder: Path | None = None, *, progress: FileProgress | None = None
) -> Path:
    """Download published results, unless the verified files are already there.

    Args:
        entry: From the catalogue.
        folder: Target folder; the cache by default.
        progress: Called after every file.

    Returns:
        The folder of the results, with the files' own names.

    Raises:
        EvalkitError: The connection, the disk or the server failed (the same command continues with the files that
            are missing); the list of files or a file is not the published one.
    """
    target = (folder or cache_directory()) / entry.collection.name / entry.collection.commit / entry.path
    wanted = {path: blob for path, blob in _list_files(entry, target).items() if path.endswith(entry.suffix)}
    fetched = 0
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        for _ in pool.map(lambda item: _fetch_file(entry, target, *item), wanted.items()):
            fetched += 1
            if progress is not None:
                progress(fetched, len(wanted))
    return target


def _list_files(entry: PublishedResults, target: Path) -> dict[str, str]:
    """Return the blob ids of the folder's files by path, after verifying that they make up the folder's id.

    Raises:
        EvalkitError: The list cannot be downloaded, or is not that of the published folder.
    """
    address = entry.collection.listing.format(tree=entry.tree)
    path = target.with_name(f"{target.name}.files.json")
    if not path.is_file():
        download(address, path)
    try:
        files = {row["path"]: (row["mode"], row["sha"]) for row in _rows(path) if row["type"] == "blob"}
        verified = tree_id(_nested(files)) == entry.tree
    except (ValueError, KeyError, TypeError):
        verified = False
    if not verified or not all(_is_safe(name) for name in files):
        path.unlink()
        raise EvalkitError(
            "the list of files is not that of the published folder", where=address, exit_code=1,
            hint=f"It was deleted. Look at {entry.collection.page}: the authors may have moved or removed the folder",
        )  # fmt: skip
    return {name: blob for name, (_, blob) in files.items()}


def _rows(path: Path) -> list[dict[str, Any]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    rows: list[dict[str, Any]] = content["tree"]
    return rows


def _nested(files: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Return a folder's files as nested folders."""
    root: dict[str, Any] = {}
    for path, entry in files.items():
        *parents, name = path.split("/")
        place = root
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = entry
    return root


def _is_safe(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and "\\" not in path and ":" not in path and ".." not in parts


def _fetch_file(entry: PublishedResults, target: Path, path: str, blob: str) -> None:
    file = target / path
    if file.is_file() and blob_id(file.read_bytes()) == blob:
        return
    collection = entry.collection
    address = collection.file.format(commit=collection.commit, path=quote(f"{entry.path}/{path}"))
    partial = file.with_name(f"{file.name}.part")
    download(address, partial)
    found = blob_id(partial.read_bytes())
    if found != blob:
        partial.unlink()
        raise EvalkitError(
            "the downloaded file is not the published one", where=address, exit_code=1, found=f"git blob {found}",
            expected=blob, hint=f"It was deleted. Look at {collection.page}",
        )  # fmt: skip
    move_into_place(partial, file)
