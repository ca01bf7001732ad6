from __future__ import annotations

import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from moving_square import moving_square

from evalkit import factories
from evalkit.errors import EvalkitError
from evalkit.protocols.one_pass import run_one_pass
from evalkit.types import Box, Prediction

IMAGE = np.zeros((20, 30, 3), dtype=np.uint8)
IMAGE[2, 3] = (7, 8, 9)

PROGRAM = """
import json, sys

def image(request):
    return sys.stdin.buffer.read(3 * request["height"] * request["width"])

for line in sys.stdin.buffer:
    request = json.loads(line)
    answer = {}
    if request["do"] == "hello":
        step = float(request["settings"].get("step", "1"))
    else:
        pixels = image(request)
        at = 3 * (2 * request["width"] + 3)
        if list(pixels[at:at + 3]) != [7, 8, 9]:
            answer = {"error": "the pixels came wrong"}
        elif request["do"] == "initialize":
            box = request["box"]
        else:
            box = [box[0] + step, *box[1:]]
            answer = {"box": box, "confidence": 0.5} if box[0] < 9 else {"box": None}
    print(json.dumps(answer), flush=True)
"""


def name(folder: Path, text: str) -> str:
    (folder / "program.py").write_text(text)
    return f"program:{sys.executable} {folder / 'program.py'}"


def test_a_program_tracks_over_its_standard_streams(tmp_path: Path):
    tracker = factories.create_tracker(name(tmp_path, PROGRAM), settings={"step": "2"})
    tracker.initialize(IMAGE, Box(3, 4, 5, 6))
    assert tracker.update(IMAGE) == Prediction(Box(5, 4, 5, 6), 0.5)
    assert tracker.update(IMAGE).region == Box(7, 4, 5, 6)
    assert tracker.update(IMAGE).region is None
    tracker.initialize(IMAGE, Box(1, 4, 5, 6))
    assert tracker.update(IMAGE).region == Box(3, 4, 5, 6)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("raise SystemExit(3)", "exit code 3"),
        ("import os, time; os.close(1); time.sleep(60)", "the program still runs"),
        ("print('hello', flush=True); input(); input()", "neither JSON nor @@TRAX:hello.*hello"),
        ("print('[]', flush=True); input()", "not an object"),
        ('print(\'{"error": "no licence"}\', flush=True); input()', "no licence"),
    ],
)
def test_a_program_that_fails_is_an_error_that_names_it(
    tmp_path: Path, text: str, complaint: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("evalkit.trackers._program.process.GRACE", 0.5)
    monkeypatch.setattr("evalkit.trackers._program.process.TIMEOUT", 3.0)
    with pytest.raises(EvalkitError, match=rf"program\.py.*{complaint}"):
        factories.create_tracker(name(tmp_path, text))


@pytest.mark.parametrize(
    ("answer", "complaint"), [('{"box": [1, 2]}', "not a box"), ('{"bbox": [1, 2, 3, 4]}', 'no "box".*bbox')]
)
def test_an_invalid_box_is_an_error(tmp_path: Path, answer: str, complaint: str):
    text = f"import sys\nfor line in sys.stdin.buffer:\n    print({answer!r}, flush=True)\n"
    text = text.replace("for line", "import json\nfor line").replace(
        "    print",
        "    r = json.loads(line)\n    sys.stdin.buffer.read(3 * r.get('height', 0) * r.get('width', 0))\n    print",
    )
    tracker = factories.create_tracker(name(tmp_path, text))
    tracker.initialize(IMAGE, Box(3, 4, 5, 6))
    with pytest.raises(EvalkitError, match=complaint):
        tracker.update(IMAGE)


def test_a_program_that_does_not_exist_is_an_error():
    with pytest.raises(EvalkitError, match="cannot be started"):
        factories.create_tracker("program:/no/such/program")
    with pytest.raises(EvalkitError, match="no program is named"):
        factories.create_tracker("program:")
    with pytest.raises(EvalkitError, match="invalid command line"):
        factories.create_tracker("program:'./mine")


MISBEHAVING = """
import json, os, sys
mode, count = sys.argv[1], 0
for line in sys.stdin.buffer:
    request = json.loads(line)
    sys.stdin.buffer.read(3 * request.get("height", 0) * request.get("width", 0))
    answer = {}
    if request["do"] == "initialize":
        box, count = request["box"], 0
    elif request["do"] == "update":
        count += 1
        answer = {"box": [box[0] + count, *box[1:]]}
    if count == 3:
        if mode == "dies":
            os._exit(5)
        if mode == "twice":
            print(json.dumps(answer), flush=True)
        elif mode not in ("deep", "good"):
            answer = json.loads(mode)
    print("[" * 100_000 if count == 3 and mode == "deep" else json.dumps(answer), flush=True)
"""


@pytest.mark.parametrize(
    ("mode", "complaint"),
    [
        ("twice", "answered more often than it was asked"),
        ("dies", "exit code 5"),
        ("deep", "not JSON"),
        ('{"box": "1234"}', "not a box"),
        ('{"box": {"1": 1, "2": 2, "3": 3, "4": 4}}', "not a box"),
        ('{"box": [true, false, 3, 4]}', "not a box"),
        ('{"box": ["1", 2, 3, 4]}', "not a box"),
        ('{"box": [1' + "0" * 400 + ", 2, 3, 4]}", "not a box"),
        ('{"box": [1, 2, 3, 4], "confidence": "0.5"}', "not a box"),
        ('{"box": [NaN, 2, 3, 4]}', "not finite"),
    ],
)
def test_a_sequence_fails_with_its_program_and_the_next_one_starts_it_again(
    tmp_path: Path, mode: str, complaint: str
) -> None:
    (tmp_path / "program.py").write_text(MISBEHAVING)
    tracker = factories.create_tracker(f"program:{sys.executable} {tmp_path / 'program.py'} {shlex.quote(mode)}")
    for name in ("first", "second"):
        with pytest.raises(EvalkitError, match=rf"{name}, frame [45]: .*{complaint}"):
            run_one_pass(tracker, moving_square(name, 8), origin=0, name="p")
