"""``evalkit track`` on files that OpenCV writes, without a screen."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import cv2
import numpy as np
import pytest

import evalkit
from evalkit.errors import EvalkitError
from evalkit.own_video import choose_box
from evalkit.own_video.browser_page import ask_in_browser, parse_box
from evalkit.own_video.drawing import COLOR
from evalkit.types import Box, Image

BOX = (20.0, 30.0, 40.0, 32.0)
COUNT = 12


def picture(number: int) -> Image:
    """A textured target on a plain background that moves by (4, 2) pixels per frame."""
    image = np.full((120, 160, 3), 90, np.uint8)
    x, y = 20 + 4 * number, 30 + 2 * number
    texture = np.random.default_rng(1).integers(0, 255, (8, 10), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
    image[y : y + 32, x : x + 40] = texture[..., None]
    return image


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 20, (160, 120))
    for number in range(COUNT):
        writer.write(picture(number))
    writer.release()
    return path


@pytest.fixture
def tracker(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(TRACKER)
    return f"{tmp_path / 'mine.py'}:Moving"


TRACKER = """
import time
from evalkit import Box, Prediction

class Moving:
    def initialize(self, image, region):
        self.box = region
        self.count = 0

    def update(self, image):
        self.count += 1
        self.box = Box(self.box.x + 4, self.box.y + 2, self.box.width, self.box.height)
        return Prediction(None if self.count == 5 else self.box, 0.75)

class Failing(Moving):
    def update(self, image):
        if self.count == 3:
            raise ValueError("no memory")
        return super().update(image)

class Slow(Moving):
    def update(self, image):
        time.sleep(0.3)
        return super().update(image)
"""


def expected() -> np.ndarray:
    boxes = np.array([[20.0 + 4 * n, 30.0 + 2 * n, 40, 32] for n in range(COUNT)])
    boxes[5] = np.nan
    return boxes


def red_box(image: Image) -> list[int]:
    """The bounding box of pixels that are nearly of the outline's colour."""
    distance = np.abs(image.astype(int) - COLOR).max(axis=2)
    rows, columns = np.nonzero(distance < 90)
    return [columns.min(), rows.min(), columns.max() - columns.min(), rows.max() - rows.min()] if len(rows) else []


