"""Costs of the published networks, layer by layer, against counts of the official code.

Networks are built without data: only shapes matter.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pytest
import torch
from torch import nn

from evalkit.cost import macs
from evalkit.trackers._lighttrack.architecture import MOBILE, parse_path_string
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._nanotrack.network import NanoTrack
from evalkit.trackers._ocean.network import Ocean
from evalkit.trackers._siamrpn.network import SiamRPN
from evalkit.trackers.siamrpn import CONFIGURATIONS

pytestmark = pytest.mark.parity

KINDS = {"conv": "conv", "bn": "norm", "avgpool": "pool", "dcn": "matmul"}


def siamrpn(name: str) -> SiamRPN:
    chosen = CONFIGURATIONS[name]
    return SiamRPN(chosen.backbone, inputs=chosen.inputs, channels=chosen.channels, weighted=chosen.weighted)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "lighttrack_m": lambda: LightTrack(parse_path_string(MOBILE)),
    "ocean": partial(Ocean, aligned=False),
    "ocean_align": partial(Ocean, aligned=True),
    "siamrpn_alex_dwxcorr": partial(siamrpn, "siamrpnpp-alexnet"),
    "siamrpn_mobilev2_l234_dwxcorr": partial(siamrpn, "siamrpnpp-mobilenetv2"),
    "siamrpn_r50_l234_dwxcorr": partial(siamrpn, "siamrpnpp-r50"),
    "siamrpn_r50_l234_dwxcorr_otb": partial(siamrpn, "siamrpnpp-r50-otb"),
    "siamrpn_r50_l234_dwxcorr_lt": partial(siamrpn, "siamrpnpp-r50-lt"),
    "nanotrack_v1": partial(NanoTrack, 1),
    "nanotrack_v2": partial(NanoTrack, 2),
    "nanotrack_v3": partial(NanoTrack, 3),
}

# Network, input, conv, thop-2020, and what matrix products and correlations add to conv (None: not stated).
TOTALS = (
    ("lighttrack_m", "search256", 510_606_848, 528_880_320, 1_572_864),
    ("lighttrack_m", "search288", 646_071_552, 669_193_492, 1_990_656),
    ("lighttrack_m", "template127", 83_197_440, 87_350_528, 0),
    ("lighttrack_m", "template128", 83_197_440, 87_350_528, 0),
    ("ocean", "search255", 20_208_854_976, 20_256_227_701, None),
    ("ocean", "search271", 23_024_843_712, 23_078_649_725, None),
    ("ocean", "search287", 26_026_153_920, 26_086_804_909, None),
    ("ocean", "template127", 3_367_758_528, 3_377_465_408, 0),
    ("ocean_align", "search255", 20_209_014_976, 20_256_388_326, None),
    ("ocean_align", "search271", 23_025_030_336, 23_078_837_078, None),
    ("ocean_align", "search287", 26_026_369_216, 26_087_021_046, None),
    ("siamrpn_alex_dwxcorr", "search287", 6_463_472_928, 6_475_812_334, 3_612_672),
    ("siamrpn_alex_dwxcorr", "template127", 710_564_640, 712_263_744, 0),
    ("siamrpn_mobilev2_l234_dwxcorr", "search255", 6_978_952_184, 7_040_847_310, 24_000_000),
    ("siamrpn_mobilev2_l234_dwxcorr", "template127", 857_809_656, 871_376_148, 0),
    ("siamrpn_r50_l234_dwxcorr", "search255", 48_785_294_528, 48_853_573_114, 24_000_000),
    ("siamrpn_r50_l234_dwxcorr", "template127", 10_652_084_928, 10_667_091_008, 0),
    ("siamrpn_r50_l234_dwxcorr_otb", "search255", 48_785_294_528, 48_853_573_114, 24_000_000),
    ("siamrpn_r50_l234_dwxcorr_lt", "search255", 51_711_419_328, 51_780_707_322, 28_000_000),
    ("siamrpn_r50_l234_dwxcorr_lt", "search831", 576_531_948_480, 577_305_244_698, 421_523_200),
    ("siamrpn_r50_l234_dwxcorr_lt", "template127", 10_755_304_128, 10_770_367_808, 0),
    ("nanotrack_v1", "search255", 68_225_024, 72_018_456, None),
    ("nanotrack_v1", "template127", 11_448_832, 12_295_000, None),
    ("nanotrack_v2", "search255", 76_679_168, 80_777_944, None),
    ("nanotrack_v2", "template127", 11_448_832, 12_295_000, None),
    ("nanotrack_v3", "search255", 105_399_488, 110_799_166, None),
    ("nanotrack_v3", "template127", 14_563_840, 15_514_744, None),
)

PARAMETERS = {
    "lighttrack_m": 1_969_397,
    "ocean": 25_869_136,
    "ocean_align": 26_459_217,
    "siamrpn_alex_dwxcorr": 6_251_102,
    "siamrpn_mobilev2_l234_dwxcorr": 11_150_446,
    "siamrpn_r50_l234_dwxcorr": 53_950_624,
    "siamrpn_r50_l234_dwxcorr_otb": 53_950_618,
    "siamrpn_r50_l234_dwxcorr_lt": 60_018_336,
    "nanotrack_v1": 292_190,
    "nanotrack_v2": 338_302,
    "nanotrack_v3": 550_854,
}


class Template(nn.Module):
    """The branch that runs once, the rest of the network beside it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> object:
        return self.network.template(image)  # type: ignore[operator]


