"""An edited tracker is another run: it is refused with what changed, and its former results are never used."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evalkit import registry
from evalkit.api import run
from evalkit.engine.tracker_files import Files, OpenedFiles, tracker_files
from evalkit.errors import EvalkitError
from evalkit.registry.source_files import project_files
from evalkit.results import run_record
from evalkit.types import Dataset

TRACKER = """
    from evalkit.types import Box, Prediction
    {imports}

    class Mine:
        def __init__(self{arguments}):
            {build}

        def initialize(self, image, region):
            {start}
            self.box = region

        def update(self, image):
            self.box = Box(self.box.x + self.step, self.box.y, self.box.width, self.box.height)
            return Prediction(self.box)
"""

PROGRAM = """
    import json, sys
    {imports}
    STEP = {step}
    box = None
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if "height" in request:
            sys.stdin.buffer.read(request["height"] * request["width"] * 3)
        answer = {hello} if request["do"] == "hello" else {{}}
        if request["do"] == "initialize":
            box = request["box"]
        if request["do"] == "update":
            box[0] += STEP
            answer = {{"box": box}}
        print(json.dumps(answer), flush=True)
"""

Write = Callable[..., str]


@pytest.fixture(autouse=True)
def _without_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python takes a module that was edited within a second, to the same size, from its cache."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")


@pytest.fixture
def folder(tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)) or name == "parts":
            del sys.modules[name]


@pytest.fixture
def tracker(folder: Path) -> Write:
    """Writes a tracker into ``mine.py`` and returns its name."""

    def write(*, imports: str = "", build: str = "self.step = 0", start: str = "pass", arguments: str = "") -> str:
        source = textwrap.dedent(TRACKER).format(imports=imports, build=build, start=start, arguments=arguments)
        (folder / "mine.py").write_text(source)
        return f"{folder / 'mine.py'}:Mine"

    return write


@pytest.fixture
def program(folder: Path) -> Write:
    """Writes a tracker as a program into ``mine.py`` and returns its name."""

    def write(*, imports: str = "", step: str = "0", hello: str = "{}") -> str:
        source = textwrap.dedent(PROGRAM).format(imports=imports, step=step, hello=hello)
        (folder / "mine.py").write_text(source)
        return f"program:{sys.executable} {folder / 'mine.py'}"

    return write


def first_x(folder: Path, sequence: str = "a") -> float:
    """The x coordinate of the last stored box."""
    text = (folder / "results" / "tiny" / "mine" / f"{sequence}.txt").read_text(encoding="utf-8")
    return float(text.splitlines()[-1].replace("\t", ",").split(",")[0])


def check_refused_and_replaced(name: str, folder: Path, changed: str, **options: object) -> None:
    """Check that the edited tracker is refused, with nothing changed, and that --force gives its own results."""
    before = first_x(folder)
    for sequences in (["a"], ["a", "b"]):
        with pytest.raises(EvalkitError, match=rf"{changed} changed after these results were made.*--name.*--force"):
            run(name, "tiny", name="mine", sequences=sequences, **options)  # type: ignore[arg-type]
    assert first_x(folder) == before
    assert not (folder / "results" / "tiny" / "mine" / "b.txt").exists()
    run(name, "tiny", name="mine", sequences=["a"], force=True, **options)  # type: ignore[arg-type]
    assert first_x(folder) != before


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


def test_the_script_of_a_program_and_what_it_imports_and_reads(program: Write, folder: Path) -> None:
    run(program(), "tiny", name="mine", sequences="a")
    check_refused_and_replaced(program(step="5"), folder, r"mine\.py")
    (folder / "helper.py").write_text("HALF = 1\n")
    name = program(imports="from helper import HALF", step="float(open('weights.pth').read()) + HALF")
    (folder / "weights.pth").write_text("7")
    run(name, "tiny", name="mine", sequences="a", force=True)
    (folder / "helper.py").write_text("HALF = 2\n")
    check_refused_and_replaced(name, folder, r"helper\.py")
    (folder / "weights.pth").write_text("8")
    check_refused_and_replaced(name, folder, r"weights\.pth")


def test_files_that_a_program_is_given_or_lists(program: Write, folder: Path) -> None:
    for file in ("given.yaml", "listed.data"):
        (folder / file).write_text("0")
    step = "float(open(sys.argv[1].partition('=')[2]).read()) + float(open('listed' + '.data').read())"
    name = program(step=step, hello="{'files': ['listed' + '.data']}") + f" --config={folder / 'given.yaml'}"
    run(name, "tiny", name="mine", sequences="a")
    (folder / "given.yaml").write_text("5")
    check_refused_and_replaced(name, folder, r"given\.yaml")
    (folder / "listed.data").write_text("7")
    check_refused_and_replaced(name, folder, r"listed\.data")


def test_what_a_shell_script_of_a_program_starts(program: Write, folder: Path) -> None:
    program()
    script = folder / "run.sh"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} mine.py\n")
    script.chmod(0o755)
    run("program:./run.sh", "tiny", name="mine", sequences="a")
    program(step="5")
    check_refused_and_replaced("program:./run.sh", folder, r"mine\.py")


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


TRAX = """
    import sys
    {imports}
    STEP = {step}
    print('@@TRAX:hello "trax.version=3" "trax.region=rectangle;" "trax.image=path;" "trax.name=mine"', flush=True)
    box = None
    for line in sys.stdin:
        words = line.strip().removeprefix("@@TRAX:").split('"')
        if line.startswith("@@TRAX:initialize"):
            box = [float(value) for value in words[3].split(",")]
        elif line.startswith("@@TRAX:frame"):
            box[0] += STEP
        else:
            break
        print('@@TRAX:state "%s"' % ",".join(map(str, box)), flush=True)
