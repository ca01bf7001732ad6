"""Parity of the networks of Ocean, SiamRPN++ and NanoTrack with the official ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from evalkit import checkpoints
from evalkit.trackers._nanotrack.network import NanoTrack
from evalkit.trackers._ocean.network import DeformableConvolution, Ocean
from evalkit.trackers._siamrpn.network import SiamRPN
from evalkit.trackers.siamrpn import CONFIGURATIONS

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "nanotrack_v1": lambda: NanoTrack(1),
    "nanotrack_v2": lambda: NanoTrack(2),
    "nanotrack_v3": lambda: NanoTrack(3),
    "ocean": lambda: Ocean(aligned=False),
    "ocean_align": lambda: Ocean(aligned=True),
    "siamrpn_alex_dwxcorr": lambda: siamrpn("siamrpnpp-alexnet"),
    "siamrpn_mobilev2_l234_dwxcorr": lambda: siamrpn("siamrpnpp-mobilenetv2"),
    "siamrpn_r50_l234_dwxcorr": lambda: siamrpn("siamrpnpp-r50"),
    "siamrpn_r50_l234_dwxcorr_otb": lambda: siamrpn("siamrpnpp-r50-otb"),
    "siamrpn_r50_l234_dwxcorr_lt": lambda: siamrpn("siamrpnpp-r50-lt"),
}
PARAMETERS = {
    "nanotrack_v1": 292_190,
    "nanotrack_v2": 338_302,
    "nanotrack_v3": 550_854,
    "ocean": 25_869_136,
    "ocean_align": 26_459_217,
    "siamrpn_alex_dwxcorr": 6_251_102,
    "siamrpn_mobilev2_l234_dwxcorr": 11_150_446,
    "siamrpn_r50_l234_dwxcorr": 53_950_624,
    "siamrpn_r50_l234_dwxcorr_otb": 53_950_618,
    "siamrpn_r50_l234_dwxcorr_lt": 60_018_336,
}
HEAVY = pytest.mark.slow


def siamrpn(name: str) -> nn.Module:
    configuration = CONFIGURATIONS[name]
    return SiamRPN(
        configuration.backbone,
        inputs=configuration.inputs,
        channels=configuration.channels,
        weighted=configuration.weighted,
    )


def loaded(model: str, checkpoint) -> nn.Module:
    network = NETWORKS[model]().eval()
    checkpoints.fit(network, checkpoints.read_state(checkpoint), where=checkpoint)
    return network


def bgr(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).float()[None]


def assert_close(answer: torch.Tensor, expected: np.ndarray, name: str):
    assert answer.shape == expected.shape
    assert np.abs(answer.numpy() - expected).max() <= 1e-4 * np.abs(expected).max(), name


@pytest.mark.parametrize("model", NETWORKS)
def test_it_has_the_published_number_of_parameters(model: str):
    with torch.device("meta"):
        network = NETWORKS[model]()
    assert sum(tensor.numel() for tensor in network.parameters()) == PARAMETERS[model]


@pytest.mark.parity
@pytest.mark.parametrize("model", NETWORKS)
def test_the_state_dict_has_the_official_names_shapes_and_order(keys, model: str):
    with torch.device("meta"):
        state = NETWORKS[model]().state_dict()
    shapes = [(key, "x".join(map(str, value.shape)) or "scalar") for key, value in state.items()]
    assert shapes == keys(model)


@pytest.mark.parity
@pytest.mark.parametrize("model", ["nanotrack_v2", "nanotrack_v3"])
def test_nanotrack_s_outputs_are_the_official_ones(golden, model: str):
    reference = golden(model)
    network = loaded(model, reference.checkpoint)
    with torch.inference_mode():
        zf = network.template(bgr(reference.net["z_u8"]))
        cls, reg = network(bgr(reference.net["x_u8"]), zf)
    for name, answer in {"zf": zf, "cls": cls, "loc": reg}.items():
        assert_close(answer, reference.net[name], name)


@pytest.mark.parity
@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("siamrpn_alex_dwxcorr", 287),
        ("siamrpn_mobilev2_l234_dwxcorr", 255),
        pytest.param("siamrpn_r50_l234_dwxcorr", 255, marks=HEAVY),
        pytest.param("siamrpn_r50_l234_dwxcorr_lt", 255, marks=HEAVY),
        pytest.param("siamrpn_r50_l234_dwxcorr_lt", 831, marks=HEAVY),
    ],
)
def test_siamrpn_s_outputs_are_the_official_ones(golden, model: str, size: int):
    reference = golden(model)
    network = loaded(model, reference.checkpoint)
    with torch.inference_mode():
        zf = network.template(bgr(reference.net[f"s{size}_z_u8"]))
        cls, loc = network(bgr(reference.net[f"s{size}_x_u8"]), *zf)
    for level, answer in enumerate(zf):
        assert_close(answer, reference.net[f"s{size}_zf{level}"], f"zf{level}")
    assert_close(cls, reference.net[f"s{size}_cls"], "cls")
    assert_close(loc, reference.net[f"s{size}_loc"], "loc")


@pytest.mark.parity
@pytest.mark.parametrize("size", [255, pytest.param(271, marks=HEAVY), pytest.param(287, marks=HEAVY)])
def test_ocean_s_outputs_are_the_official_ones(golden, size: int):
    reference = golden("ocean")
    network = loaded("ocean_align", reference.checkpoint)
    with torch.inference_mode():
        zf = network.template(bgr(reference.net[f"s{size}_z_u8"]))
        cls, reg, align = network(bgr(reference.net[f"s{size}_x_u8"]), zf)
    for name, answer in {"zf": zf, "cls": cls, "reg": reg, "align": align}.items():
        assert_close(answer, reference.net[f"s{size}_{name}"], name)


def test_a_deformable_convolution_that_samples_its_own_grid_is_an_ordinary_one():
    torch.manual_seed(0)
    convolution = DeformableConvolution(4)
    features = torch.randn(2, 4, 6, 7)
    column, row = torch.arange(7.0)[None, None, None, :], torch.arange(6.0)[None, None, :, None]
    taps = torch.tensor([-1.0, 0.0, 1.0])
    x = (column + taps.repeat(3)[None, :, None, None]).expand(2, 9, 6, 7)
    y = (row + taps.repeat_interleave(3)[None, :, None, None]).expand(2, 9, 6, 7)
    with torch.inference_mode():
        expected = torch.nn.functional.conv2d(features, convolution.conv.weight, padding=1)
        assert torch.allclose(convolution(features, x, y), expected, atol=1e-5)
