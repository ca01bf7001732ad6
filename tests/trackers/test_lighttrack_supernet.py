from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from evalkit import factories
from evalkit.errors import EvalkitError
from evalkit.trackers._lighttrack.architecture import MOBILE, parse_path_string
from evalkit.trackers._lighttrack.network import LightTrack
from evalkit.trackers._lighttrack.supernet import supernet_key

STRIDE_8 = "back_05513541131153553050+cls_000012010+reg_000202000_ops_10"


def test_a_block_is_taken_from_its_choice_and_the_fixed_stage_from_the_only_one():
    mobile = parse_path_string(MOBILE)
    assert supernet_key("features.conv_stem.weight", mobile) == "features.conv_stem.weight"
    assert supernet_key("features.blocks.0.0.bn1.bias", mobile) == "features.blocks.0.0.0.bn1.bias"
    # The second stage's digits are 0 2 5 1.
    assert supernet_key("features.blocks.2.2.conv_dw.weight", mobile) == "features.blocks.2.2.5.conv_dw.weight"


def test_both_branches_are_taken_from_the_classification_towers():
    mobile = parse_path_string(MOBILE)
    # 256 channels are the third choice, 192 the second; 5x5 is the second kernel.
    assert supernet_key("head.cls_tower.1.BN.bias", mobile) == "supernet_head.cand_tower_cls.2.tower.1.1.BN.bias"
    assert supernet_key("head.reg_tower.1.BN.bias", mobile) == "supernet_head.cand_tower_cls.1.tower.1.0.BN.bias"
    assert supernet_key("head.cls_perd.cls_pred.bias", mobile) == "supernet_head.cand_head_cls.2.cls_pred.bias"
    assert supernet_key("head.reg_pred.bbox_pred.bias", mobile) == "supernet_head.cand_head_reg.1.bbox_pred.bias"


def test_the_stride_selects_the_correlation_and_a_skipped_layer_leaves_a_gap():
    subnet = parse_path_string(STRIDE_8)
    assert supernet_key("neck.BN_x.weight", subnet) == "neck.BN_x.0.weight"
    assert (
        supernet_key("feature_fusor.pw_corr.CA_layer.fc1.bias", subnet) == "feature_fusor.pw_corr.0.CA_layer.fc1.bias"
    )
    assert supernet_key("neck.BN_z.weight", parse_path_string(MOBILE)) == "neck.BN_z.2.weight"
    assert supernet_key("feature_fusor.adj_layer.bias", parse_path_string(MOBILE)) == "feature_fusor.adj_layer.1.bias"
    # Branch digits 0 0 0 2 0 2 0 0 0: the third built layer is the fourth digit's successor.
    assert (
        supernet_key("head.reg_tower.2.conv1.weight", subnet) == "supernet_head.cand_tower_cls.0.tower.3.0.conv1.weight"
    )


@pytest.fixture(scope="module")
def supernet(keys, tmp_path_factory) -> Path:
    generator = torch.Generator().manual_seed(1)
    state = {}
    for key, shape in keys("lighttrack_supernet"):
        size = [] if shape == "scalar" else [int(side) for side in shape.split("x")]
        values = torch.rand(size, generator=generator)
        state[key] = values.long() if key.endswith("num_batches_tracked") else 0.5 + values
    path = tmp_path_factory.mktemp("supernet") / "supernet.pth"
    torch.save({"state_dict": state}, path)
    return path


@pytest.mark.parity
@pytest.mark.parametrize("path", [MOBILE, STRIDE_8, "back_05555555555555555550+cls_211111111+reg_011111111_ops_33"])
def test_every_tensor_of_a_subnet_has_a_tensor_of_the_same_shape_in_the_supernet(keys, path: str):
    shapes = dict(keys("lighttrack_supernet"))
    with torch.device("meta"):
        state = LightTrack(parse_path_string(path)).state_dict()
    for key, value in state.items():
        expected = "x".join(map(str, value.shape)) or "scalar"
        assert shapes[supernet_key(key, parse_path_string(path))] == expected, key


@pytest.mark.parity
def test_a_supernet_s_checkpoint_can_be_used_for_any_path_string_of_its_search_space(supernet: Path):
    tracker = factories.create_tracker(f"lighttrack:{STRIDE_8}", weights=supernet)
    network = tracker.parts()[0].module.network
    state = torch.load(supernet, weights_only=True)["state_dict"]
    expected = state["supernet_head.cand_tower_cls.0.tower.3.0.BN.bias"]
    assert np.array_equal(network.head.reg_tower[2].BN.bias.numpy(), expected.numpy())


@pytest.mark.parity
def test_a_path_string_of_another_search_space_is_rejected_with_the_first_missing_tensor(supernet: Path):
    path = "back_0114413213503544142140+cls_2021002000111+reg_0110021100200+ops_30"
    with pytest.raises(EvalkitError, match=r"this supernet has no features\.blocks\.1\.2"):
        factories.create_tracker(f"lighttrack:{path}", weights=supernet)
