"""OTB's types of results: the toolkit replaces invalid boxes of ``rect`` only, and the type travels with the result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evalkit import score_report
from evalkit.api import import_results
from evalkit.errors import ProfileNotApplicable
from evalkit.factories import open_dataset
from evalkit.stored import load_run

EXPECTED = {
    "Basketball": (0.118818, 0.426207),
    "Girl": (0.174571, 0.470000),
    "Gym": (0.095673, 0.612777),
}
"""AUC and precision of IVT by the toolkit's own ``calcSeqErrRobust.m`` under Octave."""


@pytest.mark.parity
@pytest.mark.parametrize("imported", [True, False])
def test_results_of_ivt_have_the_scores_of_the_toolkit(data: Path, tmp_path: Path, imported: bool) -> None:
    folder = tmp_path / ("source" if imported else "OTB100") / "IVT"
    folder.mkdir(parents=True)
    for path in (data / "results" / "OTB100_mat").glob("*_IVT.mat"):
        (folder / path.name).write_bytes(path.read_bytes())
    annotations = data / "annotations" / "OTB100"
    if imported:
        import_results(folder, "otb-mat", "otb100", data=annotations, results=tmp_path)
    report = score_report.scores("otb100", data=annotations, results=tmp_path, trackers="IVT", allow_partial=True)
    found = {score.metric: score.per_sequence for score in report.scores}
    for name, (auc, precision) in EXPECTED.items():
        assert found["auc"][name] == pytest.approx(auc, abs=1e-6)
        assert found["precision"][name] == pytest.approx(precision, abs=1e-6)
    assert "invalid boxes are not replaced: the toolkit does so for results of type rect only" in report.scores[0].notes


@pytest.mark.parametrize("imported", [True, False])
def test_a_short_file_of_the_toolkit_is_scored_and_its_missing_frames_are_misses(
    data: Path, tmp_path: Path, imported: bool
) -> None:
    folder = tmp_path / ("source" if imported else "OTB100") / "CFWLB"
    folder.mkdir(parents=True)
    path = data / "results" / "OTB100_mat" / "Gym_CFWLB.mat"
    (folder / path.name).write_bytes(path.read_bytes())
    annotations = data / "annotations" / "OTB100"
    if imported:
        import_results(folder, "otb-mat", "otb100", data=annotations, results=tmp_path)
    report = score_report.scores("otb100", data=annotations, results=tmp_path, trackers="CFWLB", sequences="Gym")
    run = load_run(tmp_path, open_dataset("otb100", annotations), "CFWLB")
    (trajectory,) = run.trajectories["Gym"]
    missing = len(run.dataset.sequence("Gym")) - len(trajectory)
    assert missing > 0
    assert f"rows missing at the end counted as misses: {missing} frames in 1 sequence" in report.scores[0].notes
    values = {score.metric: score.value for score in report.scores}
    truth = run.dataset.sequence("Gym").groundtruth[: len(trajectory)]
    near = np.hypot(*(trajectory.boxes[:, :2] + trajectory.boxes[:, 2:] / 2 - truth[:, :2] - truth[:, 2:] / 2).T) <= 20
    near[0] = True
    assert values["precision"] == pytest.approx(near.sum() / (len(trajectory) + missing), abs=0.01)


def test_a_short_text_file_is_refused(data: Path, tmp_path: Path) -> None:
    place = tmp_path / "OTB100" / "short"
    place.mkdir(parents=True)
    (place / "Gym.txt").write_text("1,2,3,4\n" * 700)
    with pytest.raises(ProfileNotApplicable, match="otb100/short: 1 result does not have as many rows"):
        score_report.scores("otb100", data=data / "annotations" / "OTB100", results=tmp_path, sequences="Gym")
