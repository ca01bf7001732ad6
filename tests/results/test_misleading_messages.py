"""Results and data that people often mistake for others: the message names what was found and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.api import import_results, scores
from evalkit.errors import EvalkitError, MissingResults
from evalkit.factories import open_dataset


@pytest.mark.parametrize("layout", ["pytracking", "pysot", "vot", "plain"])
def test_one_pass_results_of_vot_are_called_so_and_imported_as_unsupervised(
    data: Path, tmp_path: Path, layout: str
) -> None:
    source = data / "field" / "02-onepass-files-of-vot" / "onepass" / "dimp50_000"
    annotations = data / "annotations" / "VOT2018.json"
    with pytest.raises(MissingResults, match=r"one-pass results.*--protocol unsupervised.*EAO.*--protocol supervised"):
        import_results(source, layout, "vot2018", data=annotations, results=tmp_path)
    import_results(source, layout, "vot2018", data=annotations, results=tmp_path, protocol="unsupervised")
    found = scores("vot2018", data=annotations, results=tmp_path, protocol="unsupervised", allow_partial=True)
    assert {(score.metric, score.sequences) for score in found.scores} == {("ao", 3)}


def test_archives_of_windows_are_read(data: Path, tmp_path: Path) -> None:
    archive = data / "field" / "15-messages" / "backslash_import.zip"
    found = import_results(archive, "plain", "otb100", data=data / "datasets" / "OTB", results=tmp_path)
    assert found.sequences == ("Couple",)


def test_corners_are_asked_about(data: Path, tmp_path: Path) -> None:
    case = data / "field" / "15-messages"
    corners = import_results(case / "xyxy", "plain", "otb100", data=data / "datasets" / "OTB", results=tmp_path)
    assert corners.notes[0].startswith("Couple: the first box is 79 x 107, the given one 25 x 62: are these corners")
    boxes = import_results(
        case / "backslash_import.zip", "plain", "otb100", data=data / "datasets" / "OTB", results=tmp_path, label="b"
    )
    assert not boxes.notes


@pytest.mark.parametrize("name", ["groundtruth_rect.txt", "Groundtruth.txt", "gt.txt"])
def test_an_annotation_of_another_name_is_found(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("1,2,3,4\n")
    with pytest.raises(EvalkitError, match=rf"found {name}.*Rename {name} to groundtruth\.txt"):
        open_dataset("folder", tmp_path)
