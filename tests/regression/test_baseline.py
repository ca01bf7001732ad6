"""The baseline file: small, versioned, and never half written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from evalkit.errors import EvalkitError
from evalkit.regression import baseline as baselines
from evalkit.regression.baseline import (
    Baseline,
    contribution_json,
    load_baseline,
    lock_baseline,
    parse_contribution,
    save_baseline,
)
from evalkit.regression.box_hashes import MAX_CHARACTERS, BoxHashes
from evalkit.regression.records import (
    DatasetRecord,
    LatencyRecord,
    MetricRecord,
    SequenceContribution,
    SequenceRecord,
    TrackerRecord,
)


def record(count: int = 3) -> TrackerRecord:
    metrics = {
        name: MetricRecord(0.612345, 1, "fraction", True) for name in ("auc", "precision", "norm_precision", "ao")
    }
    metrics["failures"] = MetricRecord(3.0, 1, "count", False, total=True)
    checkpoints = "ab" * (MAX_CHARACTERS // 2 // count)
    mean = {name: SequenceContribution((0.612345,), (1.0,)) for name in ("auc", "precision", "norm_precision")}
    contributions = {
        **mean,
        "ao": SequenceContribution((0.5 * 345,), (345.0,)),
        "failures": SequenceContribution((1.0,), ()),
    }
    sequences = {
        f"GOT-10k_Val_{index:06d}": SequenceRecord(BoxHashes(600, "0123456789abcdef", checkpoints), contributions)
        for index in range(count)
    }
    description = {f"hyperparameters.number_{index}": 0.123 for index in range(12)}
    dataset = DatasetRecord("1", "one_pass", "otb-matlab", description, metrics, sequences)
    latency = LatencyRecord((1.0, 1.1), "v1", 0.012, 0.013, 0.99)
    cost = {"macs conv": 510_606_848, "parameters distinct": 1_969_397}
    return TrackerRecord({"processor": "x", "threads": 1}, "6916a3", cost, {"otb100": dataset}, latency)


def written(path: Path, count: int = 3) -> Baseline:
    baseline = Baseline("ci", {}).updated({"toy": record(count)}, "first", [])
    save_baseline(path, baseline)
    return baseline


def test_a_baseline_is_read_as_it_was_written(tmp_path: Path) -> None:
    baseline = written(tmp_path / "b.json")
    assert load_baseline(tmp_path / "b.json") == baseline


def test_contributions_are_read_as_they_were_written() -> None:
    for one in (
        SequenceContribution((0.25,), (1.0,)),
        SequenceContribution((30.0,), (120.0,)),
        SequenceContribution((0.0,), (0.0,)),
        SequenceContribution((1.5, 2.5), (3.0, 4.0)),
    ):
        assert parse_contribution(contribution_json(one), total=False) == one
    total = SequenceContribution((3.0,), ())
    assert parse_contribution(contribution_json(total), total=True) == total


def test_a_hundred_sequences_with_five_metrics_stay_below_50_kb(tmp_path: Path) -> None:
    written(tmp_path / "b.json", 100)
    assert (tmp_path / "b.json").stat().st_size < 50_000


def test_a_changed_sequence_is_one_changed_line(tmp_path: Path) -> None:
    written(tmp_path / "b.json", 5)
    before = (tmp_path / "b.json").read_text().splitlines()
    changed = (tmp_path / "b.json").read_text().replace("GOT-10k_Val_000003", "GOT-10k_Val_000009").splitlines()
    assert len(before) == len(changed)
    assert sum(a != b for a, b in zip(before, changed, strict=True)) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "damaged"),
        ('{"version": 1, "trackers": {', "damaged"),
        ("[]", "damaged"),
        ("{}", "no version"),
        ('{"version": 3}', "newer evalkit"),
        ('{"version": 0}', "older evalkit"),
        ('{"version": 1}', "missing"),
        ('{"version": 1, "trackers": {"toy": {}}, "history": []}', "damaged"),
        ('{"version": 1, "trackers": {"toy": []}, "history": []}', "damaged"),
        (b"\xff\xfe".decode("latin-1"), "damaged"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_unchanged(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(content, encoding="latin-1")
    before = path.read_bytes()
    with pytest.raises(EvalkitError, match=words) as caught:
        load_baseline(path)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 2
    assert path.read_bytes() == before


def test_a_truncated_file_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    written(path)
    whole = path.read_text()
    for cut in range(0, len(whole) - 2, max(1, len(whole) // 40)):
        path.write_text(whole[:cut])
        with pytest.raises(EvalkitError):
            load_baseline(path)


def test_an_update_that_is_interrupted_while_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.json"
    written(path)
    before = path.read_bytes()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", killed)
    with pytest.raises(KeyboardInterrupt), lock_baseline(path):
        written(path, 50)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["b.json"]
    monkeypatch.undo()
    with lock_baseline(path):
        written(path, 50)
    assert len(load_baseline(path).trackers["toy"].datasets["otb100"].sequences) == 50


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_tracked(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EvalkitError, match="cannot write this baseline"), lock_baseline(tmp_path / "file" / "b.json"):
        pytest.fail("there is no such folder")


def test_the_second_of_two_simultaneous_updates_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    written(path)
    code = (
        "import sys\nfrom pathlib import Path\nfrom evalkit.regression import baseline\n"
        f"with baseline.lock_baseline(Path({str(path)!r})):\n    print('in', flush=True)\n    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "in\n"
        with pytest.raises(EvalkitError, match=f"is updating this baseline.*process {first.pid}"), lock_baseline(path):
            pytest.fail("both hold the lock")
        first.kill()
        first.wait()
    with lock_baseline(path):  # a killed writer leaves no lock
        pass
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["b.json"]


def test_the_file_is_plain_json_with_sorted_keys(tmp_path: Path) -> None:
    written(tmp_path / "b.json")
    content = json.loads((tmp_path / "b.json").read_text())
    assert list(content) == sorted(content)
    assert content["version"] == baselines.VERSION
    assert (tmp_path / "b.json").read_text().endswith("}\n")
