"""The code that a baseline was made with: the commit that last wrote the baseline, checked out aside."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.errors import EvalkitError
from evalkit.io.temporary import temporary_folder
from evalkit.regression.suite import Suite, SuiteTracker, load_suite


class NoPreviousCodeError(Exception):
    """The previous code cannot be timed; the message says why, in one sentence."""


@dataclass(frozen=True)
class PreviousCode:
    """The repository at an earlier commit.

    Attributes:
        commit: Abbreviated hash.
        root: Folder of the repository in its present state.
        folder: Folder of the checkout.
        files: Paths of all files that are tracked at that commit or now, relative to the repository's folder.
        suite: The suite at that commit.
    """

    commit: str
    root: Path
    folder: Path
    files: frozenset[str]
    suite: Suite

    def tracker(self, label: str) -> SuiteTracker:
        """Return the suite's tracker of that label at that commit.

        Raises:
            NoPreviousCodeError: There was none.
        """
        found = [one for one in self.suite.trackers if one.label == label]
        if not found:
            raise NoPreviousCodeError(f"the suite of commit {self.commit} has no tracker {label}")
        weights = found[0].weights
        if weights is not None and not weights.exists():  # checkpoints are usually not under version control
            return replace(found[0], weights=self.root / weights.relative_to(self.folder))
        return found[0]

    def import_path(self) -> tuple[str, ...]:
        """Return ``sys.path`` with the repository's folders replaced by those of the checkout."""
        import evalkit

        home = str(Path(evalkit.__file__).resolve().parents[1])  # not in sys.path if an import hook finds evalkit
        entries = [home, *sys.path] if Path(home).is_relative_to(self.root) else sys.path
        return tuple(dict.fromkeys(path for entry in entries if (path := self._in_checkout(entry))))

    def _in_checkout(self, entry: str) -> str | None:
        path = Path(entry).resolve()
        installed = path.is_relative_to(Path(sys.prefix).resolve())  # a virtual environment inside the repository
        if installed or not path.is_relative_to(self.root):
            return entry
        there = self.folder / path.relative_to(self.root)
        return str(there) if there.exists() else None

    def modules_from_outside(self, modules: Mapping[str, str | None]) -> list[str]:
        """Return the modules of the repository that a process imported from outside of the checkout.

        They come from the present state of the repository, or from an installed copy, so the process did not execute
        the previous code alone.

        Args:
            modules: Files of the modules that the process had loaded, by name.
        """
        own = {_module_name(path, self.files) for path in self.files if path.endswith(".py")}
        own -= set(sys.stdlib_module_names) | {"__init__"}
        return sorted(name for name, file in modules.items() if file and self._is_outside(name, file, own))

    def _is_outside(self, name: str, file: str, own: set[str]) -> bool:
        path = Path(file).resolve()
        # __main__, also named __mp_main__, is the program that imports the others.
        if name in ("__main__", "__mp_main__") or path.is_relative_to(self.folder):
            return False
        tracked = path.is_relative_to(self.root) and path.relative_to(self.root).as_posix() in self.files
        return name in own or tracked


def _module_name(path: str, files: frozenset[str]) -> str:
    """Return the name by which a tracked file is imported, given the packages it is in.

    >>> _module_name("src/mine/net.py", frozenset({"src/mine/__init__.py"}))
    'mine.net'
    """
    *folders, name = path.removesuffix(".py").split("/")
    parts = [] if name == "__init__" else [name]
    while folders and "/".join([*folders, "__init__.py"]) in files:
        parts.insert(0, folders.pop())
    return ".".join(parts) or "__init__"


@contextlib.contextmanager
def checked_out(baseline: Path, suite: Path) -> Iterator[PreviousCode]:
    """Check out the commit that last wrote the baseline into a folder that is removed afterwards.

    Raises:
        NoPreviousCodeError: There is no such commit, or it cannot be checked out.
    """
    root = Path(_git(baseline.resolve().parent, "rev-parse", "--show-toplevel").strip()).resolve()
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise NoPreviousCodeError("the repository was cloned without its history (set fetch-depth: 0)")
    if _git(root, "status", "--porcelain", "--", str(baseline.resolve())).strip():
        raise NoPreviousCodeError("the baseline is not committed")
    commit = _git(root, "log", "-1", "--format=%h", "--", str(baseline.resolve())).strip()
    files = {*_git(root, "ls-files").splitlines(), *_git(root, "ls-tree", "-r", "--name-only", commit).splitlines()}
    with temporary_folder() as folder:
        there = folder.resolve()
        _extract(root, commit, there)
        yield PreviousCode(commit, root, there, frozenset(files), _suite(suite, root, there, commit))


def _suite(suite: Path, root: Path, folder: Path, commit: str) -> Suite:
    try:
        return load_suite(folder / suite.resolve().relative_to(root))
    except (ValueError, EvalkitError) as error:
        raise NoPreviousCodeError(f"cannot read the suite of commit {commit}: {error}") from error


def _extract(root: Path, commit: str, folder: Path) -> None:
    packed = folder / "commit.tar"
    _git(root, "archive", "--format=tar", f"--output={packed}", commit)
    try:
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise NoPreviousCodeError(f"cannot unpack commit {commit}: {error}") from error
    packed.unlink()


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "core.quotePath=false", *arguments]
    try:
        answer = subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    except FileNotFoundError:
        raise NoPreviousCodeError("git is not installed") from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        raise NoPreviousCodeError(lines[0] if lines else f"git failed with exit code {error.returncode}") from None
    return answer.stdout.decode(errors="replace")
