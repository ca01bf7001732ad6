"""Which files a fingerprint is made of."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from evalkit.engine import code_fingerprint

Load = Callable[[str, Path], Path]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Pretends that a file was imported as a module of that name."""

    def loaded(name: str, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        module = ModuleType(name)
        module.__file__ = str(path)
        monkeypatch.setitem(sys.modules, name, module)
        return path.resolve()

    return loaded


def test_modules_imported_from_the_trackers_folder_count(tmp_path: Path, load: Load) -> None:
    own = load("mine", tmp_path / "mine.py")
    near = load("helper", tmp_path / "parts" / "helper.py")
    load("unrelated", tmp_path.parent / "elsewhere" / "unrelated.py")
    assert code_fingerprint._own_files("mine") == sorted([own, near])


def test_packages_installed_below_a_tracker_do_not_count(
    tmp_path: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "venv" / "site-packages"
    own = load("mine", tmp_path / "mine.py")
    load("installed", packages / "installed" / "__init__.py")
    monkeypatch.setattr(code_fingerprint, "_libraries", lambda: (packages.resolve(),))
    assert code_fingerprint._own_files("mine") == [own]


def test_an_installed_module_counts_alone_and_a_package_with_all_its_modules(
    tmp_path: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    single = load("single", tmp_path / "single.py")
    package = load("package", tmp_path / "package" / "__init__.py")
    part = load("package.part", tmp_path / "package" / "part.py")
    monkeypatch.setattr(code_fingerprint, "_libraries", lambda: (tmp_path.resolve(),))
    assert code_fingerprint._own_files("single") == [single]
    assert code_fingerprint._own_files("package.part") == sorted([package, part])


def test_the_present_environment_is_known_as_installed() -> None:
    places = code_fingerprint._libraries()
    for module in ("json", "numpy", "evalkit", "evalkit.trackers.baselines"):
        file = Path(str(import_module(module).__file__)).resolve()
        assert any(map(file.is_relative_to, places)), module
