"""Compute a fingerprint of the code that makes a result: the source files of evalkit and of a tracker.

Results on disk do not show whether the tracker was edited later. With the recorded fingerprint, results of the present
code can be told from older ones.
"""

from __future__ import annotations

import hashlib
import site
import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from evalkit import registry

_PACKAGE = Path(__file__).resolve().parents[1]
_PLUGIN_FOLDERS = ("trackers", "datasets", "reports")  # symbolic links in a checkout, which `rglob` does not follow
_SUFFIXES = (".py", ".json", ".toml")


def fingerprint(tracker: str, runtime: str = "torch") -> str:
    """Return 16 hexadecimal digits that change with any source or data file of evalkit or of a tracker's package.

    Args:
        tracker: A registered name or ``path/to/file.py:Class``. A file's digits also depend on the modules that it
            imported from its own folder or below, except installed packages.
        runtime: The runtime that executes the tracker's network; if it is not evalkit's own, its files count as well.

    Raises:
        UnknownName: There is no such tracker or runtime.
    """
    modules = (registry.tracker.find(tracker).module, registry.runtime.find(runtime).module)
    own = sorted({path for module in modules for path in _own_files(module)})
    digest = hashlib.sha256(_evalkit().encode())
    for path in own:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _evalkit() -> str:
    digest = hashlib.sha256()
    for name, path in sorted(_evalkit_files()):
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _evalkit_files() -> Iterable[tuple[str, Path]]:
    for folder in (_PACKAGE, *((_PACKAGE / name).resolve() for name in _PLUGIN_FOLDERS)):
        for path in folder.rglob("*"):
            relative = path.relative_to(folder)
            if path.suffix in _SUFFIXES and not (folder == _PACKAGE and relative.parts[0] in _PLUGIN_FOLDERS):
                yield f"{folder.name}/{relative}", path


def _own_files(module: str) -> list[Path]:
    """Return the file of a plugin's module and loaded files next to or below it; none for evalkit's own plugins."""
    if module.startswith("evalkit."):
        return []
    top = getattr(sys.modules[module.partition(".")[0]], "__file__", None)  # None for a namespace package
    origin = top or getattr(sys.modules[module], "__file__", None)
    if origin is None:
        return []
    own = Path(origin).resolve()
    folder = own.parent
    files = (getattr(loaded, "__file__", None) for loaded in list(sys.modules.values()))
    # Modules without a file may give a mere name, as torch._classes does.
    paths = {Path(file).resolve() for file in files if file and Path(file).is_absolute()}
    # A tracker in a home folder may have a whole environment below it, whose versions are recorded elsewhere.
    installed = [place for place in _libraries() if place.is_relative_to(folder)]
    near = {path for path in paths if path.is_relative_to(folder) and not any(map(path.is_relative_to, installed))}
    return sorted({own} | near)


@cache
def _libraries() -> tuple[Path, ...]:
    """Return the folders of the standard library, of installed packages and of evalkit."""
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths += [*site.getsitepackages(), site.getusersitepackages()]
    plugins = (_PACKAGE / name for name in _PLUGIN_FOLDERS)
    return tuple({place.resolve() for place in (*map(Path, paths), _PACKAGE, *plugins)})
