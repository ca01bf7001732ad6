"""The code that a baseline was made with, from a repository's history."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evalkit.regression import former
from evalkit.regression.former import UnavailableError, unpacked

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


def test_it_is_that_of_the_commit_which_last_wrote_the_baseline(repository: Path) -> None:
    with unpacked(repository / "gate.json", repository / "gate.toml") as found:
        assert found.commit == git(repository, "rev-parse", "--short", "HEAD~1")
        candidate = found.candidate("toy")
        path = Path(candidate.name.rpartition(":")[0])
        assert path.read_text() == "old = True\n"
        assert found.folder in path.parents
    assert not found.folder.exists()
    assert git(repository, "status", "--porcelain") == ""


def test_a_checkpoint_that_is_not_tracked_is_the_present_one(repository: Path) -> None:
    (repository / "net.pth").write_bytes(b"weights")
    with unpacked(repository / "gate.json", repository / "gate.toml") as found:
        assert found.candidate("toy").weights == repository.resolve() / "net.pth"


def test_a_tracker_that_the_suite_did_not_have_then_is_said(repository: Path) -> None:
    with (
        unpacked(repository / "gate.json", repository / "gate.toml") as found,
        pytest.raises(UnavailableError, match="had no other"),
    ):
        found.candidate("other")


def test_modules_are_looked_for_in_the_former_folders(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", str(repository / "src"), str(repository / "build"), "/usr/lib/python"])
    monkeypatch.chdir(repository)
    with unpacked(repository / "gate.json", repository / "gate.toml") as found:
        assert found.search() == (str(found.folder), str(found.folder / "src"), "/usr/lib/python")


def test_a_module_of_the_repository_that_came_from_elsewhere_is_a_leak(repository: Path) -> None:
    with unpacked(repository / "gate.json", repository / "gate.toml") as found:
        there = found.folder / "src" / "pack"
        assert not found.leaked({"pack": str(there / "__init__.py"), "numpy": "/site-packages/numpy/__init__.py"})
        mine = str(repository / "mine.py")
        assert not found.leaked({"__main__": mine, "__mp_main__": mine, "sys": None})
        assert found.leaked({"pack.a": "/site-packages/pack/a.py"}) == ["pack.a"]
        assert found.leaked({"another_name": str(repository / "mine.py")}) == ["another_name"]


def test_a_tracked_file_with_the_name_of_a_standard_module_is_no_leak(repository: Path) -> None:
    commit(repository, {"src/types.py": ""})
    with unpacked(repository / "gate.json", repository / "gate.toml") as found:
        assert not found.leaked({"types": "/usr/lib/python3/types.py"})


def obstacle(folder: Path) -> str:
    with pytest.raises(UnavailableError) as caught, unpacked(folder / "gate.json", folder / "gate.toml"):
        pass
    return str(caught.value)


def test_a_baseline_that_is_not_committed_has_no_former_code(repository: Path) -> None:
    (repository / "gate.json").write_text('{"new": 1}')
    assert obstacle(repository) == "the baseline is not committed"


def test_a_shallow_clone_would_find_the_wrong_commit(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth", "1", repository.as_uri(), "shallow")
    assert "fetch-depth: 0" in obstacle(tmp_path / "shallow")


def test_outside_of_a_repository_and_without_git_it_is_said(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gate.json").write_text("{}")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "not a git repository" in obstacle(tmp_path)
    monkeypatch.setenv("PATH", "")
    assert obstacle(repository) == "git is not installed"


def test_a_suite_that_did_not_exist_then_is_said(repository: Path) -> None:
    (repository / "gate.toml").rename(repository / "later.toml")
    with (
        pytest.raises(UnavailableError, match=r"suite of .* no such suite"),
        unpacked(repository / "gate.json", repository / "later.toml"),
    ):
        pass


@pytest.mark.parametrize(
    ("path", "name"),
    [("src/mine/net.py", "mine.net"), ("src/mine/__init__.py", "mine"), ("tools/run.py", "run"), ("a.py", "a")],
)
def test_a_module_is_named_from_its_package(path: str, name: str) -> None:
    assert former._module_name(path, frozenset({"src/mine/__init__.py"})) == name
