"""What this installation has, what it lacks, and the command that mends it."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from evalkit import __version__, config, registry
from evalkit.checkpoints import catalogue
from evalkit.errors import EvalkitError
from evalkit.factories import open_dataset

_PACKAGE = "evalkit-sot"
_MODULES = {"opencv-python": "cv2"}
"""Import names of distributions that are called otherwise."""

_OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
"""Builds of OpenCV; each provides cv2, and two of them overwrite one another."""

_CONVENIENCES = {"fast": ("numba", "compiled loops for large result sets"), "ray": ("ray", "clusters, --engine ray")}
"""Extras that no runtime stands for: package and what it brings."""

_ROOM_NEEDED = 1 << 30
_ELSEWHERE = {
    "results": "Choose another folder with --results",
    "cache": "Choose another folder with $EVALKIT_CACHE",
}
_RENDERED = "synthetic"
_UNNAMED = "nobody said where"
_NAME_IT = "evalkit init, then name its folder, or one that holds it, under [data]"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        status: ``ok``, ``absent`` (works without it) or ``problem``.
        subject: What was looked at.
        text: What was found.
        cure: Command or sentence that mends it; empty where nothing is to mend.
    """

    status: str
    subject: str
    text: str
    cure: str = ""

    def record(self) -> dict[str, Any]:
        """The flat JSON record."""
        return {"name": self.subject, "status": self.status, "summary": self.text, "cure": self.cure}


def examine(data: Path | None = None, results: Path = Path("results")) -> list[Finding]:
    """Look at versions, system libraries, devices, extras, plugins, configuration, benchmarks, weights and disk."""
    return [
        *_packages(),
        *_devices(),
        *_runtimes(),
        *_conveniences(),
        *_plugins(),
        *_benchmarks(data),
        *_weights(),
        *_room(results),
    ]


