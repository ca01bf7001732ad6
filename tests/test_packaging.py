"""What stands in several files at once, and has to say the same."""

from __future__ import annotations

import configparser
import re
import sys
from pathlib import Path

import evalkit

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pins(content: str) -> dict[str, str]:
    return dict(re.findall(r"([a-z][a-z0-9-]*)==([0-9.]+)", content))


def test_hooks_and_tox_check_with_the_same_versions() -> None:
    agreed, hooks = pins(text("constraints.txt")), pins(text(".pre-commit-config.yaml"))
    assert hooks["ruff"] == agreed["ruff"]
    assert "mypy" in agreed
    assert "PIP_CONSTRAINT = {tox_root}/constraints.txt" in text("tox.ini")


def test_every_environment_of_tox_passes_on_the_variables_that_forbid_skipping() -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read_string(text("tox.ini"))
    assert "EVALKIT_*" in tox["testenv"]["pass_env"].split()
    own = {name: tox[name]["pass_env"].split() for name in tox if "pass_env" in tox[name] and name != "testenv"}
    assert all("{[testenv]pass_env}" in names for names in own.values()), own  # else it replaces that of testenv


def test_every_hook_is_pinned() -> None:
    dependencies = re.findall(r"additional_dependencies: \[(.*)\]", text(".pre-commit-config.yaml"))
    assert dependencies
    assert all("==" in one for listed in dependencies for one in listed.split(","))


def test_the_citation_is_of_this_version() -> None:
    assert f"version: {evalkit.__version__}\n" in text("CITATION.cff")


def test_the_image_has_the_torch_that_is_tested_and_no_screen() -> None:
    image = text("Dockerfile")
    assert pins(image)["torch"] == pins(text("constraints.txt"))["torch"]
    assert "pip uninstall --yes opencv-python \\" in image
    assert "opencv-python-headless" in image
    assert re.search(r"^USER [1-9]\d*$", image, re.MULTILINE)
    assert 'ENTRYPOINT ["evalkit"]' in image


def test_what_comes_with_the_package_is_in_its_notice() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    assert {"LICENSE", "NOTICE"} <= set(project["license-files"])
    notice = text("NOTICE")
    weights = (ROOT / "trackers" / "_weights").glob("*.safetensors")
    for data in (*weights, *(ROOT / "reports" / "published").glob("*.csv")):
        assert data.relative_to(ROOT).as_posix() in notice


def test_classifiers_name_the_pythons_that_are_checked() -> None:
    classifiers = tomllib.loads(text("pyproject.toml"))["project"]["classifiers"]
    listed = re.search(r"^PYTHONS = \((.*)\)$", text(".ci/check_package.py"), re.MULTILINE)
    assert listed is not None
    named = [one.rpartition(" ")[2] for one in classifiers if re.search(r":: 3\.\d+$", one)]
    assert re.findall(r'"([0-9.]+)"', listed[1]) == named
