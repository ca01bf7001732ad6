"""TraX with the real library on the tracker's side, and the folder protocol of the VOT toolkit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from scripted_tracker import still

from evalkit import factories, protocols
from evalkit.errors import EvalkitError, UnknownName
from evalkit.io.regions import parse_line
from evalkit.protocols.session import Session, TrackerError
from evalkit.trackers._program.image_files import ImageFiles
from evalkit.trackers._program.trax_messages import Message, decode_region, encode_region, parse_message
from evalkit.types import Annotation, Box, FrameContext, Image, Mask, Polygon, Trajectory
from evalkit.types import Sequence as Video

PROGRAM = Path(__file__).with_name("trax_program.py")


def program(*options: str) -> str:
    return f"program:{sys.executable} {PROGRAM} {' '.join(options)}"


def track(name: str, video: Video | None = None, **settings: str) -> Trajectory:
    video = video or still(6)
    session = Session(factories.create_tracker(name, settings=settings), video, origin=0, name="t")
    for index, image in session.frames():
        if index == 0:
            session.initialize(0, image, video.region(0))
        else:
            session.update(index, image)
    return session.trajectory("one_pass")


def expected(length: int = 6) -> list[list[float]]:
    return [[10.0 + step, 10, 20, 20] for step in range(length)]


@pytest.mark.parametrize("version", [1, 2, 3, 4])
@pytest.mark.parametrize("region", ["rectangle", "polygon"])
def test_each_version_of_the_real_library_tracks(version: int, region: str):
    trajectory = track(program(f"version={version}", f"region={region}"))
    assert trajectory.boxes.tolist() == expected()


@pytest.mark.parametrize("version", [3, 4])
def test_a_tracker_of_masks_gets_and_gives_masks(version: int):
    trajectory = track(program(f"version={version}", "region=mask"))
    assert trajectory.boxes.tolist() == expected()
    assert isinstance(trajectory.region(3), Mask)
    assert isinstance(track(program("region=polygon")).region(3), Polygon)


@pytest.mark.parametrize("image", ["path", "memory", "buffer"])
def test_the_tracker_reads_the_pixels_in_every_image_format(image: str):
    trajectory = track(program(f"image={image}"))
    assert trajectory.confidence[1:].tolist() == [0.01, 0.02, 0.03, 0.04, 0.05]  # the frames hold their number


def test_text_before_the_greeting_does_not_matter():
    assert track(program("print")).boxes.tolist() == expected()


class Files:
    """Frames that are files, whose pixels differ from those that Python hands over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for number in range(6):
            cv2.imwrite(str(self.path(number)), np.full((60, 80, 3), 50 + number, np.uint8))

    def __len__(self) -> int:
        return 6

    def path(self, index: int) -> Path:
        return self.folder / f"{index}.png"

    def __getitem__(self, index: int, /) -> Image:
        return np.zeros((60, 80, 3), np.uint8)


def of_files(folder: Path) -> Video:
    annotation = Annotation(np.tile([10.0, 10, 20, 20], (6, 1)))
    return Video("files", lambda: annotation, Files(folder))


def test_the_benchmark_s_own_files_are_given_where_there_are_some(tmp_path: Path):
    assert track(program(), of_files(tmp_path)).confidence[1:].tolist() == [0.51, 0.52, 0.53, 0.54, 0.55]


@pytest.mark.parametrize("options", [(), ("vot",)])
@pytest.mark.parametrize("version", [3, 4])
def test_a_second_initialisation_works_with_plain_trackers_and_with_the_vot_wrapper(options, version):
    tracker = factories.create_tracker(program(f"version={version}", *options))
    for _ in range(3):
        tracker.initialize(np.zeros((60, 80, 3), np.uint8), Box(10, 10, 20, 20))
        assert tracker.update(np.zeros((60, 80, 3), np.uint8)).region == Box(11, 10, 20, 20)


