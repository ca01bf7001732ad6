from __future__ import annotations

from pathlib import Path

import pytest
import torch

from evalkit import factories
from evalkit.errors import EvalkitError

pytestmark = pytest.mark.parity


@pytest.mark.parametrize(
    ("benchmark", "outputs"),
    [("vot2018", ("cls", "reg", "align")), ("otb100", ("cls", "reg")), (None, ("cls", "reg"))],
)
def test_the_object_aware_branch_is_used_only_on_vot(golden, benchmark: str | None, outputs: tuple[str, ...]):
    tracker = factories.create_tracker("ocean", benchmark=benchmark, weights=golden("ocean").checkpoint)
    assert tracker.parts()[0].outputs == outputs
    assert tracker.card["aligned"] == ("align" in outputs)


def test_a_checkpoint_without_that_branch_cannot_be_used_where_it_is_needed(golden, tmp_path: Path):
    state = torch.load(golden("ocean").checkpoint, weights_only=True)["state_dict"]
    plain = {key: value for key, value in state.items() if "align_head" not in key}
    torch.save(plain, tmp_path / "OceanNoOA.pth")
    assert factories.create_tracker("ocean", benchmark="otb100", weights=tmp_path / "OceanNoOA.pth")
    with pytest.raises(EvalkitError, match=r"align_head\.rpn_conv\.conv\.weight is missing"):
        factories.create_tracker("ocean", benchmark="vot2018", weights=tmp_path / "OceanNoOA.pth")


def test_other_left_over_tensors_are_an_error(golden, tmp_path: Path):
    state = torch.load(golden("ocean").checkpoint, weights_only=True)["state_dict"]
    torch.save({**state, "module.online.weight": torch.zeros(1)}, tmp_path / "c.pth")
    with pytest.raises(EvalkitError, match=r"online\.weight does not exist in the network"):
        factories.create_tracker("ocean", benchmark="otb100", weights=tmp_path / "c.pth")