"""


@pytest.fixture
def ini(folder: Path) -> Write:
    """Writes a program into ``code/mine.py`` and its entry into ``trackers.ini``, and returns the tracker's name."""

    def write(entry: str = "", *, imports: str = "", step: str = "0", command: str = "mine", other: str = "") -> str:
        (folder / "code").mkdir(exist_ok=True)
        (folder / "code" / "mine.py").write_text(textwrap.dedent(TRAX).format(imports=imports, step=step))
        text = (
            f"[Mine]\nprotocol = traxpython\ncommand = {command}\npaths = code\n{entry}\n[Other]\ncommand = {other}\n"
        )
        (folder / "trackers.ini").write_text(text)
        return f"{folder / 'trackers.ini'}:Mine"

    return write


@pytest.mark.parametrize("command", ["mine", "import mine", "program"])
def test_the_script_of_a_trackers_ini_and_what_it_imports(ini: Write, folder: Path, command: str) -> None:
    entry = ""
    if command == "program":
        command, entry = "x", f"\n[Mine2]\nprotocol = trax\ncommand = {sys.executable} code/mine.py"
    ini(entry, command=command)
    name = f"{folder / 'trackers.ini'}:{'Mine2' if entry else 'Mine'}"
    run(name, "tiny", name="mine", sequences="a")
    ini(entry, step="5", command=command)
    check_refused_and_replaced(name, folder, r"mine\.py")
    (folder / "code" / "helper.py").write_text("STEP = 5\n")
    ini(entry, imports="import helper", step="helper.STEP", command=command)
    run(name, "tiny", name="mine", sequences="a", force=True)
    (folder / "code" / "helper.py").write_text("STEP = 7\n")
    check_refused_and_replaced(name, folder, r"helper\.py")


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("arg_step = 0", "arg_step = 5", r"card\.settings\.step=0, this run has 5"),
        ("env_step = 0", "env_step = 5", r"card\.environment\.STEP=0, this run has 5"),
    ],
)
def test_an_edited_entry_of_a_trackers_ini(ini: Write, folder: Path, before: str, after: str, changed: str) -> None:
    run(ini(before), "tiny", name="mine", sequences="a")
    run(ini(before, other="added"), "tiny", name="mine", sequences="a")  # the entry of another tracker
    with pytest.raises(EvalkitError, match=rf"made with {changed}.*--name.*--force"):
        run(ini(after), "tiny", name="mine", sequences="b")


