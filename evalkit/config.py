"""Where data, results and weights are: options first, then the environment, then the user's configuration file.

The file is ``evalkit.toml`` in the working directory, else ``evalkit/evalkit.toml`` in the user's configuration::

    [data]
    root = "/data/tracking"      # holds OTB100, VOT2018, GOT-10k, ...
    otb100 = "/mnt/otb"          # one benchmark elsewhere
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError, suggestion
from evalkit.io import toml

FILE = "evalkit.toml"
_FRESH = "Mend it, or write a fresh one with `evalkit init --force`"


def user_file() -> Path:
    """The configuration file outside any project; it need not exist."""
    home = os.environ.get("XDG_CONFIG_HOME") or (os.environ.get("APPDATA") if os.name == "nt" else None)
    return (Path(home) if home else Path.home() / ".config") / "evalkit" / FILE


def cache_folder() -> Path:
    """Folder of fetched weights and exported networks: ``$EVALKIT_CACHE``, else the user's cache folder."""
    chosen = os.environ.get("EVALKIT_CACHE")
    if chosen:
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("LOCALAPPDATA") if os.name == "nt" else None)
    return (Path(home) if home else Path.home() / ".cache") / "evalkit"


def load() -> Mapping[str, Any]:
    """The configuration in force, empty if there is none.

    Raises:
        EvalkitError: The file is not valid TOML, or a table in it is not a table.
    """
    for path in (Path(FILE), user_file()):
        if path.is_file():
            return _parse(path)
    return {}


def _parse(path: Path) -> Mapping[str, Any]:
    content = toml.read(path, missing="this file is missing", hint=_FRESH)
    if not isinstance(content.get("data", {}), dict):
        raise EvalkitError("[data] must be a table", where=path, found=repr(content["data"]), hint=_FRESH)
    return content


def data_root(dataset: str, option: Path | None) -> Path | None:
    """The folder to look for a benchmark in, or the one file it is in, or None if nobody named one.

    Args:
        option: What ``--data`` said; it wins over ``$EVALKIT_DATA`` and the configuration file.

    Raises:
        EvalkitError: The named folder does not exist; who named it is said.
    """
    table = load().get("data", {})
    for root, source in (
        (option, "--data"),
        (os.environ.get("EVALKIT_DATA"), "$EVALKIT_DATA"),
        (table.get(dataset), f"[data] {dataset} in {FILE}"),
        (table.get("root"), f"[data] root in {FILE}"),
    ):
        if root:
            if not isinstance(root, (str, Path)):
                raise EvalkitError(
                    "a folder is written in quotes", where=source, found=repr(root),
                    hint=f'Write {dataset} = "/data/tracking", or root = "/data/tracking" for all',
                )  # fmt: skip
            path = Path(root).expanduser()
            if not path.exists():
                raise _absent(path, source)
            return path
    return None


def _absent(path: Path, source: str) -> EvalkitError:
    """Says which part of the path is missing, and what is there instead."""
    missing = next(part for part in (*reversed(path.parents), path) if not part.exists())
    beside: list[str] = []
    with contextlib.suppress(OSError):
        beside = [one.name for one in missing.parent.iterdir()]
    hint = suggestion(missing.name, beside) or "Name the benchmark's folder, or one that holds it"
    return EvalkitError("no such folder", where=f"{source} {path}", found=f"nothing at {missing}", hint=hint)


_TEMPLATE = """\
# Configuration of evalkit. Options on the command line win, then $EVALKIT_DATA, then this file.

[data]
# A folder that holds the benchmarks under their usual names (OTB100, VOT2018, GOT-10k, TrackingNet, LaSOT):
# root = "/data/tracking"
# and any benchmark that lies elsewhere, by evalkit's name for it:
# otb100 = "/mnt/otb"
# got10k-val = "/mnt/got10k"
"""


def create(*, user: bool = False, force: bool = False) -> Path:
    """Write a commented configuration file.

    Args:
        user: In the user's configuration folder instead of the working directory.
        force: Replace a file that is there.

    Raises:
        EvalkitError: The file is there already, or cannot be written.
    """
    path = user_file() if user else Path(FILE)
    if path.exists() and not force:
        raise EvalkitError("this file is there already", where=path, hint="Use --force to replace it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_TEMPLATE, encoding="utf-8")
    except OSError as error:
        raise EvalkitError(f"cannot write this file: {error.strerror}", where=path) from error
    return path
