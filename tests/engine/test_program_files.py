"""An edited tracker that is a program, also one of a ``trackers.ini``, is another run."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest
from edited_trackers import Write, check_refused_and_replaced

from evalkit.api import run
from evalkit.engine.tracker_files import OpenedFiles, tracker_files
from evalkit.errors import EvalkitError

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
