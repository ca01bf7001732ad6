"""Build wheel and sdist, install each into a clean environment, and look at what a user gets."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

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
"""


def run(*command: object, cwd: Path | None = None) -> str:
    """Run a command, show what it prints, and fail with it."""
    answer = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    if answer.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed with {answer.returncode}:\n{answer.stdout}\n{answer.stderr}")
    return answer.stdout


def check(archive: Path, scratch: Path) -> None:
    """Install one archive where nothing else is and use it."""
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
    print(f"{archive.name}: {len(trackers)} trackers, `evalkit run --tracker identity` is fine")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        run(sys.executable, "-m", "build", "--outdir", scratch / "dist", ROOT)
        archives = sorted((scratch / "dist").iterdir())
        if [path.suffix for path in archives] != [".whl", ".gz"] and len(archives) != 2:
            sys.exit(f"expected one wheel and one sdist, got {[path.name for path in archives]}")
        for archive in archives:
            check(archive, scratch)


if __name__ == "__main__":
    main()
