"""Reading a suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.errors import EvalkitError
from evalkit.regression import suite as suites
from evalkit.regression.suite import Gates, LatencyGate, Suite, SuiteDataset, load_suite
from evalkit.types import Execution

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
name = "mine/data.py:videos"
protocol = "mine/protocol.py:twice"
profile = "mine/metric.py:first_failure"
"""

SMALLEST = '[[tracker]]\nname = "mosse"\n[[dataset]]\nname = "synthetic"\n'


def read(folder: Path, text: str) -> Suite:
    path = folder / "ci.toml"
    path.write_text(text, encoding="utf-8")
    return load_suite(path)


def test_every_key_of_a_suite_is_read(tmp_path: Path) -> None:
    suite = read(tmp_path, WHOLE)
    assert suite.name == "ci"
    assert suite.baseline == tmp_path / "agreed" / "ci.json"
    assert not suite.gates.exact
    assert suite.gates.cost
    assert suite.gates.latency == LatencyGate(margin=0.1, wall=0.3)
    assert suite.gates.accuracy == {"auc": 0.01, "precision": 0.0}
    torch, onnxruntime, mine = suite.trackers
    assert [one.label for one in suite.trackers] == ["lighttrack-m", "lighttrack-m@onnxruntime", "Mine"]
    assert onnxruntime.execution == Execution("onnxruntime")
    assert torch.weights == tmp_path / "weights" / "net.pth"
    assert torch.sha256 == "6916a3a4d2cd"
    assert torch.settings == {"penalty_k": "0.007"}
    assert mine.name == f"{tmp_path / 'mine' / 'tracker.py'}:Mine"
    assert mine.execution == Execution(threads=2)
    assert suite.datasets[0].sequences == ("Bird2", "David")
    assert suite.datasets[0].data == tmp_path / "data" / "OTB100"
    assert suite.datasets[1] == SuiteDataset(
        name=f"{tmp_path / 'mine' / 'data.py'}:videos",
        protocol=f"{tmp_path / 'mine' / 'protocol.py'}:twice",
        profile=f"{tmp_path / 'mine' / 'metric.py'}:first_failure",
    )


def test_keys_that_are_left_out_have_the_documented_values(tmp_path: Path) -> None:
    suite = read(tmp_path, SMALLEST)
    assert suite.baseline == tmp_path / "ci.json"
    assert suite.gates == Gates()
    assert suite.gates.latency == LatencyGate(margin=0.05, recorded=0.3, elsewhere=0.5, wall=None)


def test_the_example_in_the_module_is_a_suite(tmp_path: Path) -> None:
    lines = (suites.__doc__ or "").split("::\n")[1].splitlines()
    suite = read(tmp_path, "\n".join(line.removeprefix("    ") for line in lines))
    assert suite.gates == Gates(accuracy={"auc": 0.005})
    assert len(suite.trackers) == 2


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
            "two .* tables are named 'mosse'",
        ),
    ],
)
def test_an_invalid_suite_is_rejected_with_the_place_and_the_reason(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(EvalkitError, match=words) as caught:
        read(tmp_path, text)
    assert caught.value.exit_code == 2
    assert str(tmp_path / "ci.toml") in str(caught.value)


def test_a_missing_suite_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match="no such suite"):
        load_suite(tmp_path / "none.toml")
