"""Check an installation: versions, devices, extras, plugins, data folders, checkpoints and disk space."""

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

from evalkit import __version__, checkpoints, config, progress, registry
from evalkit.checkpoints.catalogue import is_unreadable
from evalkit.errors import EvalkitError
from evalkit.factories import open_dataset

_PACKAGE = "evalkit-sot"
_MODULES = {"opencv-python": "cv2"}
"""Import names of distributions whose name differs from it."""

_OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
"""Builds of OpenCV; each provides the module cv2, and two of them overwrite each other."""

_OTHER_EXTRAS = {
    "fast": ("numba", "compiled loops for large result sets"),
    "ray": ("ray", "clusters, --engine ray"),
    "search": ("pymoo", "evalkit search --method nsga2"),
}
"""Extras that do not belong to a runtime: the package, and its use."""

_FREE_BYTES_NEEDED = 1 << 30
_OTHER_FOLDER = {
    "results": "Choose another folder with --results",
    "cache": "Choose another folder with $EVALKIT_CACHE",
}
_WITHOUT_FILES = "synthetic"
_NOT_CONFIGURED = "no data folder is configured"
_CONFIGURE = "evalkit init, then write its folder, or a folder that contains it, under [data]"


@dataclass(frozen=True)
class DoctorFinding:
    """The result of one check.

    Attributes:
        status: ``ok``, ``absent`` (optional and not available) or ``problem``.
        subject: Name of the checked package, device, dataset, ...
        text: The result in words.
        cure: Command or sentence that fixes it; empty if there is nothing to fix.
    """

    status: str
    subject: str
    text: str
    cure: str = ""

    def record(self) -> dict[str, Any]:
        """Return the flat record for JSON."""
        return {"name": self.subject, "status": self.status, "summary": self.text, "cure": self.cure}


def examine(data: Path | None = None, results: Path = Path("results")) -> list[DoctorFinding]:
    """Check versions, system libraries, devices, extras, plugins, configuration, data, checkpoints and disk space.

    Args:
        data: Folder of datasets; None for ``$EVALKIT_DATA`` or the configuration file.
        results: Folder that results will be written to.

    Returns:
        Findings in the order of the checks; those with status ``problem`` have to be fixed.
    """
    checks = {
        "packages": _check_packages(),
        "devices": _check_devices(),
        "runtimes": _check_runtimes(),
        "extras": _check_other_extras(),
        "plugins": _check_plugins(),
        "datasets": _check_datasets(data),
        "weights": _check_weights(),
        "disk for results": _check_disk("results", results),
        "disk for cache": _check_disk("cache", config.cache_folder()),
    }
    shown = progress.each(checks.items(), lambda check: f"checking {check[0]}")
    return [finding for subject, check in shown for finding in _until_unreadable(subject, check)]


def _until_unreadable(subject: str, findings: Iterator[DoctorFinding]) -> Iterator[DoctorFinding]:
    """Yield the findings of a check, and one more where it meets a path that cannot be read."""
    try:
        yield from findings
    except OSError as error:
        yield DoctorFinding("problem", subject, f"{error.filename}: {error.strerror}", "Check its permissions")