def test_supervised_runs_equal_those_of_the_same_tracker_in_python():
    class Mover:
        def initialize(self, image, region):
            self.box = region

        def update(self, image):
            from evalkit.types import Prediction

            self.box = Box(self.box.x + 1, self.box.y, self.box.width, self.box.height)
            return Prediction(self.box, float(image[0, 0, 0]) / 100)

    video = still(60)
    dataset = type("Dataset", (), {"origin": 0, "vot": factories.open_dataset("synthetic", None).vot})()
    runs = [
        protocols.run("supervised", tracker, video, dataset, name="t", repetition=1, seed=0)
        for tracker in (Mover(), factories.create_tracker(program("vot")))
    ]
    assert runs[0][0].states.tolist() == runs[1][0].states.tolist()
    assert 2 in runs[0][0].states  # it lost the target, and was started again
    np.testing.assert_allclose(runs[0][0].boxes, runs[1][0].boxes)


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ("killed", "killed by SIGKILL"),
        ("silent", "did not send a state within 1 s"),
        ("late", "did not send a state within 1 s and was ended"),
        ("garbage", "not a state with one region"),
        ("quit", "quit instead of sending a state.*out of memory"),
    ],
)
def test_a_tracker_that_fails_in_the_middle_ends_in_words_that_name_the_frame(fault: str, complaint: str):
    with pytest.raises(TrackerError, match=f"still, frame 4: .*({complaint})"):
        track(program(f"fault={fault}"), timeout="1" if fault in ("silent", "late") else "60")


@pytest.mark.parametrize("version", [3, 4])
def test_a_late_answer_is_not_taken_for_that_of_a_later_frame(version: int):
    tracker = factories.create_tracker(program(f"version={version}", "fault=late"), settings={"timeout": "1"})
    image = np.zeros((60, 80, 3), np.uint8)
    tracker.initialize(image, Box(10, 10, 20, 20))
    assert [tracker.update(image).region.x for _ in range(2)] == [11, 12]
    with pytest.raises(EvalkitError, match="did not send a state within 1 s"):
        tracker.update(image)
    time.sleep(1)  # by now the answer would have come
    tracker.initialize(image, Box(40, 10, 20, 20))
    assert [tracker.update(image).region.x for _ in range(2)] == [41, 42]


def test_a_run_goes_on_with_the_next_sequence_after_a_late_answer(tmp_path: Path):
    late = program("fault=late")
    arguments = ["run", "--tracker", late, "--name", "late", "--set", "timeout=1", "--sequences", "scale,blur"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    answer = subprocess.run(
        [sys.executable, "-m", "evalkit", *arguments, "--results", str(tmp_path)], env=environment, text=True,
        capture_output=True,
    )  # fmt: skip
    assert answer.returncode == 1
    for name in ("scale", "blur"):
        assert re.search(f"{name}, frame 4: .*did not send a state within 1 s", answer.stderr), answer.stderr


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("import time; time.sleep(60)", "no answer to hello within 0.5 s"),
        ("print('no tracker'); raise SystemExit(3)", "exit code 3; its output: no tracker"),
        ("print('@@TRAX:hello \"trax.version=9\"'); input()", "another version of TraX.*9"),
        ("print('@@TRAX:hello \"trax.version=x\"'); input()", "not a valid hello"),
        ("print('@@TRAX:hello \"trax.channels=color,depth\"'); input()", "other channels.*depth"),
        ("print('@@TRAX:hello \"trax.image=url\"'); input()", "no image format.*url"),
        ("print('@@TRAX:frame'); input()", "not a valid hello"),
        ("import sys; sys.stdout.buffer.write(bytes(range(256)) * 9 + b'\\n')", "exit code 0"),
    ],
)
def test_a_program_that_does_not_greet_ends_in_words(tmp_path: Path, text: str, complaint: str):
    (tmp_path / "program.py").write_text(text)
    with pytest.raises(EvalkitError, match=complaint):
        factories.create_tracker(
            f"program:{sys.executable} -u {tmp_path / 'program.py'}",
            settings={"timeout": "0.5"} if "sleep" in text else {},
        )


def test_the_children_of_a_tracker_end_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    tracker = factories.create_tracker(program("child"))
    child = int((tmp_path / "child.txt").read_text())
    os.kill(child, 0)  # it lives
    tracker._process.close()
    limit = time.monotonic() + 10
    while is_running(child):
        assert time.monotonic() < limit
        time.sleep(0.05)


