"""Build wheel and sdist, install each into a clean environment, and look at what a user gets.

The interpreter that runs this installs everything. Other Pythons of those that pyproject.toml names, as far as they are
found, install the wheel without torch, which is large and not built for all of them: what needs no torch has to work
there, and what does has to say so.
"""

from __future__ import annotations

import json
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

# Names that belong to other projects on the package index: nothing of ours may answer to them.
STRANGERS = ("datasets", "trackers", "reports")

PROBE = f"""
import importlib.util, pathlib, evalkit, evalkit.types
folder = pathlib.Path(evalkit.__file__).parent
for room in {STRANGERS!r}:
    assert (folder / room).is_dir(), f"evalkit/{{room}} is missing"
    assert importlib.util.find_spec(room) is None, f"a top-level package {{room!r}} was installed"
assert (folder / "py.typed").is_file(), "py.typed is missing"
print(folder)
"""

LICENCES = ("LICENSE", "NOTICE", "trackers/_weights/lighttrack-m.md")
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
LIGHT = ("numpy>=1.26", "opencv-python-headless>=4.8", "click>=8.5", "tomli>=2; python_version < '3.11'")
"""What tracking without a network and scoring need."""

PATIENCE = 120.0
"""Seconds for the other Pythons together: what is not installed by then is said to be unchecked."""


def run(*command: object, cwd: Path | None = None, code: int = 0, timeout: float | None = None) -> str:
    """Run a command, and fail with what it prints if it does not end with that code.

    Returns:
        What it prints, errors included.
    """
    answer = subprocess.run(
        [str(part) for part in command], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=timeout,
    )  # fmt: skip
    if answer.returncode != code:
        sys.exit(f"{' '.join(map(str, command))} ended with {answer.returncode}, not {code}:\n{answer.stdout}")
    return answer.stdout


def check_content(archive: Path) -> None:
    """Metadata that an index accepts, licences inside, nothing at the top level that is not ours."""
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
        ("no description", not described), ("missing licences", licences - set(names)), ("strangers", tops),
        ("missing classifiers", pythons - set(metadata.classifiers or [])),
    ):  # fmt: skip
        if found:
            sys.exit(f"{archive.name}: {complaint}: {found}")


def check(archive: Path, scratch: Path) -> Path:
    """Install one archive where nothing else is and use it.

    Returns:
        The folder of results that it made.
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
    print(f"{archive.name}: {len(trackers)} trackers, `evalkit run --tracker identity` is fine", flush=True)
    return empty / "results"


def other_pythons() -> Iterator[tuple[str, Path | None]]:
    """Every Python that the package is for but this one, and where it is, if it is."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for version in PYTHONS:
        if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
            continue
        named = shutil.which(f"python{version}")
        candidates = [*pyenv.glob(f"{version}.*/bin/python"), *([Path(named)] if named else [])]
        yield version, next(filter(_works, candidates), None)


def _works(python: Path) -> bool:
    # Version managers leave scripts on the path that only say that a version is not chosen.
    return subprocess.run([str(python), "-c", "import venv"], capture_output=True).returncode == 0


def check_without_torch(version: str, python: Path, wheel: Path, results: Path, scratch: Path, limit: float) -> None:
    """What needs no torch works under another Python, with the same scores; what does says what to install."""
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
    if here != there:
        sys.exit(f"Python {version} scores the same results otherwise:\n{here}\n{there}")
    run(evalkit, "run", "--tracker", "identity", "--sequences", "blur", cwd=work)
    answer = run(evalkit, "run", "--tracker", "lighttrack-m", "--sequences", "blur", cwd=work, code=2)
    if "this needs torch, which is not installed" not in answer:
        sys.exit(f"Python {version}: without torch, lighttrack-m says {answer}")
    run(evalkit, "doctor", cwd=work, code=1)
    print(f"Python {version}: imports, compiles, lists, tracks and scores as here, and asks for torch", flush=True)


def wheel_environment(wheel: Path, scratch: Path) -> Path:
    return scratch / wheel.name.replace(".", "-") / "bin" / "evalkit"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        run(sys.executable, "-m", "build", "--outdir", scratch / "dist", ROOT)
        archives = sorted((scratch / "dist").iterdir())
        if [path.suffix for path in archives] not in ([".whl", ".gz"], [".gz", ".whl"]):
            sys.exit(f"expected one wheel and one sdist, got {[path.name for path in archives]}")
        results = {archive: check(archive, scratch) for archive in archives}
        wheel = next(path for path in archives if path.suffix == ".whl")
        end = time.monotonic() + PATIENCE
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
