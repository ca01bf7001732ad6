"""A benchmark that worker processes find as well: an installed package that registers through an entry point."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from evalkit import registry
from evalkit.engine.work import Job
from evalkit.registry import Entry

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
from evalkit.types import Box, Prediction

class Drift:
    """Moves by what it sees, so that boxes depend on pixels; sequence 3 is special to its kin."""
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
    """Claims to be another tracker in every folder."""
    card = {"home": __file__}

class Slow(Drift):
    def update(self, image):
        time.sleep(0.02)
        return super().update(image)

class Raising(Drift):
    def misbehave(self):
        raise MemoryError("too much")

class Speechless(Drift):
    def misbehave(self):
        raise MemoryError

class Leaving(Drift):
    def misbehave(self):
        raise SystemExit(7)

class Killed(Drift):
    def misbehave(self):
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
    """The same in three steps; its siblings share the list of batch sizes."""
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

class Indigestible(Split):
    """Its network fails on batches that hold sequence 3."""
    def network(self, weights, crops):
        if (crops[:, 0, 0, 0] == 3).any():
            raise MemoryError("no room for this batch")
        return super().network(weights, crops)

class Narrow(Split):
    """Has room for two at once, as soon as what a larger batch took is free again."""
    taken = staticmethod(lambda: None)
    def network(self, weights, crops):
        if Narrow.taken() is not None:
            raise MemoryError("the failed batch is still there")
        if len(crops) > 2:
            activations = crops.copy()
            Narrow.taken = weakref.ref(activations)
            raise MemoryError("no room for more than two")
        return super().network(weights, crops)
'''


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What has to be on ``sys.path`` for the benchmark ``marching`` to be installed."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "marching-1.dist-info"
    info.mkdir()
    (folder / "marching_squares.py").write_text(PACKAGE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: marching\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[evalkit.datasets]\nmarching = marching_squares\n")
    return folder


@pytest.fixture
def marching(site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Installs the benchmark ``marching`` here and in child processes; returns its ``site``."""
    monkeypatch.setattr(registry.dataset, "_entries", dict(_known()))
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "marching_squares", raising=False)
    __import__("marching_squares")
    return site


def _known() -> dict[str, Entry]:
    registry.dataset.names()
    return registry.dataset._entries


@pytest.fixture
def trackers(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(TRACKERS)
    return path


@pytest.fixture
def job(marching: Path, trackers: Path, tmp_path: Path) -> Job:
    """Of the tracker ``Drift``, untimed."""
    return Job(
        tracker=f"{trackers}:Drift", label="Drift", dataset="marching", results=tmp_path / "results",
        protocol="one_pass", timed=False,
    )  # fmt: skip
