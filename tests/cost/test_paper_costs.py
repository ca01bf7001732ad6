"""Costs of the published networks, layer by layer, against counts of the official code."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from evalkit.cost import macs
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.path import parse

pytestmark = pytest.mark.parity

MOBILE = "back_04502514044521042540+cls_211000022+reg_100000111_ops_32"
"""The published architecture of LightTrack-Mobile."""

KINDS = {"conv": "conv", "bn": "norm", "avgpool": "pool"}

TOTALS = {
    "search256": {"conv": 510_606_848, "all": 512_179_712, "thop-2020": 528_880_320},
    "search288": {"conv": 646_071_552, "all": 648_062_208, "thop-2020": 669_193_492},
    "template127": {"conv": 83_197_440, "all": 83_197_440, "thop-2020": 87_350_528},
    "template128": {"conv": 83_197_440, "all": 83_197_440, "thop-2020": 87_350_528},
}


class Template(torch.nn.Module):
    def __init__(self, network: LightTrack) -> None:
        super().__init__()
        self.features = network.features

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.features(image)


@pytest.fixture(scope="module")
def network() -> LightTrack:
    return LightTrack(parse(MOBILE))


def count(network: LightTrack, name: str) -> macs.Count:
    size = int(name[-3:])
    image = torch.zeros(1, 3, size, size)
    if name.startswith("template"):
        return macs.count(Template(network), [image])
    return macs.count(network, [image, torch.zeros(1, 96, 8, 8)])


def official_layers(path: Path) -> dict[str, dict[str, int]]:
    layers: dict[str, dict[str, int]] = {}
    with path.open(newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            kinds = {KINDS[row["type"]]: int(row["macs_or_ops"]), "bias": int(row["bias_adds"] or 0)}
            layers[row["layer"]] = {kind: value for kind, value in kinds.items() if value}
    return layers


@pytest.mark.parametrize("name", TOTALS)
def test_lighttrack_mobile_costs_what_the_official_code_does_in_every_layer(
    network: LightTrack, name: str, data: Path
) -> None:
    official = official_layers(data / "golden" / "models" / "keys" / f"lighttrack_m.{name}.layers.tsv")
    counted = {
        layer.name: {kind: value for kind, value in layer.operations.items() if kind != "matmul"}
        for layer in count(network, name).layers
    }
    assert {name: operations for name, operations in counted.items() if operations} == official


@pytest.mark.parametrize("name", TOTALS)
def test_lighttrack_mobile_totals_by_every_convention(network: LightTrack, name: str) -> None:
    counted = count(network, name)
    assert {convention: counted.macs(convention) for convention in macs.CONVENTIONS} == TOTALS[name]


def test_lighttrack_mobile_has_the_published_number_of_parameters(network: LightTrack) -> None:
    assert count(network, "search256").parameters == 1_969_397
