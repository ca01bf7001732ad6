from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.io import savemat

from evalkit import api, registry
from evalkit.cli.import_ import import_command
from evalkit.errors import EvalkitError
from evalkit.results import layouts, run_record
from evalkit.results.importing import import_results, layout_for
from evalkit.results.store import Store
from evalkit.types import Annotation, Dataset, Sequence


def benchmark(layout: str = "otb", protocol: str = "one_pass") -> Dataset:
    sequences = tuple(Sequence(name, lambda: Annotation(np.ones((3, 4)))) for name in ("walk", "run"))
    return Dataset("tiny", "TINY", "1", 0, sequences, ("walk", "run"), (protocol,), ("pysot",), layout)


def test_plain_rows_are_imported_with_their_times(tmp_path: Path) -> None:
    source = tmp_path / "KCF"
    (source / "times").mkdir(parents=True)
    (source / "walk.txt").write_text("1\t2\t3\t4\n" * 3)
    (source / "times" / "walk_time.txt").write_text("0.1\n0.2\n0.3\n")
    imported = import_results(source, "got10k", benchmark(), tmp_path / "results")
    assert imported.folder == tmp_path / "results" / "TINY" / "KCF"
    assert (imported.sequences, imported.missing, imported.notes) == (("walk",), ("run",), ())
    (back,) = layouts.get("otb").read(imported.folder, benchmark().sequences[0], "one_pass")
    assert back.seconds.tolist() == [0.1, 0.2, 0.3]
    content = run_record.load(imported.folder)
    assert content is not None and content["identity"]["imported"] == {"layout": "got10k", "source": "KCF"}


def test_an_archive_with_an_enclosing_folder_is_imported(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "LightTrack.zip", "w") as archive:
        archive.writestr("LightTrack/baseline/walk/walk_001.txt", "1\n1,2,3,4\n2\n")
    imported = import_results(
        tmp_path / "LightTrack.zip", "pysot", benchmark("vot", "supervised"), tmp_path / "results"
    )
    assert imported.folder.name == "LightTrack"
    assert (imported.folder / "baseline" / "walk" / "walk_001.txt").read_text() == "1\n1,2,3,4\n2\n"


def test_a_further_protocol_is_imported_as_a_run_of_its_own(tmp_path: Path) -> None:
    source = tmp_path / "Mine"
    for experiment in ("baseline", "unsupervised"):
        (source / experiment / "walk").mkdir(parents=True)
        (source / experiment / "walk" / "walk_001.txt").write_text("1\n1,2,3,4\n1,2,3,4\n")
    dataset = replace(benchmark("vot"), protocols=("supervised", "unsupervised"))
    for protocol in dataset.protocols:
        import_results(source, "pysot", dataset, tmp_path / "results", protocol=protocol)
        record = Store(tmp_path / "results", dataset, "Mine", protocol).read_record()
        assert record is not None and record["identity"]["protocol"] == protocol
        with pytest.raises(EvalkitError, match="already holds results of this label"):
            import_results(source, "pysot", dataset, tmp_path / "results", protocol=protocol)


def test_the_label_chooses_a_tracker_of_a_folder_with_several(tmp_path: Path) -> None:
    for tracker, x in (("CSK", 1), ("TLD", 2)):
        savemat(tmp_path / f"walk_{tracker}.mat", {"result": [[x, 2, 3, 4]] * 3})
    imported = import_results(tmp_path, "otb-mat", benchmark(), tmp_path / "results", label="TLD")
    assert (imported.folder / "walk.txt").read_text() == "2,2,3,4\n" * 3


def test_another_number_of_rows_is_imported_and_reported(tmp_path: Path) -> None:
    (tmp_path / "KCF").mkdir()
    (tmp_path / "KCF" / "walk.txt").write_text("1,2,3,4\n" * 5)
    imported = import_results(tmp_path / "KCF", "plain", benchmark(), tmp_path / "results")
    assert imported.notes == ("walk: the result has 5 rows, the benchmark 3",)


