"""The code that a baseline was agreed upon with: the commit that last wrote its file, unpacked aside.

A time recorded on another day, or on another machine, says little. The former code can be timed again, here and now.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from evalkit.errors import EvalkitError
from evalkit.regression import suite as suites
from evalkit.regression.suite import Candidate, Suite


class UnavailableError(Exception):
    """Why the former code cannot be timed, in a sentence for people."""


@dataclass(frozen=True)
class Former:
    """The repository as it was.

    Attributes:
        commit: Its abbreviated name.
        root: Folder of the repository as it is.
        folder: Where it lies as it was.
        files: What the repository tracked then and tracks now, relative to its folder.
    """

    commit: str
    root: Path
    folder: Path
    files: frozenset[str]
    suite: Suite

    def candidate(self, label: str) -> Candidate:
        """What the suite said then.

        Raises:
            UnavailableError: There was no such tracker.
        """
        found = [one for one in self.suite.candidates if one.label == label]
        if not found:
            raise UnavailableError(f"the suite of {self.commit} had no {label}")
        weights = found[0].weights
        if weights is not None and not weights.exists():  # checkpoints are seldom tracked
            return replace(found[0], weights=self.root / weights.relative_to(self.folder))
        return found[0]

    def search(self) -> tuple[str, ...]:
        """Where modules are looked for, with the repository's own folders as they were."""
        import evalkit

        home = str(Path(evalkit.__file__).resolve().parents[1])  # not in sys.path where an import hook finds it
        entries = [home, *sys.path] if Path(home).is_relative_to(self.root) else sys.path
        return tuple(dict.fromkeys(there for entry in entries if (there := self._aside(entry))))

    def _aside(self, entry: str) -> str | None:
        path = Path(entry).resolve()
        installed = path.is_relative_to(Path(sys.prefix).resolve())  # a virtual environment inside the repository
        if installed or not path.is_relative_to(self.root):
            return entry
        there = self.folder / path.relative_to(self.root)
        return str(there) if there.exists() else None

    def leaked(self, modules: Mapping[str, str | None]) -> list[str]:
        """Modules of the repository that a process loaded from elsewhere: the code as it is, or an installed copy."""
        own = {_module_name(path, self.files) for path in self.files if path.endswith(".py")}
        own -= set(sys.stdlib_module_names) | {"__init__"}
        found = []
        for name, file in modules.items():
            # __main__, by whatever name, is what told the process to load the others.
            if file is None or name in ("__main__", "__mp_main__") or Path(file).resolve().is_relative_to(self.folder):
                continue
            path = Path(file).resolve()
            inside = path.is_relative_to(self.root) and path.relative_to(self.root).as_posix() in self.files
            if name in own or inside:
                found.append(name)
        return sorted(found)


def _module_name(path: str, files: frozenset[str]) -> str:
    """The name by which a tracked file is imported, from the package it stands in.

    >>> _module_name("src/mine/net.py", frozenset({"src/mine/__init__.py"}))
    'mine.net'
    """
    *folders, name = path.removesuffix(".py").split("/")
    parts = [] if name == "__init__" else [name]
    while folders and "/".join([*folders, "__init__.py"]) in files:
        parts.insert(0, folders.pop())
    return ".".join(parts) or "__init__"


@contextlib.contextmanager
def unpacked(baseline: Path, suite: Path) -> Iterator[Former]:
    """The repository as of the commit that last wrote the baseline, in a folder that is removed afterwards.

    Raises:
        UnavailableError: There is no such commit, or it cannot be unpacked.
    """
    root = Path(_git(baseline.resolve().parent, "rev-parse", "--show-toplevel").strip()).resolve()
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise UnavailableError("the repository was cloned without its history (fetch-depth: 0 gets it)")
    if _git(root, "status", "--porcelain", "--", str(baseline.resolve())).strip():
        raise UnavailableError("the baseline is not committed")
    commit = _git(root, "log", "-1", "--format=%h", "--", str(baseline.resolve())).strip()
    files = {*_git(root, "ls-files").splitlines(), *_git(root, "ls-tree", "-r", "--name-only", commit).splitlines()}
    with tempfile.TemporaryDirectory(prefix="evalkit-former-", ignore_cleanup_errors=True) as folder:
        there = Path(folder).resolve()
        _unpack(root, commit, there)
        yield Former(commit, root, there, frozenset(files), _suite(suite, root, there, commit))


def _suite(suite: Path, root: Path, folder: Path, commit: str) -> Suite:
    try:
        return suites.load(folder / suite.resolve().relative_to(root))
    except (ValueError, EvalkitError) as error:
        raise UnavailableError(f"the suite of {commit} cannot be read: {error}") from error


def _unpack(root: Path, commit: str, folder: Path) -> None:
    packed = folder / "commit.tar"
    _git(root, "archive", "--format=tar", f"--output={packed}", commit)
    try:
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise UnavailableError(f"{commit} cannot be unpacked: {error}") from error
    packed.unlink()


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "core.quotePath=false", *arguments]
    try:
        answer = subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    except FileNotFoundError:
        raise UnavailableError("git is not installed") from None
    except subprocess.CalledProcessError as error:
        words = error.stderr.decode(errors="replace").strip().splitlines()
        raise UnavailableError(words[0] if words else f"git failed with exit code {error.returncode}") from None
    return answer.stdout.decode(errors="replace")