def _packages() -> Iterator[Finding]:
    yield Finding("ok", "evalkit", f"{__version__} in {Path(__file__).parent}")
    yield Finding("ok", "python", ".".join(map(str, sys.version_info[:3])))
    try:
        required = metadata.requires(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        yield Finding("problem", _PACKAGE, "not installed, only its folder is here", "pip install -e .")
        return
    for requirement in required:
        if "extra ==" not in requirement and not _is_for_other_pythons(requirement):
            yield _package(*_parsed(requirement))
    builds = [name for name in _OPENCV if _version(name)]
    if len(builds) > 1:
        yield Finding("problem", "opencv", f"{' and '.join(builds)} overwrite one another",
                      f"pip uninstall {' '.join(builds)}, then pip install the one that is wanted")  # fmt: skip


def _is_for_other_pythons(requirement: str) -> bool:
    bound = re.search(r"python_version < ['\"](\d+)\.(\d+)", requirement)
    return bound is not None and sys.version_info[:2] >= (int(bound[1]), int(bound[2]))


def _parsed(requirement: str) -> tuple[str, tuple[int, ...]]:
    """Name and oldest version of a requirement as pyproject.toml writes them.

    >>> _parsed("numpy>=1.26"), _parsed("six")
    (('numpy', (1, 26)), ('six', ()))
    """
    name, _, oldest = requirement.partition(";")[0].partition(">=")
    return name.strip(), _numbers(oldest)


def _numbers(version: str) -> tuple[int, ...]:
    leading = re.match(r"\s*(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in leading[1].split(".")) if leading else ()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _package(package: str, oldest: tuple[int, ...]) -> Finding:
    module = _MODULES.get(package, package)
    # Builds of OpenCV without a screen, or with the contrib trackers, provide the same module.
    version = _version(package) or next((_version(one) for one in _providers(module)), "")
    try:
        importlib.import_module(module)
    except ImportError as error:
        if module == "cv2" and "cannot open shared object file" in str(error):
            cure = "apt-get install libgl1 libglib2.0-0 libxcb1, or pip install opencv-python-headless instead"
        else:
            cure = f"pip install {package}"
        return Finding("problem", package, f"cannot be imported: {error}", cure)
    if version and _numbers(version) < oldest:
        wanted = ".".join(map(str, oldest))
        why = "loading checkpoints is unsafe before" if package == "torch" else "evalkit needs"
        return Finding("problem", package, f"{version}: {why} {wanted}", f"pip install '{package}>={wanted}'")
    return Finding("ok", package, version or "present")


def _providers(module: str) -> list[str]:
    return list(metadata.packages_distributions().get(module, []))


def _devices() -> Iterator[Finding]:
    torch = sys.modules.get("torch")
    if torch is None:
        return
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            yield Finding("ok", f"cuda:{index}", torch.cuda.get_device_name(index))
    elif shutil.which("nvidia-smi"):
        yield Finding("absent", "cuda", f"there is an NVIDIA driver, but torch {torch.__version__} cannot use it",
                      "pip install --force-reinstall torch, without the constraint to its CPU build")  # fmt: skip
    elif torch.backends.mps.is_available():
        yield Finding("ok", "mps", "the GPU of Apple's processors")
    else:
        yield Finding("absent", "cuda", "no GPU that torch can use; everything runs on the CPU")


def _runtimes() -> Iterator[Finding]:
    from evalkit import runtimes

    for runtime in runtimes.listing():
        missing = ", ".join(runtime.missing)
        if missing:
            yield Finding("absent", f"runtime {runtime.name}", f"needs {missing}",
                          f"pip install '{_PACKAGE}[{runtime.extra}]'")  # fmt: skip
        elif runtime.version is None:
            yield Finding("absent", f"runtime {runtime.name}", "needs torch", "pip install torch")
        elif runtime.name == "torch-compile" and not _compiler():
            yield Finding("absent", f"runtime {runtime.name}", "needs a C++ compiler", "apt-get install g++")
        else:
            yield Finding("ok", f"runtime {runtime.name}", runtime.summary)


def _compiler() -> str | None:
    chosen = os.environ.get("CXX")
    return next(filter(None, map(shutil.which, [chosen] if chosen else ["c++", "g++", "clang++", "cl"])), None)


def _conveniences() -> Iterator[Finding]:
    for extra, (package, summary) in _CONVENIENCES.items():
        version = _version(package)
        if version:
            yield Finding("ok", f"extra {extra}", f"{package} {version}: {summary}")
        else:
            yield Finding("absent", f"extra {extra}", f"{summary}: needs {package}",
                          f"pip install '{_PACKAGE}[{extra}]'")  # fmt: skip


def _plugins() -> Iterator[Finding]:
    for kind in (registry.tracker, registry.dataset, registry.report):
        try:
            yield Finding("ok", f"{kind.kind}s", f"{len(kind.names())} registered")
        except EvalkitError as error:
            yield Finding("problem", f"{kind.kind}s", str(error), error.hint or "")


def _benchmarks(data: Path | None) -> Iterator[Finding]:
    try:
        config.load()
        for name in sorted(registry.dataset.names(), key=lambda name: name != _RENDERED):
            root = config.data_root(name, data)
            yield (
                _benchmark(name, data)
                if root is not None or name == _RENDERED
                else Finding("absent", name, _UNNAMED, _NAME_IT)
            )
    except EvalkitError as error:  # of the configuration, which all benchmarks are found by
        yield Finding("problem", "data", f"{error.where}: {error.what}", error.hint or "Mend it")


def _benchmark(name: str, data: Path | None) -> Finding:
    try:
        dataset = open_dataset(name, data)
    except EvalkitError as error:
        return Finding("absent", name, f"not in {error.where}" if error.where else error.what, error.hint or _NAME_IT)
    found, expected = len(dataset.sequences), len(dataset.expected)
    where = "" if dataset.root is None else f" in {dataset.root}"
    status = "ok" if found >= expected else "absent"
    return Finding(status, name, f"{found} of {expected} sequences{where}",
                   "" if status == "ok" else f"evalkit data check {name}")  # fmt: skip


def _weights() -> Iterator[Finding]:
    named = os.environ.get("EVALKIT_WEIGHTS")
    if named and not Path(named).exists():
        yield Finding("problem", "$EVALKIT_WEIGHTS", f"nothing is at {named}", "Set it to a folder, or unset it")
        return
    for name in catalogue.catalogue():
        try:
            found = catalogue.find(name)
        except EvalkitError as error:
            yield Finding("absent", f"weights {name}", error.what, f"evalkit weights fetch {name}")
        else:
            yield Finding("ok", f"weights {name}", f"{found.path.name} in {found.place}: {found.identity}")


def _room(results: Path) -> Iterator[Finding]:
    for subject, folder in (("results", results), ("cache", config.cache_folder())):
        existing = folder.resolve()
        while not existing.exists():
            existing = existing.parent
        free = shutil.disk_usage(existing).free
        if not existing.is_dir() or not os.access(existing, os.W_OK):
            yield Finding(
                "problem", f"disk for {subject}", f"nothing can be written to {existing}", _ELSEWHERE[subject]
            )
            continue
        status = "ok" if free >= _ROOM_NEEDED else "problem"
        yield Finding(status, f"disk for {subject}", f"{free / (1 << 30):.1f} GiB free at {folder}",
                      "" if status == "ok" else f"Make room: 1 GiB is little. {_ELSEWHERE[subject]}")  # fmt: skip
