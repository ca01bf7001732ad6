"""A metric profile in one file outside the package: by its path, and as an entry point of an installed package."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moving_square import moving_square, tiny_dataset

from evalkit import registry
from evalkit.cli import main
from evalkit.errors import EvalkitError, ProfileNotApplicable, UnknownName
from evalkit.metrics import profiles
from evalkit.registry import DatasetEntry
from evalkit.types import Dataset

FIRST_FAILURE = '''
"""Number of frames before the first one without overlap."""

import numpy as np

from evalkit import registry
from evalkit.geometry import overlap
from evalkit.metrics.alignment import check_lengths
from evalkit.metrics.measures import Evaluation, Measure, mean_over_sequences
from evalkit.types import Metric

FIRST_FAILURE = Metric(
    "first_failure", "number of frames before the first one without overlap", unit="frames", head="First failure"
)


def frames_before_failure(answers, truth):
    failed = np.flatnonzero(overlap(answers, truth) <= 0)
    return float(failed[0]) if failed.size else float(len(truth))


@registry.profile(
    "first-failure", summary="frames before the first failure", protocols=("one_pass",), metrics=(FIRST_FAILURE,)
)
def first_failure(evaluation: Evaluation) -> list[Measure]:
    check_lengths(evaluation)
    values = {
        sequence.name: np.mean([frames_before_failure(run.boxes, sequence.groundtruth) for run in runs])
        for sequence in evaluation.sequences()
        for runs in [evaluation.runs[sequence.name]]
    }
    return [mean_over_sequences(FIRST_FAILURE, values)]
'''

STILL = """
from evalkit.types import Box, Prediction

class Still:
    def initialize(self, image, region):
        self.region = region

    def update(self, image):
        one = self.region
        return Prediction(Box(one.x + {jump}, one.y, one.width, one.height))
