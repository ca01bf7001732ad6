"""The code that a baseline was made with, checked out from a repository's history."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evalkit.regression.latency import previous_code
from evalkit.regression.latency.previous_code import NoPreviousCodeError, checked_out

SUITE = '[[tracker]]\nname = "mine.py:Mine"\nlabel = "toy"\nweights = "net.pth"\n[[dataset]]\nname = "tiny"\n'


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "change")
    return git(folder, "rev-parse", "--short", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A suite, its baseline and a tracker in one commit, and the tracker changed in the next."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    package = {"src/pack/__init__.py": "", "src/pack/a.py": ""}
    commit(folder, {"gate.toml": SUITE, "gate.json": "{}", "mine.py": "old = True\n", **package})
    commit(folder, {"mine.py": "old = False\n"})
    return folder


def test_the_commit_that_last_wrote_the_baseline_is_checked_out(repository: Path) -> None:
    with checked_out(repository / "gate.json", repository / "gate.toml") as found:
        assert found.commit == git(repository, "rev-parse", "--short", "HEAD~1")
        tracker = found.tracker("toy")
        path = Path(tracker.name.rpartition(":")[0])
        assert path.read_text() == "old = True\n"
        assert found.folder in path.parents
    assert not found.folder.exists()
    assert git(repository, "status", "--porcelain") == ""


def test_a_checkpoint_that_is_not_under_version_control_is_the_present_one(repository: Path) -> None:
    (repository / "net.pth").write_bytes(b"weights")
    with checked_out(repository / "gate.json", repository / "gate.toml") as found:
        assert found.tracker("toy").weights == repository.resolve() / "net.pth"


def test_a_tracker_that_the_former_suite_lacks_is_named(repository: Path) -> None:
    with (
        checked_out(repository / "gate.json", repository / "gate.toml") as found,
        pytest.raises(NoPreviousCodeError, match="has no tracker other"),
    ):
        found.tracker("other")


def test_the_import_path_has_the_folders_of_the_checkout(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", str(repository / "src"), str(repository / "build"), "/usr/lib/python"])
    monkeypatch.chdir(repository)
    with checked_out(repository / "gate.json", repository / "gate.toml") as found:
        assert found.import_path() == (str(found.folder), str(found.folder / "src"), "/usr/lib/python")


def test_a_module_of_the_repository_that_is_imported_from_outside_is_found(repository: Path) -> None:
    with checked_out(repository / "gate.json", repository / "gate.toml") as found:
        there = found.folder / "src" / "pack"
        assert not found.modules_from_outside(
            {"pack": str(there / "__init__.py"), "numpy": "/site-packages/numpy/__init__.py"}
        )
        mine = str(repository / "mine.py")
        assert not found.modules_from_outside({"__main__": mine, "__mp_main__": mine, "sys": None})
        assert found.modules_from_outside({"pack.a": "/site-packages/pack/a.py"}) == ["pack.a"]
        assert found.modules_from_outside({"another_name": str(repository / "mine.py")}) == ["another_name"]


def test_a_tracked_file_may_have_the_name_of_a_standard_module(repository: Path) -> None:
    commit(repository, {"src/types.py": ""})
    with checked_out(repository / "gate.json", repository / "gate.toml") as found:
        assert not found.modules_from_outside({"types": "/usr/lib/python3/types.py"})


def obstacle(folder: Path) -> str:
    with pytest.raises(NoPreviousCodeError) as caught, checked_out(folder / "gate.json", folder / "gate.toml"):
        pass
    return str(caught.value)


def test_a_baseline_that_is_not_committed_has_no_previous_code(repository: Path) -> None:
    (repository / "gate.json").write_text('{"new": 1}')
    assert obstacle(repository) == "the baseline is not committed"


def test_a_shallow_clone_is_rejected(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth", "1", repository.as_uri(), "shallow")
    assert "fetch-depth: 0" in obstacle(tmp_path / "shallow")


def test_a_missing_repository_and_a_missing_git_are_named(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gate.json").write_text("{}")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "not a git repository" in obstacle(tmp_path)
    monkeypatch.setenv("PATH", "")
    assert obstacle(repository) == "git is not installed"


def test_a_suite_that_did_not_exist_at_that_commit_is_named(repository: Path) -> None:
    (repository / "gate.toml").rename(repository / "later.toml")
    with (
        pytest.raises(NoPreviousCodeError, match=r"suite of .* no such suite"),
        checked_out(repository / "gate.json", repository / "later.toml"),
    ):
        pass


@pytest.mark.parametrize(
    ("path", "name"),
    [("src/mine/net.py", "mine.net"), ("src/mine/__init__.py", "mine"), ("tools/run.py", "run"), ("a.py", "a")],
)
def test_a_module_is_named_from_its_package(path: str, name: str) -> None:
    assert previous_code._module_name(path, frozenset({"src/mine/__init__.py"})) == name
