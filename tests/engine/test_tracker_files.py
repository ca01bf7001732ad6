"""An edited tracker is another run: it is refused with what changed, and its former results are never used."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from edited_trackers import Write, check_refused_and_replaced

from evalkit.api import run
from evalkit.engine.tracker_files import Files
from evalkit.errors import EvalkitError
from evalkit.registry.source_files import project_files
from evalkit.results import run_record


def test_the_trackers_file(tracker: Write, folder: Path) -> None:
    run(tracker(), "tiny", name="mine", sequences="a")
    check_refused_and_replaced(tracker(build="self.step = 5"), folder, r"mine\.py")


@pytest.mark.parametrize(
    ("module", "imports"),
    [
        ("helper.py", "from helper import STEP"),
        ("parts/net.py", "from parts.net import STEP"),
        ("parts/deep/net.py", "import parts.deep.net\nSTEP = parts.deep.net.STEP"),
        ("parts/net.py", "import importlib\nSTEP = importlib.import_module('parts.' + 'net').STEP"),
    ],
)
def test_a_module_beside_it(tracker: Write, folder: Path, module: str, imports: str) -> None:
    path = folder / module
    path.parent.mkdir(parents=True, exist_ok=True)
    for package in path.relative_to(folder).parents:
        if package != Path():
            (folder / package / "__init__.py").touch()
    path.write_text("STEP = 0\n")
    name = tracker(imports=imports, build="self.step = STEP")
    run(name, "tiny", name="mine", sequences="a")
    path.write_text("STEP = 5\n")
    check_refused_and_replaced(name, folder, module.replace(".", r"\."))


def test_a_module_that_is_imported_while_it_tracks(tracker: Write, folder: Path) -> None:
    (folder / "lazy.py").write_text("STEP = 0\n")
    name = tracker(start="import lazy; self.step = lazy.STEP")
    run(name, "tiny", name="mine", sequences="a")
    (folder / "lazy.py").write_text("STEP = 5\n")
    check_refused_and_replaced(name, folder, r"lazy\.py")


@pytest.mark.parametrize("place", ["build", "start"])
@pytest.mark.parametrize("file", ["weights.pth", "settings.yaml", "tables/steps.dat"])
def test_a_checkpoint_or_a_yaml_that_it_reads(tracker: Write, folder: Path, place: str, file: str) -> None:
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("0")
    read = f"self.step = float(pathlib.Path({str(folder)!r}, {file!r}).read_text())"
    name = tracker(**{"imports": "import pathlib", "build": "pass", place: read})
    run(name, "tiny", name="mine", sequences="a")
    path.write_text("5")
    check_refused_and_replaced(name, folder, path.relative_to(folder).as_posix().replace(".", r"\."))


def test_a_file_outside_of_its_folder(tracker: Write, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("elsewhere") / "weights.pth"
    path.write_text("0")
    name = tracker(imports="import pathlib", build=f"self.step = float(pathlib.Path({str(path)!r}).read_text())")
    run(name, "tiny", name="mine", sequences="a")
    path.write_text("5")
    check_refused_and_replaced(name, folder, r"weights\.pth")


def test_a_given_checkpoint(tracker: Write, folder: Path) -> None:
    path = folder / "given.weights"
    path.write_text("0")
    name = tracker(arguments=", weights", build="self.step = float(weights.read_text())")
    run(name, "tiny", name="mine", sequences="a", weights=path)
    path.write_text("5")
    check_refused_and_replaced(name, folder, r"given\.weights", weights=path)


def test_another_checkpoint_that_it_chooses_itself(tracker: Write, folder: Path) -> None:
    (folder / "1.pth").write_text("0")
    name = tracker(
        imports="from pathlib import Path",
        build=f"self.step = float(max(Path({str(folder)!r}).glob('*.pth')).read_text())",
    )
    run(name, "tiny", name="mine", sequences="a")
    (folder / "2.pth").write_text("5")
    with pytest.raises(EvalkitError, match=r"made with opened_weights=\['1.pth'\], this run has \['2.pth'\]"):
        run(name, "tiny", name="mine", sequences="a")


def test_what_a_tracker_writes_is_no_part_of_it(tracker: Write, folder: Path) -> None:
    log = folder / "log.txt"
    log.touch()
    note = f"log = pathlib.Path({str(log)!r}); log.write_text(log.read_text() + 'x')"
    name = tracker(imports="import pathlib", build=f"self.step = 0; {note}", start=note)
    for _ in range(2):
        run(name, "tiny", name="mine", sequences="a")
    assert log.read_text()


def test_settings(tracker: Write, folder: Path) -> None:
    name = tracker(arguments=", settings", build="self.step = float(settings['step'])")
    run(name, "tiny", name="mine", sequences="a", settings={"step": "0"})
    with pytest.raises(EvalkitError, match=r"made with settings\.step=0, this run has 5.*--name.*--force"):
        run(name, "tiny", name="mine", sequences="b", settings={"step": "5"})


def test_two_trackers_of_one_folder_are_independent(tracker: Write, folder: Path) -> None:
    one = tracker(imports="import helper")
    (folder / "helper.py").touch()
    other = folder / "other.py"
    other.write_text((folder / "mine.py").read_text().replace("import helper", ""))
    run(one, "tiny", name="mine", sequences="a")
    run(f"{other}:Mine", "tiny", name="other", sequences="a")
    (folder / "helper.py").write_text("CHANGED = True\n")
    run(f"{other}:Mine", "tiny", name="other", sequences=["a", "b"])
    with pytest.raises(EvalkitError, match=r"helper\.py changed"):
        run(one, "tiny", name="mine", sequences="a")


def test_results_of_an_earlier_evalkit_are_used_and_the_reader_is_told(tracker: Write, folder: Path) -> None:
    name = tracker()
    run(name, "tiny", name="mine", sequences="a")
    path = folder / "results" / "tiny" / "mine" / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    del record["identity"][run_record.FILES], record["identity"][run_record.OPENED_WEIGHTS]
    record["environments"][0].pop("tracker_code")
    path.write_text(json.dumps(record), encoding="utf-8")
    assert not [one for one in run(name, "tiny", name="mine", sequences="a").notices if "record" in one]
    record["environments"][0]["code"] = "that of an earlier evalkit"
    path.write_text(json.dumps(record), encoding="utf-8")
    report = run(name, "tiny", name="mine", sequences=["a", "b"])
    assert [one.status.value for one in report.outcomes] == ["kept", "done"]
    assert any("do not record the tracker's files" in notice for notice in report.notices)
    assert any("results of 2 versions of the tracker's or evalkit's code" in notice for notice in report.notices)
    check_edit_is_found = tracker(build="self.step = 5")
    with pytest.raises(EvalkitError, match=r"mine\.py changed"):
        run(check_edit_is_found, "tiny", name="mine", sequences="a")


def test_the_work_of_other_processes_records_what_they_read(tracker: Write, folder: Path, data: Path) -> None:
    (folder / "late.yaml").write_text("0")
    read = f"self.step = float(pathlib.Path({str(folder)!r}, 'late' + '.yaml').read_text())"
    name = tracker(imports="import pathlib", start=read, build="pass")
    run(name, "synthetic", name="mine", sequences=["scale", "blur"], jobs=2, results=folder / "results")
    record = json.loads((folder / "results" / "synthetic" / "mine" / "run.json").read_text(encoding="utf-8"))
    assert sorted(record["identity"]["files"]) == ["late.yaml", "mine.py"]
    (folder / "late.yaml").write_text("5")
    with pytest.raises(EvalkitError, match=r"late\.yaml changed"):
        run(name, "synthetic", name="mine", sequences=["scale"], results=folder / "results")


def test_files_of_one_name_outside_of_the_folder_are_all_compared(tmp_path: Path) -> None:
    paths = [tmp_path / place / "config.yaml" for place in ("one", "two")]
    for path in paths:
        path.parent.mkdir()
        path.write_text("0")
    home = tmp_path / "home"
    home.mkdir()
    before = Files(home, paths).hashes()
    assert list(before) == ["config.yaml"]
    paths[1].write_text("5")
    assert Files(home, paths).hashes() != before


def test_installed_modules_are_not_files_of_a_project(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import json, numpy, evalkit.types\nfrom . import other\nNAME = 'README.md'\n")
    (tmp_path / "other.py").write_text("import mine  # a circle\n")
    (tmp_path / "README.md").touch()
    assert project_files(tmp_path / "mine.py") == sorted([tmp_path / "mine.py", tmp_path / "other.py"])


def test_a_binary_program_is_a_file_of_its_own(tmp_path: Path) -> None:
    binary = tmp_path / "track"
    binary.write_bytes(b"\x7fELF\0" + os.urandom(64) + b" config.yaml ")
    (tmp_path / "config.yaml").touch()
    assert project_files(binary) == [binary]


def test_a_name_with_a_tilde_in_the_source_is_no_home_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("SUFFIX = '~old.yaml'\n")
    assert project_files(tmp_path / "mine.py") == [tmp_path / "mine.py"]
