"""Build wheel and sdist, install each into a clean environment, and check the installed package.

The interpreter that runs this script installs all dependencies. Other Python versions named in pyproject.toml, if they
are found, install the wheel without torch, which is large and not available for all of them: there, everything that
needs no torch must work, and everything else must report that torch is missing.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

from packaging.metadata import Metadata

ROOT = Path(__file__).resolve().parents[1]

# Names of other projects on the package index: the package must not install modules with these names.
FOREIGN_PACKAGES = ("datasets", "trackers", "reports")

PROBE = f"""
import importlib.util, pathlib, evalkit, evalkit.types
folder = pathlib.Path(evalkit.__file__).parent
for name in {FOREIGN_PACKAGES!r}:
    assert (folder / name).is_dir(), f"evalkit/{{name}} is missing"
    assert importlib.util.find_spec(name) is None, f"a top-level package {{name!r}} was installed"
assert (folder / "py.typed").is_file(), "py.typed is missing"
print(folder)
"""

LICENCES = ("LICENSE", "NOTICE", "trackers/_weights/lighttrack-m.md", "trackers/_weights/lighttrack-supernet.md")
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
LIGHT = (
    "numpy>=1.26", "scipy>=1.11", "opencv-python-headless>=4.8", "click>=8.5", "tomli>=2; python_version < '3.11'",
)  # fmt: skip
"""Dependencies of scoring and of trackers without a network."""

OTHER_PYTHONS_TIMEOUT = 120.0
"""Seconds for all other Pythons together: those not installed by then are reported as unchecked."""


def run(*command: object, cwd: Path | None = None, code: int = 0, timeout: float | None = None) -> str:
    """Run a command, and exit with its output if its exit code is not ``code``.

    Returns:
        Standard output and standard error together.
    """
    answer = subprocess.run(
        [str(part) for part in command], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=timeout,
    )  # fmt: skip
    if answer.returncode != code:
        sys.exit(f"{' '.join(map(str, command))} ended with {answer.returncode}, not {code}:\n{answer.stdout}")
    return answer.stdout


def check_content(archive: Path) -> None:
    """Check that an index accepts the metadata, that licences are included, and that the top level is only evalkit."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            names = wheel.namelist()
            info = next(name for name in names if name.endswith(".dist-info/METADATA")).rpartition("/")[0]
            text, licences = wheel.read(f"{info}/METADATA"), {f"{info}/licenses/{name}" for name in LICENCES}
        tops = {name.partition("/")[0] for name in names} - {"evalkit", info}
    else:
        with tarfile.open(archive) as sdist:
            names = sdist.getnames()
            info = names[0].partition("/")[0]
            member = sdist.extractfile(f"{info}/PKG-INFO")
            text = member.read() if member else b""
        licences, tops = {f"{info}/{name}" for name in LICENCES[:2]}, set()
    metadata = Metadata.from_email(text, validate=True)
    described = (metadata.description_content_type or "").startswith("text/markdown")
    pythons = {f"Programming Language :: Python :: {version}" for version in PYTHONS}
    for complaint, found in (
        ("no description", not described), ("missing licences", licences - set(names)), ("foreign packages", tops),
        ("missing classifiers", pythons - set(metadata.classifiers or [])),
    ):  # fmt: skip
        if found:
            sys.exit(f"{archive.name}: {complaint}: {found}")


def check(archive: Path, scratch: Path) -> Path:
    """Install one archive into a clean environment and run a tracker with it.

    Returns:
        The folder with the results of that run.
    """
    check_content(archive)
    home = scratch / archive.name.replace(".", "-")
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", archive)
    empty = scratch / f"{home.name}-empty"
    empty.mkdir()
    run(python, "-c", PROBE, cwd=empty)
    trackers = run(home / "bin" / "evalkit", "list", "trackers", cwd=empty).splitlines()
    if not trackers:
        sys.exit(f"{archive.name}: `evalkit list trackers` is empty")
    run(home / "bin" / "evalkit", "run", "--tracker", "identity", cwd=empty)
    print(f"{archive.name}: {len(trackers)} trackers, `evalkit run --tracker identity` works", flush=True)
    return empty / "results"