def _check_packages() -> Iterator[DoctorFinding]:
    yield DoctorFinding("ok", "evalkit", f"{__version__} in {Path(__file__).parent}")
    yield DoctorFinding("ok", "python", ".".join(map(str, sys.version_info[:3])))
    try:
        required = metadata.requires(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        yield DoctorFinding("problem", _PACKAGE, "not installed; only its source folder is present", "pip install -e .")
        return
    for requirement in required:
        if "extra ==" not in requirement and not _is_for_older_pythons(requirement):
            yield _check_package(*_parsed(requirement))
    builds = [name for name in _OPENCV if _version(name)]
    if len(builds) > 1:
        yield DoctorFinding(
            "problem",
            "opencv",
            f"{' and '.join(builds)} overwrite each other",
            f"pip uninstall {' '.join(builds)}, then pip install one of them",
        )


def _is_for_older_pythons(requirement: str) -> bool:
    bound = re.search(r"python_version < ['\"](\d+)\.(\d+)", requirement)
    return bound is not None and sys.version_info[:2] >= (int(bound[1]), int(bound[2]))


def _parsed(requirement: str) -> tuple[str, tuple[int, ...]]:
    """Return name and oldest version of a requirement as pyproject.toml writes them.

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


def _check_package(package: str, oldest: tuple[int, ...]) -> DoctorFinding:
    module = _MODULES.get(package, package)
    # The headless build of OpenCV, and the one with the contrib trackers, provide the same module.
    version = _version(package) or next((_version(one) for one in _providers(module)), "")
    try:
        importlib.import_module(module)
    except ImportError as error:
        if module == "cv2" and "cannot open shared object file" in str(error):
            cure = "apt-get install libgl1 libglib2.0-0 libxcb1, or pip install opencv-python-headless instead"
        else:
            cure = f"pip install {package}"
        return DoctorFinding("problem", package, f"cannot be imported: {error}", cure)
    if version and _numbers(version) < oldest:
        needed = ".".join(map(str, oldest))
        why = "loading checkpoints is unsafe before" if package == "torch" else "evalkit needs"
        return DoctorFinding("problem", package, f"{version}: {why} {needed}", f"pip install '{package}>={needed}'")
    return DoctorFinding("ok", package, version or "installed")


def _providers(module: str) -> list[str]:
    return list(metadata.packages_distributions().get(module, []))


def _check_devices() -> Iterator[DoctorFinding]:
    torch = sys.modules.get("torch")
    if torch is None:
        return
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            yield DoctorFinding("ok", f"cuda:{index}", torch.cuda.get_device_name(index))
    elif shutil.which("nvidia-smi"):
        yield DoctorFinding(
            "absent",
            "cuda",
            f"an NVIDIA driver is installed, but torch {torch.__version__} cannot use it",
            "pip install --force-reinstall torch, without the constraint to the CPU build",
        )
    elif torch.backends.mps.is_available():
        yield DoctorFinding("ok", "mps", "the GPU of an Apple processor")
    else:
        yield DoctorFinding("absent", "cuda", "no GPU that torch can use; everything runs on the CPU")


def _check_runtimes() -> Iterator[DoctorFinding]:
    for runtime in registry.runtime.entries():
        missing = ", ".join(runtime.missing)
        if missing:
            yield DoctorFinding("absent", f"runtime {runtime.name}", f"needs {missing}", runtime.install)
        elif runtime.version is None:
            yield DoctorFinding("absent", f"runtime {runtime.name}", "needs torch", "pip install torch")
        elif runtime.name == "torch-compile" and not _compiler():
            yield DoctorFinding("absent", f"runtime {runtime.name}", "needs a C++ compiler", "apt-get install g++")
        else:
            yield DoctorFinding("ok", f"runtime {runtime.name}", runtime.summary)


def _compiler() -> str | None:
    chosen = os.environ.get("CXX")
    return next(filter(None, map(shutil.which, [chosen] if chosen else ["c++", "g++", "clang++", "cl"])), None)


def _check_other_extras() -> Iterator[DoctorFinding]:
    for extra, (package, summary) in _OTHER_EXTRAS.items():
        version = _version(package)
        if version:
            yield DoctorFinding("ok", f"extra {extra}", f"{package} {version}: {summary}")
        else:
            yield DoctorFinding(
                "absent", f"extra {extra}", f"{summary}: needs {package}", f"pip install '{_PACKAGE}[{extra}]'"
            )


def _check_plugins() -> Iterator[DoctorFinding]:
    for kind in registry.ALL:
        try:
            yield DoctorFinding("ok", f"{kind.kind}s", f"{len(kind.names())} registered")
        except EvalkitError as error:
            yield DoctorFinding("problem", f"{kind.kind}s", str(error), error.hint or "")


def _check_datasets(data: Path | None) -> Iterator[DoctorFinding]:
    try:
        config.load()
        for name in sorted(registry.dataset.names(), key=lambda name: name != _WITHOUT_FILES):
            root = config.data_root(name, data)
            yield (
                _check_dataset(name, data)
                if root is not None or name == _WITHOUT_FILES
                else DoctorFinding("absent", name, _NOT_CONFIGURED, _CONFIGURE)
            )
    except EvalkitError as error:  # of the configuration, on which all datasets depend
        yield DoctorFinding("problem", "data", f"{error.where}: {error.what}", error.hint or "Fix it")


def _check_dataset(name: str, data: Path | None) -> DoctorFinding:
    try:
        dataset = open_dataset(name, data)
    except EvalkitError as error:
        return DoctorFinding(
            "absent", name, f"not found in {error.where}" if error.where else error.what, error.hint or _CONFIGURE
        )
    except OSError as error:
        return DoctorFinding("problem", name, f"{error.filename}: {error.strerror}", "Check its permissions")
    found, expected = len(dataset.sequences), len(dataset.expected)
    where = "" if dataset.root is None else f" in {dataset.root}"
    status = "ok" if found >= expected else "absent"
    return DoctorFinding(
        status, name, f"{found} of {expected} sequences{where}", "" if status == "ok" else f"evalkit data check {name}"
    )


def _check_weights() -> Iterator[DoctorFinding]:
    named = os.environ.get("EVALKIT_WEIGHTS")
    if named and not Path(named).exists():
        yield DoctorFinding("problem", "$EVALKIT_WEIGHTS", f"{named} does not exist", "Set it to a folder, or unset it")
        return
    for name in checkpoints.published():
        try:
            found = checkpoints.find(name)
        except EvalkitError as error:
            if is_unreadable(error):
                yield DoctorFinding("problem", "weights", str(error).partition(". ")[0], error.hint or "")
                return
            yield DoctorFinding("absent", f"weights {name}", error.what, f"evalkit weights fetch {name}")
        else:
            yield DoctorFinding("ok", f"weights {name}", f"{found.path.name} in {found.place}: {found.identity}")


def _check_disk(subject: str, folder: Path) -> Iterator[DoctorFinding]:
    existing = folder.resolve()
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        yield DoctorFinding("problem", f"disk for {subject}", f"{existing} is not writable", _OTHER_FOLDER[subject])
        return
    status = "ok" if free >= _FREE_BYTES_NEEDED else "problem"
    yield DoctorFinding(
        status,
        f"disk for {subject}",
        f"{free / (1 << 30):.1f} GiB free at {folder}",
        "" if status == "ok" else f"Free at least 1 GiB. {_OTHER_FOLDER[subject]}",
    )
