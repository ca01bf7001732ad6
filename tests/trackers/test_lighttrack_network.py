from __future__ import annotations

import numpy as np
import pytest
import torch

from evalkit.errors import EvalkitError
from evalkit.trackers._lighttrack.architecture import MOBILE, Block, Tower, parse_path_string
from evalkit.trackers._lighttrack.network import LightTrack

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def parameters(path: str) -> int:
    with torch.device("meta"):
        return sum(tensor.numel() for tensor in LightTrack(parse_path_string(path)).parameters())


def shapes(module: torch.nn.Module) -> list[tuple[str, str]]:
    return [(key, "x".join(map(str, value.shape)) or "scalar") for key, value in module.state_dict().items()]


def test_the_mobile_path_string_encodes_the_table_of_the_paper():
    mobile = parse_path_string(MOBILE)
    k3e4, k3e6, k5e4, k7e4, k7e6 = Block(3, 4), Block(3, 6), Block(5, 4), Block(7, 4), Block(7, 6)
    assert mobile.stages == (
        (k7e4, k7e6),
        (k3e4, k5e4, k7e6, k3e6),
        (k7e4, k3e4, k7e4, k7e4),
        (k7e6, k5e4, k3e6),
    )
    assert mobile.cls == Tower(256, (5, 5, 3, 3, 3, 3), (0, 1, 2, 3, 4, 5))
    assert mobile.reg == Tower(192, (3, 3, 3, 3, 3, 5, 5, 5), (0, 1, 2, 3, 4, 5, 6, 7))
    assert (mobile.channels, mobile.stride, mobile.cells(127), mobile.cells(288)) == (96, 16, 8, 18)
    assert [block.choice for block in mobile.stages[1]] == [0, 2, 5, 1]


def test_a_skipped_layer_in_the_middle_leaves_a_gap_and_is_not_built():
    tower = parse_path_string("back_00000000000000000000+cls_012012000+reg_000000000_ops_20").cls
    assert tower == Tower(128, (5, 3, 5, 3, 3, 3), (0, 2, 3, 5, 6, 7))


@pytest.mark.parametrize(
    ("path", "millions"),
    [
        (MOBILE, 1.969397),
        ("back_02041520113420343540+cls_212202200+reg_002221110_ops_33", 1.913),
        ("back_05513541131153553050+cls_000012010+reg_000002000_ops_10", 0.488),
        ("back_05523302424013035110+cls_000101220+reg_202210111_ops_33", 1.962),
        ("back_0114413213503544142140+cls_2021002000111+reg_0110021100200+ops_30", 1.926),
        ("back_05555555555555555550+cls_211111111+reg_211111111_ops_33", 3.252),
        ("back_00000000000000000000+cls_002222222+reg_002222222_ops_20", 0.206),
    ],
)
def test_published_strings_have_the_published_number_of_parameters(path: str, millions: float):
    assert parameters(path) / 1e6 == pytest.approx(millions, abs=0.0006)


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("lighttrack", "not a LightTrack path string"),
        ("back_0450251+cls_211000022+reg_100000111_ops_32", "wrong number of digits"),
        (MOBILE.replace("back_04", "back_07"), "digit out of range"),
        (MOBILE.replace("cls_2", "cls_4"), "digit out of range"),
        (MOBILE.replace("cls_21", "cls_22"), "cannot be skipped"),
        (MOBILE.replace("ops_32", "ops_42"), "ops does not name a block"),
        (MOBILE.replace("ops_32", "ops_34"), "ops does not name a block"),
        (MOBILE.replace("ops_32", "ops_3"), "ops does not name a block"),
    ],
)
def test_an_invalid_path_string_is_rejected_with_a_message(path: str, complaint: str):
    with pytest.raises(EvalkitError, match=complaint):
        parse_path_string(path)


def test_a_stride_8_architecture_has_twice_as_many_cells_per_side():
    network = LightTrack(parse_path_string("back_05513541131153553050+cls_000012010+reg_000002000_ops_10")).eval()
    with torch.inference_mode():
        zf = network.template(torch.zeros(1, 3, 127, 127))
        cls, reg = network(torch.zeros(1, 3, 256, 256), zf)
    assert (zf.shape, cls.shape, reg.shape) == ((1, 40, 16, 16), (1, 1, 32, 32), (1, 4, 32, 32))


@pytest.mark.parity
def test_the_state_dict_has_the_official_names_shapes_and_order(keys):
    network = LightTrack(parse_path_string(MOBILE))
    assert shapes(network) == keys("lighttrack_m")
    children = {name: sum(p.numel() for p in child.parameters()) for name, child in network.named_children()}
    assert children == {"features": 1_252_656, "neck": 384, "feature_fusor": 16_640, "head": 699_717}


@pytest.mark.parity
@pytest.mark.parametrize(("case", "search", "template"), [("s256", "x_u8", 128), ("s288_z127", "x288_u8", 127)])
def test_every_output_equals_the_official_network_s(golden, case: str, search: str, template: int):
    reference = golden("lighttrack_m")
    state = torch.load(reference.checkpoint, weights_only=True)["state_dict"]
    network = LightTrack(parse_path_string(MOBILE)).eval()
    network.load_state_dict({key.removeprefix("module."): value for key, value in state.items()})

    def image(pixels: np.ndarray) -> torch.Tensor:
        return ((torch.from_numpy(pixels).float() / 255 - MEAN) / STD)[None]

    z = image(reference.net["z_u8"][:, :template, :template])
    x = image(reference.net[search])
    with torch.inference_mode():
        zf = network.template(z)
        cls, reg = network(x, zf)
        answers = {"zf": zf, "xf": network.features(x), "fused": network.fuse(x, zf), "cls": cls, "reg": reg}
    for name, answer in answers.items():
        expected = reference.net[f"{case}_{name}"]
        assert np.abs(answer.numpy() - expected).max() <= 1e-4 * np.abs(expected).max(), name
