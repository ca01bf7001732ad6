"""The GitHub action, executed step by step in a clean folder with the variables that GitHub sets."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .latency.test_previous_code import commit, git

ROOT = Path(__file__).resolve().parents[2]
TRACKER = """
from evalkit.types import Box, Prediction

class Mine:
    def initialize(self, image, region): self.box = region
    def update(self, image):
        self.box = Box(self.box.x + {speed}, self.box.y, self.box.width, self.box.height)
        return Prediction(self.box)
"""
SUITE = """
[gates]
latency = false
[[tracker]]
name = "mine.py:Mine"
[[dataset]]
name = "synthetic"
sequences = ["scale"]
"""


@dataclass
class Step:
    """A step of the action that runs a script."""

    run: str
    condition: str = "true"
    env: dict[str, str] = field(default_factory=dict)


def steps() -> list[Step]:
    """Return the scripts of ``action.yml``, read by its indentation."""
    text = (ROOT / "action.yml").read_text(encoding="utf-8").partition("\n  steps:\n")[2]
    found = []
    for block in re.split(r"^    - ", text, flags=re.MULTILINE)[1:]:
        block = "      " + block
        script = re.search(r"^      run: (?:\|\n((?:        .*\n?|\n)+)|(.*)$)", block, re.MULTILINE)
        if script is None:
            continue
        env = re.search(r"^      env:\n((?:        .*\n)+)", block, re.MULTILINE)
        pairs = re.findall(r"^ +([A-Z_]+): (.*)$", env[1], re.MULTILINE) if env else []
        condition = re.search(r"^      if: (.*)$", block, re.MULTILINE)
        found.append(
            Step(
                re.sub("^        ", "", script[1] or "", flags=re.MULTILINE) or script[2],
                condition[1] if condition else "true",
                {name: value.strip('"') for name, value in pairs},
            )
        )
    return found


def inputs() -> dict[str, str]:
    """Return the action's inputs with their defaults."""
    text = (ROOT / "action.yml").read_text(encoding="utf-8").partition("\ninputs:\n")[2].partition("\noutputs:")[0]
    blocks = re.split(r"^  ([a-z-]+):\n", text, flags=re.MULTILINE)[1:]
    pairs = zip(blocks[::2], blocks[1::2], strict=True)
    defaults = {name: re.search(r'^    default: "?(.*?)"?$', block, re.MULTILINE) for name, block in pairs}
    return {name: default[1] if default else "" for name, default in defaults.items()}


class Runner:
    """Stands for GitHub: provides the variables, files and expressions of a composite action."""

    def __init__(self, folder: Path, workspace: Path) -> None:
        self.workspace = workspace
        self.output, self.summary, self.calls = folder / "output", folder / "summary.md", folder / "calls"
        programs = folder / "bin"
        programs.mkdir()
        self._program(programs / "python", f'echo "$@" >> {shlex.quote(str(self.calls))}')
        self._program(programs / "evalkit", f'exec {shlex.quote(sys.executable)} -m evalkit "$@"')
        self.env = {
            **os.environ, "PATH": f"{programs}:/usr/bin:/bin", "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary), "GITHUB_ACTION_PATH": str(ROOT), "RUNNER_TEMP": str(folder),
            "GITHUB_WORKSPACE": str(workspace), "GITHUB_ACTIONS": "true", "CI": "true",
        }  # fmt: skip

    @staticmethod
    def _program(path: Path, script: str) -> None:
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def run(self, **given: str) -> tuple[int, str]:
        """Return the exit code and the log of all steps, up to the first that fails."""
        values = {**inputs(), **given}
        log = ""
        for step in steps():
            if not self._holds(step.condition, values):
                continue
            env = {name: self._filled(value, values) for name, value in step.env.items()}
            answer = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.run], cwd=self.workspace,
                env={**self.env, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            )  # fmt: skip
            log += answer.stdout
            if answer.returncode:
                return answer.returncode, log
        return 0, log

    @staticmethod
    def _filled(text: str, values: Mapping[str, str]) -> str:
        return re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda match: values[match[1]], text)

    @staticmethod
    def _holds(condition: str, values: Mapping[str, str]) -> bool:
        match = re.fullmatch(r"inputs\.([a-z-]+) != '(.*)'", condition)
        return match is None or values[match[1]] != match[2]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return Runner(tmp_path, workspace)


def test_every_expression_of_the_scripts_names_an_input() -> None:
    assert len(steps()) == 2
    assert set(re.findall(r"inputs\.([a-z-]+)", (ROOT / "action.yml").read_text())) == set(inputs())
    assert not [step.run for step in steps() if "${{" in step.run]  # an input in a script could be a script


def test_evalkit_is_installed_from_the_action_or_as_requested_or_not_at_all(runner: Runner) -> None:
    for install in ("", "evalkit-sot==0.1", "none"):
        runner.run(install=install, suite="missing.toml")
    installed = [line for line in runner.calls.read_text().splitlines() if "pip" in line]
    assert installed == [f"-m pip install --quiet {ROOT}", "-m pip install --quiet evalkit-sot==0.1"]


@pytest.mark.slow
def test_a_pull_request_passes_or_fails_with_a_message(runner: Runner) -> None:
    folder = runner.workspace
    git(folder, "init", "--quiet")
    (folder / "gate.toml").write_text(SUITE)
    (folder / "mine.py").write_text(TRACKER.format(speed=0))
    first = str(folder.parent / "first")
    update = ["evalkit", "regress", "gate.toml", "--results", first, "--update", "--reason", "first"]
    subprocess.run(update, cwd=folder, env=runner.env, check=True, capture_output=True)
    commit(folder, {".gitignore": "*.xml\n"})

    code, log = runner.run(suite="gate.toml")
    assert code == 0, log
    assert runner.output.read_text() == "verdict=pass\n"
    assert "### evalkit regress gate: pass" in runner.summary.read_text()
    assert (folder / "evalkit-regress.xml").read_text().startswith("<?xml")
    assert git(folder, "status", "--porcelain") == ""

    (folder / "mine.py").write_text(TRACKER.format(speed=3))
    code, log = runner.run(suite="gate.toml", junit="other.xml")
    assert code == 1
    assert "::error title=evalkit regress::gate.toml is worse" in log
    assert runner.output.read_text().splitlines()[-1] == "verdict=fail"
    assert "failure" in (folder / "other.xml").read_text()

    code, log = runner.run(suite="gate.toml", baseline="missing.json")
    assert code == 2
    assert "there is no baseline yet" in log