def is_running(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def test_a_timeout_must_be_a_number():
    with pytest.raises(EvalkitError, match="not a number of seconds"):
        factories.create_tracker(program(), settings={"timeout": "soon"})
    with pytest.raises(EvalkitError, match="unknown protocol of a program"):
        factories.create_tracker(program(), settings={"protocol": "http"})


def write_ini(folder: Path, text: str) -> Path:
    path = folder / "trackers.ini"
    path.write_text(text)
    return path


def test_trackers_of_a_trackers_ini_run(tmp_path: Path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "mover.py").write_text(PROGRAM.read_text())
    path = write_ini(
        tmp_path,
        f"[Module]\nlabel = Mover\nprotocol = traxpython\ncommand = mover\npaths = code\nenv_x = 1\n"
        f"[Code]\nprotocol = traxpython\ncommand = import mover\npaths = code\n"
        f"[Program]\nprotocol = trax\ncommand = {sys.executable} code/mover.py\narg_mode = fast\n",
    )
    for name in ("Module", "Code", "Program"):
        assert track(f"{path}:{name}").boxes.tolist() == expected()


def test_a_trackers_ini_in_the_current_folder_needs_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_ini(tmp_path, f"[Mover]\nprotocol = trax\ncommand = {sys.executable} {PROGRAM}\n")
    monkeypatch.chdir(tmp_path)
    assert track("trackers.ini:Mover").boxes.tolist() == expected()


@pytest.mark.parametrize(
    ("text", "name", "complaint"),
    [
        ("[A]\ncommand = x\n", "B", "no tracker is named 'B'.*found A"),
        ("[A]\nprotocol = trax\n", "A", "no command"),
        ("[A]\nprotocol = tcp\ncommand = x\n", "A", "unknown protocol.*found tcp.*traxpython"),
        ("[A]\nprotocol = trax\ncommand = x\ntimeout = soon\n", "A", "not a number of seconds"),
        ("no section", "A", "cannot be read"),
        ("[A]\nprotocol = trax\ncommand = /no/such/program\n", "A", "cannot be started"),
    ],
)
def test_a_wrong_trackers_ini_is_an_error_that_names_the_file(tmp_path: Path, text: str, name: str, complaint: str):
    path = write_ini(tmp_path, text)
    with pytest.raises(EvalkitError, match=complaint):
        factories.create_tracker(f"{path}:{name}")


def test_matlab_and_octave_trackers_get_the_toolkit_s_command_line(tmp_path: Path):
    from evalkit.trackers._program.ini import read_entry

    path = write_ini(tmp_path, "[M]\nprotocol = traxmatlab\ncommand = run_ncc\npaths = m\nmatlab = /opt/matlab\n")
    words = read_entry(path, "M").command.words
    assert words[0] == "/opt/matlab"
    assert f"addpath('{tmp_path / 'm'}');run_ncc;" in words[-1]
    path = write_ini(tmp_path, "[O]\nprotocol = traxoctave\ncommand = run_ncc\n")
    assert read_entry(path, "O").command.words[:2] == ("octave", "--no-gui")


FOLDER = """
import os, sys
assert os.environ["VOT_USE_TRAX"] == "0"
frames = open("frames_color.txt").read().splitlines()
assert all(os.path.isfile(frame) for frame in frames)
offset, region, *named = open("query_obj0.txt").read().splitlines()
assert offset == "0"
x, *rest = map(float, region.split(","))
rows = [",".join(map(str, [x + step, *rest])) for step in range(len(frames))]
rows[2] = "0"
FAULT
open("output_obj0.txt", "w").write("\\n".join(rows) + "\\n")
open("output_obj0_confidence.txt", "w").write("\\n".join(str(step / 10) for step in range(len(frames))))
"""


@pytest.mark.parametrize("files", [True, False])
def test_the_folder_protocol_gives_all_answers_of_a_sequence(tmp_path: Path, files: bool, monkeypatch):
    (tmp_path / "program.py").write_text(FOLDER.replace("FAULT", ""))
    monkeypatch.chdir(tmp_path)  # the program is named relative to the current folder, and runs in another one
    video = of_files(tmp_path) if files else still(6)
    trajectory = track(f"program:{sys.executable} program.py", video, protocol="folder")
    assert trajectory.region(2) is None
    assert trajectory.boxes[[0, 1, 3, 4, 5]].tolist() == [expected()[index] for index in (0, 1, 3, 4, 5)]
    assert trajectory.confidence[1:].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_the_folder_protocol_reads_and_writes_no_frame_inside_the_clock(tmp_path: Path, monkeypatch):
    (tmp_path / "program.py").write_text(FOLDER.replace("FAULT", ""))
    name, video = f"program:{sys.executable} {tmp_path / 'program.py'}", still(6)
    tracker, image = factories.create_tracker(name, settings={"protocol": "folder"}), video.frames[0]
    tracker.before_frame(FrameContext(video, range(6), 0, image, video.region(0)))
    monkeypatch.setattr(type(video.frames), "__getitem__", None)
    monkeypatch.setattr(ImageFiles, "write", None)
    tracker.initialize(image, video.region(0))
    assert tracker.update(image).confidence == 0.1


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ("rows.pop()", "not one row per frame.*5 rows, 6 frames"),
        ("sys.exit(4)", "failed with exit code 4"),
        ("sys.exit()", "wrote no readable output_obj0.txt"),
        ("rows[3] = 'x'", "output_obj0.txt:4"),
        ("import time; time.sleep(60)", "took more than 0.6 s for 6 frames"),
    ],
)
def test_a_failing_program_of_the_folder_protocol_ends_in_words(tmp_path: Path, fault: str, complaint: str):
    (tmp_path / "program.py").write_text(FOLDER.replace("FAULT", fault))
    timeout = "0.1" if "sleep" in fault else "60"
    with pytest.raises(TrackerError, match=complaint):
        track(f"program:{sys.executable} {tmp_path / 'program.py'}", protocol="folder", timeout=timeout)