def test_no_results_are_an_error_that_suggests_the_layout(tmp_path: Path) -> None:
    source = tmp_path / "dimp"
    (source / "dimp50_000").mkdir(parents=True)
    (source / "dimp50_001").mkdir()
    (source / "dimp50_000" / "walk.txt").write_text("1\t2\t3\t4\n" * 3)
    with pytest.raises(EvalkitError, match=r"no results of tiny in layout vot .*found dimp50_000.*--layout pytracking"):
        import_results(source, "vot", benchmark(), tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_existing_results_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "KCF").mkdir()
    (tmp_path / "KCF" / "walk.txt").write_text("1,2,3,4\n" * 3)
    import_results(tmp_path / "KCF", "plain", benchmark(), tmp_path / "results")
    with pytest.raises(EvalkitError, match="already holds results of this label"):
        import_results(tmp_path / "KCF", "plain", benchmark(), tmp_path / "results")


def test_a_damaged_file_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "KCF").mkdir()
    (tmp_path / "KCF" / "walk.txt").write_text("1,2,3,4\n" * 3)
    (tmp_path / "KCF" / "run.txt").write_text("1,2,3\n")
    with pytest.raises(EvalkitError, match=r"run.txt:1"):
        import_results(tmp_path / "KCF", "plain", benchmark(), tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_numbered_runs_with_a_folder_for_each_benchmark_are_repetitions(tmp_path: Path) -> None:
    for number in (0, 1):
        for folder, x in (("tiny", 1 + number), ("other", 9)):
            place = tmp_path / "baseline" / f"baseline_{number:03d}" / folder
            place.mkdir(parents=True)
            (place / "walk.txt").write_text(f"{x}\t2\t3\t4\n" * 3)
            (place / "walk_time.txt").write_text("0.1\n" * 3)
    imported = import_results(tmp_path / "baseline", "pytracking", benchmark(), tmp_path / "results")
    runs = layouts.get("otb").read(imported.folder, benchmark().sequences[0], "one_pass")
    assert [(one.repetition, one.boxes[0, 0], one.seconds[1]) for one in runs] == [(1, 1, 0.1), (2, 2, 0.1)]


def test_published_results_are_imported_from_the_command_line(data: Path, tmp_path: Path) -> None:
    arguments = [
        str(data / "results" / "VOT2018" / "LightTrack"), "--layout", "pysot", "--dataset", "vot2018",
        "--data", str(data / "annotations"), "--results", str(tmp_path),
    ]  # fmt: skip
    result = CliRunner().invoke(import_command, arguments, catch_exceptions=False)
    assert result.stdout == f"{tmp_path}/VOT2018/LightTrack: 60 of 60 sequences\n"
    vot = registry.dataset.find("vot2018").build(root=data / "annotations")
    for sequence in vot.sequences:
        (ours,) = layouts.get("vot").read(tmp_path / "VOT2018" / "LightTrack", sequence, "supervised")
        (theirs,) = layouts.get("vot").read(data / "results" / "VOT2018" / "LightTrack", sequence, "supervised")
        np.testing.assert_array_equal(ours.boxes, theirs.boxes)
        np.testing.assert_array_equal(ours.states, theirs.states)


def test_protocols_are_named_with_hyphens_as_everywhere(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    rows = "".join("1,2,3,4\n" * len(api.open_dataset("synthetic", None).sequence("scale")))
    (tmp_path / "theirs" / "scale.txt").write_text(rows)
    places = {"results": tmp_path / "results", "protocol": "one-pass"}
    api.import_results(tmp_path / "theirs", "plain", "synthetic", **places)  # type: ignore[arg-type]
    converted = api.convert("synthetic", "theirs", "otb-json", tmp_path / "out", **places)  # type: ignore[arg-type]
    assert converted.sequences == ("scale",)


def test_got10k_and_pysot_are_toolkits_whose_layout_depends_on_the_benchmark() -> None:
    meant = {
        (name, own): type(layout_for(name, benchmark(own))).__name__
        for name in ("got10k", "pysot")
        for own in ("otb", "got10k", "vot")
    }
    assert meant == {
        ("got10k", "otb"): "Plain", ("got10k", "got10k"): "Got10k", ("got10k", "vot"): "Vot",
        ("pysot", "otb"): "Plain", ("pysot", "got10k"): "Plain", ("pysot", "vot"): "Vot",
    }  # fmt: skip
