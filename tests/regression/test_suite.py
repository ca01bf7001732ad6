"""Reading a suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.errors import EvalkitError
from evalkit.regression import suite as suites
from evalkit.regression.suite import LatencyGate

WHOLE = """
baseline = "agreed/ci.json"

[gates]
exact = false
latency = {margin = 0.1, wall = 0.3}
accuracy = {auc = 0.01, precision = 0}

[[tracker]]
name = "lighttrack-m"
weights = "weights/net.pth"
sha256 = "6916A3A4D2CD"
runtimes = ["torch", "onnxruntime"]
settings = {penalty_k = 0.007}

[[tracker]]
name = "mine/tracker.py:Mine"
threads = 2

[[dataset]]
name = "otb100"
sequences = ["Bird2", "David"]
data = "data/OTB100"

[[dataset]]
name = "synthetic"
"""

SMALLEST = '[[tracker]]\nname = "mosse"\n[[dataset]]\nname = "synthetic"\n'


def read(folder: Path, text: str) -> suites.Suite:
    path = folder / "ci.toml"
    path.write_text(text, encoding="utf-8")
    return suites.load(path)


def test_everything_a_suite_may_say_is_understood(tmp_path: Path) -> None:
    suite = read(tmp_path, WHOLE)
    assert suite.name == "ci"
    assert suite.baseline == tmp_path / "agreed" / "ci.json"
    assert not suite.gates.exact
    assert suite.gates.cost
    assert suite.gates.latency == LatencyGate(margin=0.1, wall=0.3)
    assert suite.gates.accuracy == {"auc": 0.01, "precision": 0.0}
    assert [one.label for one in suite.candidates] == ["lighttrack-m", "lighttrack-m@onnxruntime", "Mine"]
    assert suite.candidates[1].runtime == "onnxruntime"
    assert suite.candidates[0].weights == tmp_path / "weights" / "net.pth"
    assert suite.candidates[0].sha256 == "6916a3a4d2cd"
    assert suite.candidates[0].settings == {"penalty_k": "0.007"}
    assert suite.candidates[2].name == f"{tmp_path / 'mine' / 'tracker.py'}:Mine"
    assert suite.candidates[2].threads == 2
    assert suite.benchmarks[0].sequences == ("Bird2", "David")
    assert suite.benchmarks[0].data == tmp_path / "data" / "OTB100"
    assert suite.benchmarks[1].sequences is None


def test_what_is_left_out_has_the_documented_values(tmp_path: Path) -> None:
    suite = read(tmp_path, SMALLEST)
    assert suite.baseline == tmp_path / "ci.json"
    assert suite.gates == suites.Gates()
    assert suite.gates.latency == LatencyGate(margin=0.05, recorded=0.3, elsewhere=0.5, wall=None)


def test_the_example_in_the_module_is_one(tmp_path: Path) -> None:
    lines = (suites.__doc__ or "").split("::\n")[1].splitlines()
    suite = read(tmp_path, "\n".join(line.removeprefix("    ") for line in lines))
    assert suite.gates == suites.Gates(accuracy={"auc": 0.005})
    assert len(suite.candidates) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"at least one \[\[tracker\]\]"),
        ('[[tracker]]\nname = "mosse"\n', r"at least one \[\[dataset\]\]"),
        ("nonsense", "not valid TOML"),
        (SMALLEST.replace("name", "nmae", 1), "missing key 'name' .found nmae"),
        (SMALLEST + 'sequence = ["a"]\n', "unknown key 'sequence'. Did you mean 'sequences'"),
        (SMALLEST + "sequences = []\n", "expected a list of names"),
        ("[gates]\nlatencey = 0.1\n" + SMALLEST, "Did you mean 'latency'"),
        ("[gates]\nexact = 1\n" + SMALLEST, "found 1, expected true or false"),
        ("[gates]\nlatency = -0.1\n" + SMALLEST, "not negative"),
        ("[gates]\nlatency = {magrin = 0.1}\n" + SMALLEST, "Did you mean 'margin'"),
        ('[gates]\naccuracy = {auc = "0.1"}\n' + SMALLEST, "found '0.1', expected a number"),
        ("[gates]\naccuracy = {auc = nan}\n" + SMALLEST, "found nan, expected a finite number"),
        (SMALLEST.replace("[[dataset]]", 'sha256 = "69"\n[[dataset]]'), "at least 8 digits"),
        (
            SMALLEST.replace("[[dataset]]", '[[tracker]]\nname = "mosse"\n[[dataset]]'),
            "called 'mosse'",
        ),
    ],
)
def test_what_is_not_understood_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(EvalkitError, match=words) as caught:
        read(tmp_path, text)
    assert caught.value.exit_code == 2
    assert "ci.toml" in str(caught.value) or "[gates]" in str(caught.value) or str(tmp_path) in str(caught.value)


def test_a_suite_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match="no such suite"):
        suites.load(tmp_path / "none.toml")
