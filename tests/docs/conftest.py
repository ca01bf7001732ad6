"""What pages take for granted: benchmarks under /data, checkpoints, a phone, and nothing of the person who tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
import pytest
from family_repository import write_repository
from transcript import Shell

from evalkit import registry
from evalkit.rendering import write_as
from evalkit.types import Image

TINY = (48, 64)
GOT10K_TEST = [f"GOT-10k_Test_{number:06d}" for number in range(1, 181)]
FAKE_ADB = Path(__file__).parents[1] / "cost" / "fake_adb.py"

# 60 ms a query, so that 1,024 of them take the minute that `--rules mobile` asks for.
PHONE_PROGRAM = '#!/bin/sh\ntest -f "$1/network.param" && yes 60 | head -n "$2" > "$4"\n'


@pytest.fixture(scope="session", autouse=True)
def _without_progress() -> Iterator[None]:
    """Pages show what commands print, whatever time they take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVALKIT_PROGRESS", "off")
        yield


@pytest.fixture(scope="session")
def benchmarks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of small benchmarks in their own layouts, as /data is on the pages."""
    root = tmp_path_factory.mktemp("data")
    write_as.write_dataset("otb", root / "OTB", sequences=["aspect", "rotation"])
    write_as.write_dataset("vot", root / "VOT2018", sequences=["scale", "blur"])
    for name in GOT10K_TEST:
        still(root / "GOT-10k" / "test" / name, "%08d.jpg", 1)
        (root / "GOT-10k" / "test" / name / "groundtruth.txt").write_text("20,15,16,12\n")
    return root


@pytest.fixture(scope="session")
def trackingnet(benchmarks: Path, data: Path) -> Path:
    """TrackingNet's test split under /data, three frames a sequence; its names come from the official list."""
    import json

    names = json.loads((data / "annotations" / "TrackingNet_TEST_list.json").read_text())["sequences"]
    root = benchmarks / "TrackingNet" / "TEST"
    (root / "anno").mkdir(parents=True)
    for name in names:
        still(root / "frames" / name, "%d.jpg", 0)
        (root / "anno" / f"{name}.txt").write_text("20,15,16,12\n")
    return root


def still(folder: Path, pattern: str, first: int) -> None:
    """Three frames of a square that stands still."""
    image: Image = np.full((*TINY, 3), 90, np.uint8)
    image[15:27, 20:36] = 200
    content = cv2.imencode(".jpg", image)[1].tobytes()
    folder.mkdir(parents=True)
    for number in range(first, first + 3):
        (folder / (pattern % number)).write_bytes(content)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports of networks are made once for all pages."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def alone(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A new folder, an empty home, and registries that forget what a page registers."""
    before = dict(os.environ)
    for name in ("EVALKIT_DATA", "EVALKIT_WEIGHTS", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "GITHUB_STEP_SUMMARY"):
        os.environ.pop(name, None)
    os.environ.update(HOME=str(tmp_path / "home"), EVALKIT_CACHE=str(cache), OMP_NUM_THREADS="1")
    (tmp_path / "page").mkdir()
    monkeypatch.chdir(tmp_path / "page")
    with ExitStack() as stack:
        for kind in registry.ALL:
            stack.enter_context(kind.temporarily())
        yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def shell_for(alone: None, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], Shell]:
    """The shell that a page's commands are typed into."""

    def prepare(page: str) -> Shell:
        folder = tmp_path / "page"
        if page == "README.md":
            real = request.getfixturevalue("data")
            places = {
                "/data": "datasets",
                "checkpoints": "weights",
                "annotations": "annotations",
                "published": "results",
            }
            return Shell(folder, {name: real / place for name, place in places.items()})
        if page == "docs/evaluate-on-a-server.md":
            request.getfixturevalue("trackingnet")
        if page == "docs/measure-a-phone.md":
            plug_in_a_phone(folder)
            return Shell(folder, {})  # its /data is the phone's
        if page == "docs/add-a-tracker.md":
            write_repository(tmp_path / "code" / "MyTrack", name="mytrack", configuration="baseline")
        return Shell(folder, {"/data": request.getfixturevalue("benchmarks"), "/code": tmp_path / "code"})

    return prepare


def plug_in_a_phone(folder: Path) -> None:
    adb, phone = folder.parent / "adb", folder.parent / "phone"
    adb.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE_ADB}" "$@"\n')
    adb.chmod(0o755)
    phone.mkdir()
    (folder / "lighttrack_bench").write_text(PHONE_PROGRAM)
    os.environ.update(ADB=str(adb), FAKE_PHONE=str(phone), FAKE_DEVICES="28281FDH2000XX\tdevice")
