"""Results and data that people often mistake for others: the message names what was found and what to do."""

from __future__ import annotations

import shutil
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


@pytest.mark.parametrize(
    ("given", "found", "example"),
    [
        ("tracking_results/ostrack", "vitb_256, vitb_384", "tracking_results/ostrack/vitb_256"),
        ("tracking_results", "ostrack/vitb_256, ostrack/vitb_384", "tracking_results/ostrack/vitb_256"),
    ],
)
@pytest.mark.parametrize("inside", ["", "otb"])
@pytest.mark.parametrize("archive", [False, True])
def test_a_folder_above_those_of_parameters_names_them(
    data: Path, tmp_path: Path, given: str, found: str, example: str, inside: str, archive: bool
) -> None:
    for parameters in ("vitb_256", "vitb_384"):
        folder = tmp_path / "tracking_results" / "ostrack" / parameters / inside
        folder.mkdir(parents=True)
        (folder / "Couple.txt").write_text("51\t41\t25\t62\n" * 140)
    (tmp_path / "tracking_results" / "readme.txt").touch()
    given_to = {"dataset": "otb100", "data": data / "datasets" / "OTB", "results": tmp_path / "results"}
    source = tmp_path / given
    if archive:
        source = Path(shutil.make_archive(str(tmp_path / "results"), "zip", source))
        hint = "Unpack the archive first"
    else:
        hint = rf"Import them one by one, e\.g\. .*{example}$"
    message = rf"in folders below this one, one for each tracker or parameter set \(found {found},.*{hint}"
    with pytest.raises(MissingResults, match=message):
        import_results(source, "pytracking", **given_to)
    assert import_results(tmp_path / example, "pytracking", **given_to).sequences == ("Couple",)
