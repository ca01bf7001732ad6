"""What this installation has, what it lacks, and the command that mends it."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from evalkit import config, registry, weights
from evalkit.engine.work import open_dataset
from evalkit.errors import EvalkitError

_REQUIRED = {
    "numpy": "numpy",
    "opencv-python": "cv2",
    "torch": "torch",
    "matplotlib": "matplotlib",
    "pandas": "pandas",
    "shapely": "shapely",
    "scipy": "scipy",
    "got10k": "got10k",
    "six": "six",
}
_OLDEST_SAFE_TORCH = (2, 10)
_ROOM_NEEDED = 1 << 30


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
    """Look at versions, system libraries, devices, runtimes, plugins, benchmarks, weights and disk."""
    return [
        *_packages(),
        *_devices(),
        *_runtimes(),
        *_plugins(),
        *_benchmarks(data),
        *_weights(),
        *_room(results),
    ]


def _packages() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("ok", "python", version)
    for package, module in _REQUIRED.items():
        yield _package(package, module)


def _package(package: str, module: str) -> Finding:
    try:
        version = metadata.version(package)
    except metadata.PackageNotFoundError:
        # Builds without a screen, or with the contrib trackers, provide the same module.
        version = next((metadata.version(one) for one in _providers(module)), "")
    try:
        importlib.import_module(module)
    except ImportError as error:
        if module == "cv2" and "cannot open shared object file" in str(error):
            cure = "apt-get install libgl1 libglib2.0-0 libxcb1, or pip install opencv-python-headless instead"
        else:
            cure = f"pip install {package}"
        return Finding("problem", package, f"cannot be imported: {error}", cure)
    if package == "torch" and tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_SAFE_TORCH:
        return Finding("problem", package, f"{version}: loading checkpoints is unsafe before 2.10",
                       "pip install 'torch>=2.10'")  # fmt: skip
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
    else:
        yield Finding("absent", "cuda", "no GPU that torch can use; everything runs on the CPU")


def _runtimes() -> Iterator[Finding]:
    from evalkit import runtimes

    for runtime in runtimes.listing():
        missing = ", ".join(runtime.missing)
        if missing:
            yield Finding("absent", f"runtime {runtime.name}", f"needs {missing}",
                          f"pip install 'evalkit-sot[{runtime.extra}]'")  # fmt: skip
        else:
            yield Finding("ok", f"runtime {runtime.name}", runtime.summary)


def _plugins() -> Iterator[Finding]:
    for kind in (registry.tracker, registry.dataset, registry.report):
        try:
            yield Finding("ok", f"{kind.kind}s", f"{len(kind.names())} registered")
        except EvalkitError as error:
            yield Finding("problem", f"{kind.kind}s", str(error), error.hint or "")


def _benchmarks(data: Path | None) -> Iterator[Finding]:
    for name in registry.dataset.names():
        if name.endswith(":"):
            continue
        try:
            dataset = open_dataset(name, data)
        except EvalkitError as error:
            yield Finding("absent", name, error.what, error.hint or "Name its folder with --data or in evalkit.toml")
            continue
        found, expected = len(dataset.sequences), len(dataset.expected)
        where = "" if dataset.root is None else f" in {dataset.root}"
        status = "ok" if found >= expected else "absent"
        yield Finding(status, name, f"{found} of {expected} sequences{where}",
                      "" if status == "ok" else f"evalkit data check {name}")  # fmt: skip


def _weights() -> Iterator[Finding]:
    for name in weights.catalogue():
        try:
            found = weights.find(name)
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
        status = "ok" if free >= _ROOM_NEEDED else "problem"
        yield Finding(status, f"disk for {subject}", f"{free / (1 << 30):.1f} GiB free at {folder}",
                      "" if status == "ok" else "Make room, or choose another folder")  # fmt: skip