"""

Command = Callable[..., str]


@pytest.fixture
def profile_file(tmp_path: Path) -> Iterator[Path]:
    """The file with the profile ``first-failure``; what it registers is forgotten after the test."""
    path = tmp_path / "first_failure.py"
    path.write_text(FIRST_FAILURE)
    with registry.profile.temporarily():
        yield path


@pytest.fixture
def installed_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Installs a package with the profile ``first-failure`` as an entry point."""
    info = tmp_path / "site" / "own_profile-1.dist-info"
    info.mkdir(parents=True)
    (tmp_path / "site" / "own_first_failure.py").write_text(FIRST_FAILURE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-profile\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[evalkit.profiles]\nfirst-failure = own_first_failure\n")
    with registry.profile.temporarily():
        monkeypatch.syspath_prepend(str(tmp_path / "site"))
        monkeypatch.delitem(sys.modules, "own_first_failure", raising=False)
        monkeypatch.setattr(registry.profile, "_discovered", False)
        yield


@pytest.fixture
def squares() -> Iterator[Dataset]:
    """The dataset ``tiny``; a box that does not move overlaps its targets for 8 frames, and for 4 frames."""
    dataset = tiny_dataset(moving_square("slow", 12, speed=2), moving_square("fast", 12, speed=4))
    with registry.dataset.temporarily(DatasetEntry("tiny", lambda: dataset, "two moving squares")):
        yield dataset


@pytest.fixture
def evalkit(squares: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command on results of the tracker ``identity``, which stays where it was started."""

    def call(*arguments: object) -> str:
        options = ("--dataset", "tiny", "--results", str(tmp_path / "results"))
        with pytest.raises(SystemExit) as end:
            main([*map(str, arguments), *options])
        assert end.value.code == 0
        return capsys.readouterr().out

    call("run", "--tracker", "identity")
    return call


def test_a_file_is_scored_by_its_path(evalkit: Command, profile_file: Path) -> None:
    lines = evalkit("score", "--profile", f"{profile_file}:first_failure").splitlines()
    assert lines[0] == "tiny (2 sequences, one-pass, first-failure v1)"
    assert lines[1].split("  ")[0] == "tracker"
    assert "First failure (frames) ↑" in lines[1]
    assert lines[2].split()[:2] == ["identity", "6.00"]


def test_its_records_say_what_the_number_is(evalkit: Command, profile_file: Path) -> None:
    output = evalkit("score", "--format", "json", "--profile", f"{profile_file}:first_failure")
    (record,) = (one for one in json.loads(output)["records"] if "metric" in one)
    expected = {
        "tracker": "identity", "dataset": "tiny", "protocol": "one_pass", "metric": "first_failure",
        "profile": "first-failure", "metric_version": 1, "value": 6.0,
        "low": 0.0, "high": pytest.approx(31.10810640624684), "unit": "frames",
        "higher_is_better": True, "sequences": 2, "expected_sequences": 2,
    }  # fmt: skip
    assert record == expected


@pytest.mark.usefixtures("installed_profile")
def test_an_installed_profile_is_scored_by_its_name_and_among_all(evalkit: Command) -> None:
    assert "6.00" in evalkit("score", "--profile", "first-failure")
    table = evalkit("score", "--profile", "all")
    assert [line.split()[1] for line in table.splitlines() if line.startswith("identity")] == [
        "otb-matlab", "got10k", "first-failure",
    ]  # fmt: skip
    assert "first-failure" not in evalkit("score")


@pytest.mark.usefixtures("installed_profile")
def test_it_follows_the_profiles_that_a_dataset_lists(squares: Dataset) -> None:
    assert profiles.fitting(squares, "one_pass") == ("otb-matlab", "got10k", "first-failure")
    assert profiles.official(squares, "one_pass") == "otb-matlab"
    assert profiles.fitting(squares, "supervised") == ()
    metric = profiles.metric_named("first_failure")
    assert metric is not None and (metric.head, metric.unit) == ("First failure", "frames")
    assert profiles.metric_named("first_failure", "pysot") is None


def test_built_in_profiles_score_only_datasets_that_list_them(squares: Dataset) -> None:
    assert profiles.applicable(squares) == ("otb-matlab", "got10k")
    assert not any(entry.applies(squares) for entry in registry.profile.entries())


def test_a_profile_can_be_limited_to_some_datasets(squares: Dataset, profile_file: Path) -> None:
    limited = FIRST_FAILURE.replace("metrics=(", "applies=lambda dataset: dataset.family == 'uav', metrics=(")
    profile_file.write_text(limited)
    assert profiles.find(f"{profile_file}:first_failure").name == "first-failure"
    assert "first-failure" not in profiles.fitting(squares, "one_pass")


def test_an_unknown_name_is_refused_with_similar_ones(profile_file: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'otb-matlab'"):
        profiles.find("otb-matlb")
    with pytest.raises(UnknownName, match="does not define 'first_failur'"):
        profiles.find(f"{profile_file}:first_failur")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("return [mean", "1 / 0\n    return [mean", r"profile first-failure fails with ZeroDivisionError"),
        (
            "FIRST_FAILURE, values",
            "Metric('other', ''), values",
            r"that it declares \(found other, expected first_",
        ),
        ("[mean_over_sequences(FIRST_FAILURE, values)]", "values.values()", "must return a list of Measure"),
    ],
)
def test_a_wrong_profile_is_reported_as_the_users(
    old: str, new: str, complaint: str, profile_file: Path, make: Any
) -> None:
    profile_file.write_text(FIRST_FAILURE.replace(old, new))
    dataset = make.dataset(make.sequence("one", [[1, 1, 5, 5]] * 3))
    runs = {"one": [make.one_pass("one", [[1, 1, 5, 5]] * 3)]}
    with pytest.raises(EvalkitError, match=complaint):
        profiles.score(f"{profile_file}:first_failure", dataset, "tracker", "one_pass", runs)


def test_it_refuses_results_of_the_wrong_length_as_the_others_do(profile_file: Path, make: Any) -> None:
    dataset = make.dataset(make.sequence("one", [[1, 1, 5, 5]] * 3))
    runs = {"one": [make.one_pass("one", [[1, 1, 5, 5]] * 2)]}
    with pytest.raises(ProfileNotApplicable, match="found one: 2 of 3 rows"):
        profiles.score(f"{profile_file}:first_failure", dataset, "tracker", "one_pass", runs)


def test_it_is_in_a_report(evalkit: Command, profile_file: Path, tmp_path: Path) -> None:
    for name in ("page.html", "page.md"):
        evalkit("report", "--profile", f"{profile_file}:first_failure", "--output", tmp_path / name)
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "First failure" in text
        assert "6.00" in text


@pytest.fixture
def many_squares() -> Iterator[Dataset]:
    """Enough sequences, registered as ``tiny``, for a verdict."""
    dataset = tiny_dataset(*(moving_square(f"square-{index}", 12 + index) for index in range(10)))
    with registry.dataset.temporarily(DatasetEntry("tiny", lambda: dataset, "ten moving squares")):
        yield dataset


def test_it_is_a_gate(
    profile_file: Path, many_squares: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker = tmp_path / "mine.py"
    tracker.write_text(STILL.format(jump=0))
    suite = tmp_path / "suite.toml"
    suite.write_text(
        "[gates]\nlatency = false\nexact = false\naccuracy = {first_failure = 0.5}\n"
        '[[tracker]]\nname = "mine.py:Still"\n'
        f'[[dataset]]\nname = "tiny"\nprofile = "{profile_file.name}:first_failure"\n'
    )

    def regress(*more: str) -> tuple[int, list[dict[str, Any]]]:
        results = str(tmp_path / "gate")
        with pytest.raises(SystemExit) as end:
            main(["regress", str(suite), "--results", results, "--format", "json", *more])
        return int(end.value.code or 0), json.loads(capsys.readouterr().out)["records"]

    regress("--update", "--reason", "first baseline")
    code, records = regress()
    (finding,) = (one for one in records if one["gate"] == "accuracy")
    assert (code, finding["verdict"], finding["dataset"]) == (0, "pass", many_squares.name)
    assert "first_failure" in json.dumps(finding)
    # The tracker loses its target in the second frame of both sequences now.
    for module in [name for name in sys.modules if name.startswith("evalkit_user_mine_")]:
        del sys.modules[module]
    tracker.write_text(STILL.format(jump=500))
    code, records = regress()
    (finding,) = (one for one in records if one["gate"] == "accuracy")
    assert (code, finding["verdict"]) == (1, "fail")
