"""A Siamese tracker outside of the package, built with public modules only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from evalkit import factories, registry
from evalkit.errors import EvalkitError
from evalkit.trackers import siamese
from evalkit.types import Box, Image, SplitTracker

FILE = '''
from torch import Tensor, nn

from evalkit.trackers import siamese


class Network(nn.Module):
    """Finds the brightest place of the size of the target; the template only scales the score."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(Tensor([0.0]))

    def template(self, image: Tensor) -> Tensor:
        return image.mean((2, 3), keepdim=True)

    def forward(self, image: Tensor, zf: Tensor) -> tuple[Tensor, Tensor]:
        cells = nn.functional.avg_pool2d(image.mean(1, keepdim=True), 16)
        cells = nn.functional.avg_pool2d(cells, 5, stride=1, padding=2)
        cls = siamese.pixelwise_correlation(cells, zf.mean(1, keepdim=True)) * self.gain
        return cls, 0 * cls.expand(-1, 4, -1, -1) + 32


MODEL = siamese.SiameseModel(
    network=Network,
    rules=siamese.Rules(
        stride=16,
        cells=lambda side: side // 16,
        decode=siamese.decode_distances,
        round_corner=siamese.round_half_to_even,
        round_side=siamese.round_half_to_even,
        smoothing=siamese.smooth_once,
    ),
    hyperparameters=[
        siamese.PublishedHyperparameters(
            "my tuning", siamese.Hyperparameters(0.0, 0.0, 0.0, small=256, big=256), "this file", ("*",)
        )
    ],
    checkpoint="bright",
    image_format=siamese.ImageFormat(),
)
bright = siamese.tracker_factory(MODEL)


def for_benchmark(benchmark):
    raise ValueError(f"created for {benchmark}")


asking = siamese.tracker_factory(for_benchmark)
'''


@pytest.fixture
def name(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(FILE)
    torch.save({"gain": torch.tensor([0.001])}, tmp_path / "gain.pth")
    return f"{tmp_path / 'mine.py'}:bright"


def frame(x: int) -> Image:
    image = np.full((200, 200, 3), 10, dtype=np.uint8)
    image[80:120, x : x + 40] = 250
    return image


def test_it_tracks_with_its_own_network(name: str, tmp_path: Path) -> None:
    tracker = factories.create_tracker(name, weights=tmp_path / "gain.pth")
    assert isinstance(tracker, SplitTracker)
    assert tracker.card["hyperparameters_source"] == "this file"
    tracker.initialize(frame(80), Box(80, 80, 40, 40))
    region = tracker.update(frame(100)).region
    assert isinstance(region, Box)
    assert region.x == pytest.approx(100, abs=8)
    assert region.y == pytest.approx(80, abs=8)


def test_it_takes_settings_and_needs_a_checkpoint(name: str, tmp_path: Path) -> None:
    tracker = factories.create_tracker(name, weights=tmp_path / "gain.pth", settings={"small": "128"})
    assert tracker.parts()[0].example[-1].shape == (1, 128, 128, 3)  # type: ignore[attr-defined]
    with pytest.raises(EvalkitError, match="No checkpoint is published for this network"):
        factories.create_tracker(name)


def test_the_model_may_depend_on_the_benchmark(name: str) -> None:
    with pytest.raises(EvalkitError, match="created for otb100"):
        factories.create_tracker(name.replace("bright", "asking"), benchmark="otb100")


def test_its_results_name_the_file_it_was_written_in(name: str) -> None:
    entry, _ = registry.tracker.find_variant(name)
    assert sys.modules[entry.module].__file__ == name.rpartition(":")[0]


def test_every_exported_name_exists_and_has_a_docstring() -> None:
    documented = [getattr(siamese, name) for name in siamese.__all__ if not name.startswith("IMAGENET_")]
    missing = [one for one in documented if not (getattr(one, "__doc__", None) or "").strip()]
    assert not missing
    assert set(siamese.__all__) <= set(dir(siamese))
    with pytest.raises(AttributeError, match="no attribute 'Torch'"):
        siamese.Torch  # noqa: B018 - the access itself is tested


def test_importing_it_does_not_import_torch() -> None:
    code = "import sys, evalkit.trackers.siamese; print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
