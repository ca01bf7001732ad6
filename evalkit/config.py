"""Where the benchmarks and the cache are: command-line options, then the environment, then the configuration file.

The configuration file is ``evalkit.toml`` in the working directory, else ``evalkit/evalkit.toml`` in the user's
configuration folder::

    [data]
    root = "/data/tracking"      # holds OTB100, VOT2018, GOT-10k, ...
    otb100 = "/mnt/otb"          # the folder of one benchmark
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from evalkit.errors import EvalkitError, suggestion
from evalkit.io import toml

FILE = "evalkit.toml"
_HINT = "Fix the file, or recreate it with `evalkit init --force`"


def user_file() -> Path:
    """Return the path of the user's configuration file, which applies outside of projects and need not exist."""
    home = os.environ.get("XDG_CONFIG_HOME") or (os.environ.get("APPDATA") if os.name == "nt" else None)
    return (Path(home) if home else Path.home() / ".config") / "evalkit" / FILE


def cache_folder() -> Path:
    """Return the folder of fetched weights and exported networks: ``$EVALKIT_CACHE``, else the user's cache folder."""
    chosen = os.environ.get("EVALKIT_CACHE")
    if chosen:
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("LOCALAPPDATA") if os.name == "nt" else None)
    return (Path(home) if home else Path.home() / ".cache") / "evalkit"


def load() -> dict[str, dict[str, str]]:
    """Read the configuration file that applies: ``{"data": {name: folder}}``, or an empty dictionary without a file.

    Raises:
        EvalkitError: The file cannot be read, is not TOML, or holds an unknown key or a value of the wrong type.
    """
    for path in (Path(FILE), user_file()):
        if _is_file(path):
            return _parse(path)
    return {}


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise EvalkitError(
            f"cannot look for the configuration file: {error.strerror}", where=path,
            hint="Check the permissions of the folder, or set XDG_CONFIG_HOME to another one",
        ) from error  # fmt: skip


def _parse(path: Path) -> dict[str, dict[str, str]]:
    table = toml.load_table(path, missing="the configuration file does not exist", hint=_HINT)
    content = {"data": table.table("data").all_texts()}
    table.reject_unknown_keys()
    return content


def data_root(dataset: str, option: Path | None) -> Path | None:
    """Return the folder in which to look for a benchmark (or the file that holds it); None if none is configured.

    Args:
        dataset: Registered name of the benchmark.
        option: The value of ``--data``; it takes precedence over ``$EVALKIT_DATA`` and the configuration file.

    Raises:
        EvalkitError: The folder does not exist; the message says where it was configured. Or the configuration file,
            which is only read where the folder is not given otherwise, is invalid.
    """
    for root, source in _roots(dataset, option):
        if root:
            path = Path(root).expanduser()
            if not _exists(path, source):
                raise _missing_folder(path, source)
            return path
    return None


def _roots(dataset: str, option: Path | None) -> Iterator[tuple[Path | str | None, str]]:
    yield option, "--data"
    yield os.environ.get("EVALKIT_DATA"), "$EVALKIT_DATA"
    configured = load().get("data", {})
    yield configured.get(dataset), f"[data] {dataset} in {FILE}"
    yield configured.get("root"), f"[data] root in {FILE}"


def _exists(path: Path, source: str) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise EvalkitError(
            f"cannot open this folder: {error.strerror}", where=f"{source} {path}", hint="Check its permissions"
        ) from error


def _missing_folder(path: Path, source: str) -> EvalkitError:
    """Build the error for a folder that does not exist: it names the first missing part and suggests a similar name."""
    missing = next(part for part in (*reversed(path.parents), path) if not part.exists())
    siblings: list[str] = []
    with contextlib.suppress(OSError):
        siblings = [entry.name for entry in missing.parent.iterdir()]
    hint = suggestion(missing.name, siblings) or "Give the benchmark's folder, or one that holds it"
    return EvalkitError("no such folder", where=f"{source} {path}", found=f"nothing at {missing}", hint=hint)


_TEMPLATE = """\
# Configuration of evalkit. Command-line options take precedence, then $EVALKIT_DATA, then this file.

[data]
# The folder that holds the benchmarks under their usual names (OTB100, VOT2018, GOT-10k, TrackingNet, LaSOT):
# root = "/data/tracking"
# The folder of a single benchmark, by its name in `evalkit list datasets`:
# otb100 = "/mnt/otb"
# got10k-val = "/mnt/got10k"
"""


def create(*, user: bool = False, force: bool = False) -> Path:
    """Write a commented configuration file.

    Args:
        user: Write it to the user's configuration folder instead of the working directory.
        force: Replace an existing file.

    Returns:
        The path of the file.

    Raises:
        EvalkitError: The file exists already, or cannot be written.
    """
    path = user_file() if user else Path(FILE)
    if path.exists() and not force:
        raise EvalkitError("the file exists already", where=path, hint="Use --force to replace it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_TEMPLATE, encoding="utf-8")
    except OSError as error:
        raise EvalkitError(f"cannot write the file: {error.strerror}", where=path) from error
    return path
