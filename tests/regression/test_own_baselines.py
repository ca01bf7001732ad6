"""The suites of evalkit's own gate, and the action for other repositories."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from evalkit.factories import open_dataset
from evalkit.regression.baseline import load_baseline
from evalkit.regression.suite import load_suite

ROOT = Path(__file__).resolve().parents[2]
SUITES = sorted((ROOT / "reports" / "baselines").glob("*.toml"))


def test_there_are_suites() -> None:
    assert [path.stem for path in SUITES] == ["lighttrack-m", "rendered"]


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_a_suite_and_its_baseline_have_the_same_content(path: Path) -> None:
    suite = load_suite(path)
    baseline = load_baseline(suite.baseline)
    assert suite.baseline.stat().st_size < 50_000
    assert set(baseline.trackers) == {one.label for one in suite.trackers}
    for tracker in suite.trackers:
        record = baseline.trackers[tracker.label]
        assert (record.weights or "") == (tracker.sha256 or "")
        assert set(record.datasets) == {one.name for one in suite.datasets}
        for entry in suite.datasets:
            dataset = open_dataset(entry.name, None)
            stored = record.datasets[entry.name]
            assert set(stored.sequences) == set(entry.sequences or dataset.expected)
            assert set(stored.metrics) >= set(suite.gates.accuracy or {})
            assert stored.version == dataset.version
    assert all(entry["reason"] for entry in baseline.history)


def _script() -> str:
    """Return the shell script of the action's last step."""
    text = (ROOT / "action.yml").read_text(encoding="utf-8").partition("id: gate")[2]
    block = text.partition("run: |\n")[2]
    return "\n".join(line.removeprefix(" " * 8) for line in block.splitlines())


@pytest.mark.parametrize(
    ("code", "strict", "outcome", "verdict", "word"),
    [
        (0, "false", 0, "pass", ""),
        (1, "false", 1, "fail", "::error"),
        (3, "false", 0, "inconclusive", "::warning"),
        (3, "true", 1, "inconclusive", "::error"),
        (2, "false", 2, None, ""),
    ],
)
def test_the_action_warns_where_the_gate_is_inconclusive(
    tmp_path: Path, code: int, strict: str, outcome: int, verdict: str | None, word: str
) -> None:
    stub = 'evalkit() { echo "called with $*"; return ' + str(code) + "; }\n"
    environment = {
        "PATH": "/usr/bin:/bin", "SUITE": "my gate.toml", "BASELINE": "", "DATA": "/data", "WEIGHTS": "",
        "JOBS": "2", "TIMEOUT": "600", "STRICT": strict, "JUNIT": "out.xml", "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }  # fmt: skip
    answer = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", stub + _script()],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == outcome, answer.stderr
    options = f"--junit out.xml --results {tmp_path}/evalkit --data /data --jobs 2 --timeout 600"
    assert f"regress my gate.toml {options}" in answer.stdout
    assert word in answer.stdout
    written = (tmp_path / "output").read_text() if (tmp_path / "output").exists() else ""
    assert written == (f"verdict={verdict}\n" if verdict else "")


def test_the_inputs_in_the_documentation_exist() -> None:
    page = (ROOT / "docs" / "regression-gate.md").read_text(encoding="utf-8")
    inputs = re.findall(r"^  ([a-z-]+):$", (ROOT / "action.yml").read_text().partition("outputs:")[0], re.MULTILINE)
    used = re.findall(
        r"^          (?:# )?([a-z-]+):",
        page.partition("uses: OWNER/evalkit")[2].partition("## On GitLab")[0],
        re.MULTILINE,
    )
    assert used
    assert set(used) <= set(inputs)
