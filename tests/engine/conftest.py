"""A dataset that worker processes find as well: an installed package registers it through an entry point."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from edited_trackers import Write, write_program, write_tracker

from evalkit import registry
from evalkit.engine.work import Job
from evalkit.types import Dataset

PACKAGE = '''
import dataclasses
import numpy as np
from evalkit.registry import dataset
from moving_square import MovingSquare, tiny_dataset
from evalkit.types import Annotation, Sequence

class Numbered(MovingSquare):
    """Moving squares; the first pixel says which of them."""
    def __init__(self, number):
        super().__init__(8 + number % 5)
        self.number = number
    def __getitem__(self, index):
        image = super().__getitem__(index)
        image[0, 0] = self.number
        return image

def sequence(number):
    frames = Numbered(number)
    return Sequence(f"s{number}", lambda: Annotation(frames.boxes()), frames, size=(80, 60))

@dataset("marching", summary="six moving squares")
def marching():
    return dataclasses.replace(tiny_dataset(*map(sequence, range(6))), name="marching", directory="marching")
'''

TRACKERS = '''
import os
import signal
import time
import weakref
from pathlib import Path
import numpy as np
from evalkit.errors import EvalkitError
from evalkit.types import Box, Prediction

class Drift:
    """Moves by what it sees, so that boxes depend on pixels; subclasses misbehave in sequence 3."""
    card = {"step": 1}
    special = False
    def initialize(self, image, region):
        self.box = region
        self.special = image[0, 0, 0] == 3
    def update(self, image):
        if self.special:
            self.misbehave()
        step = float(image[::7, ::5].mean()) / 100
        self.box = Box(self.box.x + step, self.box.y - step / 3, self.box.width, self.box.height)
        return Prediction(self.box, step / 3)
    def misbehave(self):
        pass

class Placed(Drift):
    """Has another identity in every folder."""
    card = {"home": __file__}

class Slow(Drift):
    def update(self, image):
        time.sleep(0.02)
        return super().update(image)

class Raising(Drift):
    def misbehave(self):
        raise MemoryError("too much")

class RaisingWithoutMessage(Drift):
    def misbehave(self):
        raise MemoryError

class Leaving(Drift):
    def misbehave(self):
        raise SystemExit(7)

class Killed(Drift):
    def misbehave(self):
        if "SURVIVE" not in os.environ:
            os.kill(os.getpid(), signal.SIGKILL)

class KilledOnce(Drift):
    def misbehave(self):
        mark = Path(__file__).with_name("killed")
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

class Hanging(Drift):
    def misbehave(self):
        time.sleep(60)

class Split(Drift):
    """Drift in three steps; its siblings share the list of batch sizes."""
    def __init__(self):
        self.batches = []
    def crop(self, image):
        if self.special:
            self.misbehave()
        return (np.full((1, 2), 2, np.int64), image[None, ::7, ::5])
    def network(self, weights, crops):
        self.batches.append(len(crops))
        return (crops.reshape(len(crops), -1).sum(axis=1, dtype=np.int64) * weights[:, 0],)
    def locate(self, response):
        assert response[0].shape == (1,)
        step = float(response[0][0]) / 2 / 432 / 100
        self.box = Box(self.box.x + step, self.box.y - step / 3, self.box.width, self.box.height)
        return Prediction(self.box, step / 3)
    def update(self, image):
        return self.locate(self.network(*self.crop(image)))
    def sibling(self):
        twin = type(self)()
        twin.batches = self.batches
        return twin
    def parts(self):
        return ()

class SplitRaising(Split, Raising):
    pass

class WrongRuntime(Split):
    """Finds after a sequence that its runtime's outputs differ from torch's."""
    def verify_execution(self):
        raise EvalkitError("the network differs from torch", where="its runtime")

class FailingBatch(Split):
    """Its network fails on batches that hold sequence 3."""
    def network(self, weights, crops):
        if (crops[:, 0, 0, 0] == 3).any():
            raise MemoryError("no room for this batch")
        return super().network(weights, crops)

class SmallMemory(Split):
    """Has memory for batches of two, once the memory of a larger batch is free again."""
    taken = staticmethod(lambda: None)
    def network(self, weights, crops):
        if SmallMemory.taken() is not None:
            raise MemoryError("the failed batch is still in memory")
        if len(crops) > 2:
            activations = crops.copy()
            SmallMemory.taken = weakref.ref(activations)
            raise MemoryError("no room for more than two")
        return super().network(weights, crops)
'''


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder on ``sys.path`` that contains the installed dataset ``marching``."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "marching-1.dist-info"
    info.mkdir()
    (folder / "marching_squares.py").write_text(PACKAGE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: marching\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[evalkit.datasets]\nmarching = marching_squares\n")
    return folder


@pytest.fixture
def marching(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install the dataset ``marching`` here and in child processes; gives its ``site``."""
    with registry.dataset.temporarily():
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.delitem(sys.modules, "marching_squares", raising=False)
        __import__("marching_squares")
        yield site


@pytest.fixture
def trackers(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(TRACKERS)
    return path


@pytest.fixture
def job(marching: Path, trackers: Path, tmp_path: Path) -> Job:
    """A job of the tracker ``Drift``, untimed."""
    return Job(
        tracker=f"{trackers}:Drift", label="Drift", dataset="marching", results=tmp_path / "results",
        protocol="one_pass", timed=False,
    )  # fmt: skip


@pytest.fixture
def folder(tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, whose modules are imported again in every test."""
    # Python takes a module that was edited within a second, to the same size, from its cache.
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
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
    return partial(write_tracker, folder)


@pytest.fixture
def program(folder: Path) -> Write:
    """Writes a tracker as a program into ``mine.py`` and returns its name."""
    return partial(write_program, folder)