def test_another_command_of_a_trackers_ini(ini: Write, folder: Path) -> None:
    run(ini(), "tiny", name="mine", sequences="a")
    name = ini(command="import mine")
    with pytest.raises(EvalkitError, match=r"made with card\.program=.*-m mine, this run has .*import mine.*--force"):
        run(name, "tiny", name="mine", sequences="b")


def test_a_module_that_a_program_is_started_with(program: Write, folder: Path) -> None:
    program()
    name = f"program:{sys.executable} -m mine"
    run(name, "tiny", name="mine", sequences="a")
    program(step="5")
    check_refused_and_replaced(name, folder, r"mine\.py")


def test_functions_of_matlab_that_a_trackers_ini_adds(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "run_ncc.m").write_text("% tracks")
    ini = tmp_path / "trackers.ini"
    ini.write_text("[M]\nprotocol = traxoctave\ncommand = run_ncc\npaths = m\n")
    found = tracker_files(f"{ini}:M", OpenedFiles())
    assert [path.name for path in found.paths] == ["run_ncc.m"]


def test_a_name_with_a_tilde_in_the_source_is_no_home_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("SUFFIX = '~old.yaml'\n")
    assert project_files(tmp_path / "mine.py") == [tmp_path / "mine.py"]


PROTOCOL = """
    from evalkit import registry
    from evalkit.geometry import shifted
    from evalkit.protocols.session import Session, starting_region

    @registry.protocol("late", summary="one pass from a shifted box", scored_as="one_pass")
    def run_late(tracker, sequence, *, origin, name):
        session = Session(tracker, sequence, origin=origin, name=name)
        for index, image in session.frames():
            if index == 0:
                session.initialize(index, image, shifted(starting_region(sequence, 0), {step}, 0))
            else:
                session.update(index, image)
        return [session.trajectory("one_pass", boxes_only=True)]
"""


@pytest.mark.parametrize("kind", ["identity", "own"])
def test_a_protocol_of_the_users_own(tracker: Write, folder: Path, kind: str) -> None:
    path = folder / "late.py"
    name = "identity" if kind == "identity" else tracker()
    options = {"name": "mine", "protocol": f"{path}:run_late"}
    with registry.protocol.temporarily():
        path.write_text(textwrap.dedent(PROTOCOL).format(step=3))
        run(name, "tiny", sequences="a", **options)
        run(name, "tiny", sequences=["a"], **options)
        path.write_text(textwrap.dedent(PROTOCOL).format(step=4))
        with pytest.raises(EvalkitError, match=r"late\.py changed after these results were made.*--name.*--force"):
            run(name, "tiny", sequences=["a", "b"], **options)
        run(name, "tiny", sequences=["a", "b"], force=True, **options)


RUNTIME = """
    from evalkit import registry

    @registry.runtime("mirror", summary="a runtime of the user's own")
    class Mirror:
        step = {step}
"""


@pytest.mark.parametrize("kind", ["builtin", "own"])
def test_a_runtime_of_the_users_own(tracker: Write, folder: Path, kind: str, monkeypatch) -> None:
    path = folder / "mirror.py"
    path.write_text(textwrap.dedent(RUNTIME).format(step=0))
    tracker(arguments=", runtime", build="self.step = 0")
    if kind == "builtin":  # a tracker of evalkit's that takes a runtime
        monkeypatch.setattr("evalkit.engine.work.is_own_code", lambda name: False)
        monkeypatch.setattr("evalkit.engine.tracker_files.is_own_code", lambda name: False)
    execution = {"runtime": f"{path}:Mirror"}
    name = f"{folder / 'mine.py'}:Mine"
    with registry.runtime.temporarily():
        run(name, "tiny", name="mine", sequences="a", **execution)
        run(name, "tiny", name="mine", sequences="a", **execution)
        path.write_text(textwrap.dedent(RUNTIME).format(step=1))
        with pytest.raises(EvalkitError, match=r"mirror\.py changed after these results were made.*--name.*--force"):
            run(name, "tiny", name="mine", sequences=["a", "b"], **execution)