@cache
def count(model: str, name: str) -> macs.Count:
    size = int(name[-3:])
    with torch.device("meta"):
        network = NETWORKS[model]().eval()
        image, template = torch.zeros(1, 3, size, size), torch.zeros(1, 3, 127, 127)
        if name.startswith("template"):
            return macs.count(Template(network), [image])
        features = network.template(template)  # type: ignore[operator]
    return macs.count(network, [image, *(features if isinstance(features, (tuple, list)) else [features])])


def official_layers(path: Path) -> dict[str, dict[str, int]]:
    layers: dict[str, dict[str, int]] = {}
    with path.open(newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t"):
            kinds = {KINDS[row["type"]]: int(row["macs_or_ops"]), "bias": int(row["bias_adds"] or 0)}
            layers[row["layer"]] = {kind: value for kind, value in kinds.items() if value}
    return layers


def counted_layers(counted: macs.Count) -> dict[str, dict[str, int]]:
    """Layers that the official lists have: functions and fully connected layers are not in them."""
    layers: dict[str, dict[str, int]] = {}
    for layer in counted.layers:
        listed = {kind: layer.operations[kind] for kind in ("conv", "bias", "norm", "pool") if kind in layer.operations}
        if listed:
            layers[layer.name.removeprefix("network.")] = listed
        if layer.name == "align_head.rpn_conv":
            # Ours computes the deformable convolution around the layer that the official code counts it in.
            layers["align_head.rpn_conv.conv"] = {"matmul": layer.operations["matmul"]}
    return layers


@pytest.mark.parametrize(("model", "name"), [row[:2] for row in TOTALS])
def test_every_layer_costs_what_the_official_code_does(model: str, name: str, data: Path) -> None:
    official = official_layers(data / "golden" / "models" / "keys" / f"{model}.{name}.layers.tsv")
    assert counted_layers(count(model, name)) == official


@pytest.mark.parametrize(("model", "name", "conv", "thop", "beside"), TOTALS)
def test_totals_by_every_convention(model: str, name: str, conv: int, thop: int, beside: int | None) -> None:
    counted = count(model, name)
    assert counted.macs("conv") == conv
    assert counted.macs("thop-2020") == thop
    if beside is not None:
        assert counted.macs("all") == conv + beside


@pytest.mark.parametrize("model", PARAMETERS)
def test_parameters_are_the_published_ones(model: str) -> None:
    assert count(model, "template127").parameters == PARAMETERS[model]
