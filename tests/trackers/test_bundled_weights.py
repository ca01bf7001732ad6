"""The bundled checkpoint: its description, its outputs, and the notice that a run gives."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from evalkit import checkpoints
from evalkit.checkpoints.catalogue import bundle_directory
from evalkit.factories import create_tracker
from evalkit.rendering.recipes import BENCHMARK, benchmark_scene
from evalkit.trackers._lighttrack.architecture import MOBILE, parse_path_string
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._siamese.networks import IMAGENET_MEAN, IMAGENET_STD
from evalkit.types import Image

FILE = bundle_directory() / "lighttrack-m.safetensors"
CARD = FILE.with_suffix(".md")
OUTPUTS = {"cls": 7.29972, "reg": 40.2897}
"""Means of the outputs of the trained network in single precision for the crops below."""


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No checkpoint in the environment or the cache."""
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path))
    monkeypatch.delenv("EVALKIT_WEIGHTS", raising=False)


@pytest.mark.usefixtures("alone")
def test_without_any_other_file_the_bundled_one_is_used_and_described() -> None:
    found = checkpoints.find("lighttrack-m")
    assert (found.path, found.place) == (FILE, "the package")
    assert "not the paper's" in found.identity
    card = getattr(create_tracker("lighttrack-m"), "card")  # noqa: B009 - trackers need not have one
    assert card["weights"]["sha256"] == checkpoints.published()["lighttrack-m"].bundled["sha256"]  # type: ignore[index]
    assert "first look" in card["weights_notice"]
    assert "LightTrackM.pth" in card["weights_notice"]


def test_the_description_first_says_that_this_is_not_the_paper_s_checkpoint() -> None:
    text = CARD.read_text(encoding="utf-8")
    first = text.split("\n\n")[1]
    assert "not the paper's checkpoint" in first.partition(". ")[0]
    assert checkpoints.sha256(FILE) in text
    assert re.search(r"six (real )?OTB sequences", text)
    assert FILE.stat().st_size < 4_500_000


def prepared(crop: Image) -> torch.Tensor:
    image = torch.from_numpy(crop.copy()).permute(2, 0, 1)[None] / 255
    return (image - torch.tensor(IMAGENET_MEAN)[:, None, None]) / torch.tensor(IMAGENET_STD)[:, None, None]


def test_the_file_has_the_outputs_of_the_trained_network() -> None:
    network = LightTrack(parse_path_string(MOBILE))
    checkpoints.fit(network, checkpoints.read_state(FILE), where=FILE)
    network.eval()
    scene = benchmark_scene(next(recipe for recipe in BENCHMARK if recipe.name == "low-resolution"))
    template, search = prepared(scene.frame(0)[100:227, 150:277]), prepared(scene.frame(10)[50:306, 100:356])
    with torch.no_grad():
        cls, reg = network(search, network.template(template))
    found = {"cls": float(cls.abs().mean()), "reg": float(reg.mean())}
    # Half precision moves a weight by up to 1 in 2048; the means of the answers move by less than 1 in 100.
    for name, wanted in OUTPUTS.items():
        np.testing.assert_allclose(found[name], wanted, rtol=0.01, err_msg=name)