def test_boxes_and_video_are_written_and_the_drawn_boxes_are_found_again(clip, tracker, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = evalkit.track(clip, tracker, box=BOX)
    np.testing.assert_array_equal(report.trajectory.boxes, expected())
    assert report.frames_with_target == COUNT - 1
    assert [path.name for path in report.files] == ["clip-Moving.txt", "clip-Moving.mp4"]
    rows = np.loadtxt("clip-Moving.txt", delimiter=",")
    np.testing.assert_array_equal(rows, expected())
    video = cv2.VideoCapture("clip-Moving.mp4")
    assert video.get(cv2.CAP_PROP_FPS) == 20
    for number, box in enumerate(expected()):
        found, image = video.read()
        assert found
        drawn = red_box(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        if number == 5:
            assert drawn == []
        else:
            assert np.abs(np.array(drawn) - box).max() <= 2
    assert not video.read()[0]
    assert not list(tmp_path.glob(".*"))  # no temporary file remains


def test_a_folder_of_images_is_tracked_in_natural_order(tracker, tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(COUNT):
        cv2.imwrite(str(folder / f"{number}.png"), picture(number))
    report = evalkit.track(folder, tracker, box=BOX, outputs=[tmp_path / "boxes.json"])
    content = json.loads((tmp_path / "boxes.json").read_text())
    assert [image["file_name"] for image in content["images"]] == [f"{number}.png" for number in range(COUNT)]
    assert len(content["annotations"]) == COUNT - 1
    assert content["annotations"][1] == {
        "id": 2, "image_id": 2, "video_id": 1, "category_id": 1, "instance_id": 1, "track_id": 1,
        "bbox": [24, 32, 40, 32], "area": 1280, "iscrowd": 0, "score": 0.75,
    }  # fmt: skip
    assert len(report.trajectory) == COUNT


def test_cvat_and_csv_say_where_the_target_is_not(clip, tracker, tmp_path):
    evalkit.track(clip, tracker, box=BOX, outputs=[tmp_path / "boxes.xml", tmp_path / "boxes.csv"])
    boxes = ElementTree.parse(tmp_path / "boxes.xml").findall("track/box")
    assert [box.get("outside") for box in boxes] == ["1" if number == 5 else "0" for number in range(COUNT)]
    assert (boxes[1].get("xtl"), boxes[1].get("ybr")) == ("24.00", "64.00")
    rows = (tmp_path / "boxes.csv").read_text().splitlines()
    assert rows[0] == "frame,x,y,width,height,confidence,seconds"
    assert rows[6].startswith("5,,,,,0.75,")


def test_a_real_tracker_follows_the_target(clip, tmp_path):
    report = evalkit.track(clip, "mosse", box=BOX, outputs=[tmp_path / "boxes.txt"])
    assert np.abs(report.trajectory.boxes[:, :2] - [[20 + 4 * n, 30 + 2 * n] for n in range(COUNT)]).max() < 8


def run(arguments: list[str], folder: Path, **options: object) -> subprocess.Popen[str]:
    checkout = Path(__file__).resolve().parents[2]
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment["PYTHONPATH"] = str(checkout)
    command = [sys.executable, "-m", "evalkit", "track", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_the_command_names_the_files_and_never_a_server(clip, tracker, tmp_path):
    process = run([str(clip), "--tracker", tracker, "--box", "20,30,40,32"], tmp_path)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert output.split() == ["clip-Moving.txt", "clip-Moving.mp4"]
    assert "11 of 12 frames with the target" in errors
    assert "server" not in output + errors


def test_ctrl_c_keeps_what_was_tracked(clip, tmp_path, tracker):
    process = run([str(clip), "--tracker", tracker.replace("Moving", "Slow"), "--box", "20,30,40,32"], tmp_path)
    part = tmp_path / ".clip-Slow.part.mp4"
    limit = time.monotonic() + 60
    while not part.exists():
        assert time.monotonic() < limit
        time.sleep(0.05)
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert re.search(r"stopped: \d+ of \d+ frames", errors)
    rows = np.loadtxt(tmp_path / "clip-Slow.txt", delimiter=",", ndmin=2)
    assert 2 <= len(rows) < COUNT
    np.testing.assert_array_equal(rows[:2], expected()[:2])
    video = cv2.VideoCapture(str(tmp_path / "clip-Slow.mp4"))
    assert video.read()[0]


def test_a_failing_tracker_names_the_frame_and_keeps_the_boxes_before(clip, tmp_path, tracker):
    with pytest.raises(EvalkitError, match=r"Failing on clip, frame 5: .*no memory"):
        evalkit.track(clip, tracker.replace("Moving", "Failing"), box=BOX, outputs=[tmp_path / "boxes.txt"])
    assert len(np.loadtxt(tmp_path / "boxes.txt", delimiter=",")) == 4


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"box": (500, 30, 40, 32)}, "outside of the image.*160 x 120"),
        ({"box": (20, 30, 0, 32)}, "no area"),
        ({"outputs": ["boxes.doc"]}, "boxes: .txt, .csv, .json, .xml; video: .mp4"),
        ({"video": "none.mp4"}, "no such video or folder"),
        ({"video": "empty"}, "holds no images"),
        ({"video": "bad.mp4"}, "cannot be opened"),
        ({"video": "one.png"}, "one image, not a video"),
        ({"video": 77}, "camera 77: .*cannot be opened"),
    ],
)
def test_a_wrong_request_is_an_error_that_says_what_is_right(
    arguments, complaint, clip, tmp_path, monkeypatch, tracker
):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("bad.mp4").write_text("no video")
    Path("one.png").write_text("")
    with pytest.raises(EvalkitError, match=complaint):
        evalkit.track(**{"video": clip, "box": BOX, "tracker": tracker, **arguments})