def other_pythons() -> Iterator[tuple[str, Path | None]]:
    """Yield every other supported Python version with its path, or None if it is not found."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for version in PYTHONS:
        if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
            continue
        named = shutil.which(f"python{version}")
        candidates = [*pyenv.glob(f"{version}.*/bin/python"), *([Path(named)] if named else [])]
        yield version, next(filter(_works, candidates), None)


def _works(python: Path) -> bool:
    # Version managers put scripts on the path that only report that a version is not selected.
    return subprocess.run([str(python), "-c", "import venv"], capture_output=True).returncode == 0


def check_without_torch(version: str, python: Path, wheel: Path, results: Path, scratch: Path, limit: float) -> None:
    """Check another Python without torch: the same scores, and an error message from trackers that need torch."""
    home, work = scratch / f"python{version}", scratch / f"python{version}-empty"
    work.mkdir()
    run(python, "-m", "venv", home)
    pip = (home / "bin" / "python", "-m", "pip", "install", "--quiet", "--only-binary", ":all:")
    run(*pip, *LIGHT, timeout=limit)
    run(*pip, "--no-deps", wheel, timeout=limit)
    folder = run(home / "bin" / "python", "-c", PROBE, cwd=work).splitlines()[-1]
    run(home / "bin" / "python", "-W", "error", "-m", "compileall", "-q", "-f", folder)
    evalkit = home / "bin" / "evalkit"
    for command in (["--help"], ["list", "trackers"], ["list", "datasets"], ["list", "metrics"], ["list", "reports"]):
        run(evalkit, *command, cwd=work)
    score = ("score", "--dataset", "synthetic", "--results", results, "--format", "json")
    here, there = (json.loads(run(one, *score, cwd=work)) for one in (evalkit, wheel_environment(wheel, scratch)))
    if not same(here, there):
        sys.exit(f"Python {version} scores the same results differently:\n{here}\n{there}")
    run(evalkit, "run", "--tracker", "identity", "--sequences", "blur", cwd=work)
    answer = run(evalkit, "run", "--tracker", "lighttrack-m", "--sequences", "blur", cwd=work, code=2)
    if "this needs torch, which is not installed" not in answer:
        sys.exit(f"Python {version}: without torch, lighttrack-m reports {answer}")
    run(evalkit, "doctor", cwd=work, code=1)
    print(
        f"Python {version}: imports, compiles, lists, tracks and scores the same, and reports missing torch", flush=True
    )


def same(one: object, other: object) -> bool:
    """Compare two JSON documents; releases of SciPy differ in the last digits of floats that bound an interval."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            close(one[key], other[key]) if key in ("low", "high") else same(one[key], other[key]) for key in one
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def close(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return one == other


def wheel_environment(wheel: Path, scratch: Path) -> Path:
    return scratch / wheel.name.replace(".", "-") / "bin" / "evalkit"


def main() -> None:
    os.environ["EVALKIT_PROGRESS"] = "off"  # standard output and standard error of commands are read together
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        run(sys.executable, "-m", "build", "--outdir", scratch / "dist", ROOT)
        archives = sorted((scratch / "dist").iterdir())
        if [path.suffix for path in archives] not in ([".whl", ".gz"], [".gz", ".whl"]):
            sys.exit(f"expected one wheel and one sdist, got {[path.name for path in archives]}")
        results = {archive: check(archive, scratch) for archive in archives}
        wheel = next(path for path in archives if path.suffix == ".whl")
        end = time.monotonic() + OTHER_PYTHONS_TIMEOUT
        for version, python in other_pythons():
            if python is None:
                print(f"Python {version}: not found, not checked")
                continue
            try:
                check_without_torch(version, python, wheel, results[wheel], scratch, max(1.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                print(f"Python {version}: installing took too long, not checked")


if __name__ == "__main__":
    main()