def test_the_folder_protocol_of_a_trackers_ini_runs(tmp_path: Path):
    (tmp_path / "program.py").write_text(FOLDER.replace("FAULT", ""))
    path = write_ini(tmp_path, f"[F]\nprotocol = folder\ncommand = {sys.executable} {tmp_path / 'program.py'}\n")
    assert track(f"{path}:F").boxes[5].tolist() == expected()[5]


@pytest.mark.parametrize("text", ['a "quoted" word', "back\\slash", "two\nlines", "a=b", "base64=="])
def test_a_message_survives_encoding(text: str):
    message = Message("state", ("1,2,3,4",), {"key": text})
    assert parse_message(message.encoded()) == message


def test_regions_are_converted_to_what_the_tracker_takes():
    polygon = parse_line("0,0,4,0,4,2,0,2")
    assert encode_region(polygon, ("rectangle",)) == "0,0,4,2"
    assert encode_region(Box(0, 0, 2, 1), ("polygon",)) == "0,0,2,0,2,1,0,1"
    assert encode_region(Box(1, 2, 3, 2), ("mask",)) == "mask:1,2,3,2,0,6"
    assert encode_region(polygon, ("mask", "polygon")) == "0,0,4,0,4,2,0,2"
    with pytest.raises(EvalkitError, match="takes no region"):
        encode_region(polygon, ("point",))


@pytest.mark.parametrize("text", ["0", "special:1", "nan,nan,nan,nan", "0,0,0,0", ""])
def test_an_absent_target_is_no_region(text: str):
    assert decode_region(text) is None


def test_regions_with_a_prefix_are_read():
    assert decode_region("rect:1,2,3,4") == Box(1, 2, 3, 4)
    assert decode_region("mask:1,2,2,2,1,2").bitmap.tolist() == [[False, True], [True, False]]


def test_an_unknown_ini_tracker_suggests_a_near_name(tmp_path: Path):
    with pytest.raises(UnknownName, match="Did you mean 'Mover'"):
        factories.create_tracker(f"{write_ini(tmp_path, '[Mover]')}:Movr")