def test_the_box_option_explains_its_form(tmp_path):
    process = run(["clip.mp4", "--tracker", "mosse", "--box", "1,2,3"], tmp_path)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "is not x,y,width,height" in errors


def draw_by(requests: list[tuple[str, bytes | None]], answers: list[tuple[int, bytes]]):
    """Return ``tell``: the first sentence's address is opened, and the requests are sent to it."""

    def send(address: str) -> None:
        for path, data in requests:
            try:
                with urllib.request.urlopen(address + path, data=data) as answer:
                    answers.append((answer.status, answer.read()))
            except urllib.error.HTTPError as error:
                answers.append((error.code, error.read()))

    def tell(text: str) -> None:
        if found := re.search(r"http://127\.0\.0\.1:\d+/\S+/", text):
            threading.Thread(target=send, args=(found[0],)).start()

    return tell


def test_without_a_screen_the_box_is_drawn_in_a_browser(monkeypatch):
    monkeypatch.setattr(choose_box, "has_screen", lambda: False)
    answers: list[tuple[int, bytes]] = []
    answer = b"[20, 30, 40, 32]"
    requests = [("", None), ("image.png", None), ("../box", answer), ("box", b"[1, 2, 900, 4]"), ("box", b"no")]
    requests.append(("box", answer))
    box = choose_box.choose_box(picture(0), browser=False, tell=draw_by(requests, answers))
    assert box == Box(20, 30, 40, 32)
    assert [status for status, _ in answers[:5]] == [200, 200, 404, 400, 400]
    image = cv2.imdecode(np.frombuffer(answers[1][1], np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), picture(0))


def test_the_window_is_used_where_there_is_a_screen(monkeypatch):
    monkeypatch.setattr(choose_box, "has_screen", lambda: True)
    monkeypatch.setattr(cv2, "selectROI", lambda *_, **__: (5, 6, 7, 8))
    monkeypatch.setattr(cv2, "destroyWindow", lambda _: None)
    assert choose_box.choose_box(picture(0), browser=False, tell=lambda _: None) == Box(5, 6, 7, 8)
    monkeypatch.setattr(cv2, "selectROI", lambda *_, **__: (0, 0, 0, 0))
    with pytest.raises(EvalkitError, match="no box was drawn"):
        choose_box.choose_box(picture(0), browser=False, tell=lambda _: None)


@pytest.mark.parametrize(
    "data", [b"", b"[1,2,3]", b"[1,2,3,NaN]", b'{"x": 1}', b"[1,2,0,4]", b"[-1,2,3,4]", b"[[1],2,3,4]"]
)
def test_only_a_box_inside_of_the_image_is_taken(data: bytes):
    assert parse_box(data, 160, 120) is None


@pytest.mark.browser
def test_a_box_is_drawn_with_the_pointer(browser):
    boxes: list[Box] = []
    addresses: list[str] = []
    thread = threading.Thread(target=lambda: boxes.append(ask_in_browser(picture(0), tell=addresses.append)))
    thread.start()
    while not addresses:
        time.sleep(0.05)
    address = re.search(r"http://\S+/", addresses[0])
    assert address
    browser.open(address[0])
    browser.run(
        """
        const image = document.getElementById("image"), area = image.getBoundingClientRect();
        const send = (type, x, y) => document.getElementById("stage").dispatchEvent(
          new PointerEvent(type, {clientX: area.left + x, clientY: area.top + y, pointerId: 1, bubbles: true}));
        document.getElementById("stage").setPointerCapture = () => {};
        send("pointerdown", 60, 62); send("pointermove", 20, 30); send("pointerup", 20, 30);
        document.getElementById("send").click();
        """
    )
    thread.join(20)
    assert boxes
    assert boxes[0].array() == pytest.approx([20, 30, 40, 32], abs=1)
