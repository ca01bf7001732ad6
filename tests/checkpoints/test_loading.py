"""Reading tensors from every kind of file, and copying them into networks."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from evalkit import checkpoints
from evalkit.errors import EvalkitError


class Executes:
    """Unpickling it creates a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def saved(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(value, path)
    return path


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"module." + key: value for key, value in state.items()},
        lambda state: {"state_dict": {"module." + key: value for key, value in state.items()}, "epoch": 7},
        lambda state: {"state_dict": {"module.feature_extractor." + key: value for key, value in state.items()}},
    ],
    ids=["flat", "module", "wrapped", "feature extractor"],
)
def test_every_official_layout_gives_the_same_tensors(tmp_path: Path, wrap):
    state = network().state_dict()
    read = checkpoints.read_state(saved(tmp_path / "c.pth", wrap(state)))
    assert list(read) == list(state)
    assert all(torch.equal(read[key], state[key]) for key in state)


def test_safetensors_files_are_read(tmp_path: Path):
    from safetensors.torch import save_file

    state = network().state_dict()
    save_file(state, tmp_path / "c.safetensors")
    read = checkpoints.read_state(tmp_path / "c.safetensors")
    assert set(read) == set(state)
    (tmp_path / "c.safetensors").write_bytes(b"no")
    with pytest.raises(EvalkitError, match="cannot be read"):
        checkpoints.read_state(tmp_path / "c.safetensors")


def test_numpy_scalars_of_an_optimizer_are_accepted(tmp_path: Path):
    content = {"state_dict": network().state_dict(), "optimizer": {"lr": np.float64(0.1)}}
    assert checkpoints.read_state(saved(tmp_path / "c.pth", content))


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_executes_code_is_rejected_and_not_executed(tmp_path: Path, protocol: int):
    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps({"state_dict": {"a": Executes(tmp_path / "done")}}, protocol=protocol))
    with pytest.raises(EvalkitError, match=r"rejected.*could execute code"):
        checkpoints.read_state(path)
    saved(path, {"state_dict": {"a": Executes(tmp_path / "done")}})
    with pytest.raises(EvalkitError, match=r"could execute code .*mkdir"):
        checkpoints.read_state(path)
    assert not (tmp_path / "done").exists()


def test_a_damaged_file_is_rejected_with_its_name(tmp_path: Path):
    whole = io.BytesIO()
    torch.save(network().state_dict(), whole)
    for content in (b"", b"not a checkpoint", whole.getvalue()[:500]):
        (tmp_path / "c.pth").write_bytes(content)
        with pytest.raises(EvalkitError, match=r"c\.pth"):
            checkpoints.read_state(tmp_path / "c.pth")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([1, 2], "not a dictionary of tensors"),
        ({}, "contains no tensor"),
        ({"state_dict": 3}, r"not a dictionary of tensors \(found state_dict: int\)"),
        ({"a": torch.zeros(1), "b": "text"}, "b: str"),
        ({"a": torch.tensor([float("nan")])}, "not finite"),
    ],
)
def test_a_file_that_is_not_a_checkpoint_is_rejected_with_a_message(tmp_path: Path, content: object, complaint: str):
    with pytest.raises(EvalkitError, match=complaint):
        checkpoints.read_state(saved(tmp_path / "c.pth", content))


def test_fitting_copies_every_tensor_and_needs_no_batch_counter():
    source, target = network(), network()
    state = {key: value for key, value in source.state_dict().items() if not key.endswith("num_batches_tracked")}
    checkpoints.fit(target, state, where="c.pth")
    assert all(torch.equal(value, source.state_dict()[key]) for key, value in target.state_dict().items())


def test_the_first_tensors_that_do_not_fit_are_named():
    state = network().state_dict()
    with pytest.raises(EvalkitError, match=r"0\.weight is missing.*1 missing, 0 left over"):
        checkpoints.fit(network(), {key: value for key, value in state.items() if key != "0.weight"}, where="c.pth")
    with pytest.raises(EvalkitError, match="extra does not exist in the network"):
        checkpoints.fit(network(), {**state, "extra": torch.zeros(1)}, where="c.pth")
    with pytest.raises(EvalkitError, match=r"0\.weight is 4x3x1x1 and should be 4x3x3x3"):
        checkpoints.fit(network(), {**state, "0.weight": torch.zeros(4, 3, 1, 1)}, where="c.pth")


def test_unused_tensors_may_be_left_over():
    state = {**network().state_dict(), "align_head.weight": torch.zeros(1)}
    checkpoints.fit(network(), state, where="c.pth", unused=("align_head.",))


def test_a_missing_file_is_reported_with_its_name(tmp_path: Path):
    with pytest.raises(EvalkitError, match=r"gone\.pth: this checkpoint cannot be read: No such file"):
        checkpoints.read_state(tmp_path / "gone.pth")
