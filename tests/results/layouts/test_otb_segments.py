"""Several segments in a file of OTB's toolkit: repetitions are imported, other protocols are refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from evalkit import score_report
from evalkit.api import import_results
from evalkit.errors import DamagedResults
from evalkit.factories import open_dataset

FIRST = [51.0, 47.0, 25.0, 62.0]


def write(folder: Path, *segments: Any, **fields: Any) -> Path:
    folder.mkdir(exist_ok=True)
    cell = np.empty((1, len(segments)), dtype=object)
    for index, res in enumerate(segments):
        starts = fields.get("starts", [1] * len(segments))
        cell[0, index] = {"res": res, "type": "rect", "len": len(res), "startFrame": starts[index]}
    savemat(folder / "Couple_TrackA.mat", {"results": cell})
    return folder


def boxes(rows: int = 140, first: Any = FIRST, step: float = 0.0) -> np.ndarray:
    return np.array(first) + np.arange(rows)[:, None] * [step, 0, 0, 0]


def read(folder: Path, data: Path) -> list[Any]:
    dataset = open_dataset("otb100", data / "annotations" / "OTB100")
    from evalkit.results import layouts

    return layouts.get("otb-mat", tracker="TrackA").read(folder, dataset.sequence("Couple"), "one_pass")


def test_full_segments_from_the_groundtruth_are_repetitions(data: Path, tmp_path: Path) -> None:
    found = read(write(tmp_path / "TrackA", boxes(), boxes(step=1), boxes(step=2)), data)
    assert [one.repetition for one in found] == [1, 2, 3]
    assert [one.boxes[1, 0] for one in found] == [51, 52, 53]


def test_a_mat_file_of_five_segments_is_five_runs(data: Path, tmp_path: Path) -> None:
    options = {"data": data / "annotations" / "OTB100"}
    write(tmp_path / "TrackA", *(boxes(step=0.1 * number) for number in range(5)))
    import_results(tmp_path / "TrackA", "otb-mat", "otb100", results=tmp_path / "results", **options)
    scores = score_report.scores("otb100", results=tmp_path / "results", allow_partial=True, **options).scores
    (auc,) = [score for score in scores if (score.metric, score.profile) == ("auc", "otb-matlab")]
    assert auc.repetitions == 5
    assert 0 < (auc.repetition_deviation or 0) < (auc.value or 0)


def test_an_array_of_runs_is_imported_as_repetitions_like_five_folders(data: Path, tmp_path: Path) -> None:
    case = data / "field" / "10-otb-mat-several-runs"
    options = {"data": data / "datasets" / "OTB"}
    import_results(case / "mat5" / "TrackA", "otb-mat", "otb100", results=tmp_path / "one", **options)
    import_results(case / "mat5t" / "TrackA", "pytracking", "otb100", results=tmp_path / "two", **options)
    first, second = (
        {
            score.metric: score.value
            for score in score_report.scores("otb100", results=tmp_path / place, allow_partial=True, **options).scores
        }
        for place in ("one", "two")
    )  # fmt: skip
    assert first == pytest.approx(second)
    assert (round(first["auc"] or 0, 3), round(first["sr75"] or 0, 3)) == (0.746, 0.577)


def test_shifted_or_scaled_first_boxes_are_sre(data: Path, tmp_path: Path) -> None:
    shifted = [boxes(first=[53.5, 47, 25, 62]), boxes(first=[51, 53.2, 25, 62]), boxes(first=[53.5, 53.2, 20, 49.6])]
    with pytest.raises(DamagedResults, match=r"spatial robustness evaluation \(SRE\)"):
        read(write(tmp_path / "TrackA", *shifted), data)


def test_later_starts_are_tre(data: Path, tmp_path: Path) -> None:
    later = [boxes(), boxes(133), boxes(126)]
    with pytest.raises(DamagedResults, match=r"temporal robustness evaluation \(TRE\)"):
        read(write(tmp_path / "TrackA", *later, starts=[1, 8, 15]), data)
