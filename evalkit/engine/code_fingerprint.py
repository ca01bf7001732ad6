"""Which code made a result: one fingerprint of everything that evalkit and a tracker execute from source.

Results on disk do not know that the tracker was edited since. With the fingerprint beside them a comparison can tell
results of this very code from older ones.
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

_HOME = Path(__file__).resolve().parents[1]
_ROOMS = ("trackers", "datasets", "reports")  # symbolic links in a checkout, which a search does not follow
_SUFFIXES = (".py", ".json", ".toml")


def fingerprint(tracker: str, runtime: str = "torch") -> str:
    """16 hexadecimal digits that change with any source or fact file of evalkit or of a tracker's own package.

    Args:
        tracker: A registered name or ``path/to/file.py:Class``; of a file, the modules it imported from beside or
            below itself count as well, installed packages excepted.
        runtime: The runtime that executes the tracker's network; the files of one that is not evalkit's own count too.

    Raises:
        EvalkitError: No such tracker or runtime.
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
    for folder in (_HOME, *((_HOME / room).resolve() for room in _ROOMS)):
        for path in folder.rglob("*"):
            relative = path.relative_to(folder)
            if path.suffix in _SUFFIXES and not (folder == _HOME and relative.parts[0] in _ROOMS):
                yield f"{folder.name}/{relative}", path


def _own_files(module: str) -> list[Path]:
    """Return a plugin's module and the loaded files beside or below it; none for evalkit's own."""
    if module.startswith("evalkit."):
        return []
    home = getattr(sys.modules[module.partition(".")[0]], "__file__", None)  # None of a namespace package
    origin = home or getattr(sys.modules[module], "__file__", None)
    if origin is None:
        return []
    own = Path(origin).resolve()
    folder = own.parent
    files = (getattr(loaded, "__file__", None) for loaded in list(sys.modules.values()))
    # Modules that are no files may say so by a name alone, as torch._classes does.
    paths = {Path(file).resolve() for file in files if file and Path(file).is_absolute()}
    # A tracker in a home folder has a whole environment below itself; versions speak for that, not bytes.
    others = [place for place in _libraries() if place.is_relative_to(folder)]
    beside = {path for path in paths if path.is_relative_to(folder) and not any(map(path.is_relative_to, others))}
    return sorted({own} | beside)


@cache
def _libraries() -> tuple[Path, ...]:
    """Where the standard library, installed packages and evalkit are."""
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths += [*site.getsitepackages(), site.getusersitepackages()]
    rooms = (_HOME / room for room in _ROOMS)
    return tuple({place.resolve() for place in (*map(Path, paths), _HOME, *rooms)})
