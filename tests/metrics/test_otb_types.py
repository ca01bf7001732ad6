"""OTB's types of results: the toolkit replaces invalid boxes of ``rect`` only, and the type travels with the result."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit import scoring
from evalkit.api import import_results

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
    report = scoring.scores("otb100", data=annotations, results=tmp_path, trackers="IVT", allow_partial=True)
    found = {score.metric: score.per_sequence for score in report.scores}
    for name, (auc, precision) in EXPECTED.items():
        assert found["auc"][name] == pytest.approx(auc, abs=1e-6)
        assert found["precision"][name] == pytest.approx(precision, abs=1e-6)
    assert "invalid boxes are not replaced: the toolkit does so for results of type rect only" in report.scores[0].notes
