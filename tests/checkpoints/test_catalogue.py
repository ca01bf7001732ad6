from __future__ import annotations

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from evalkit.checkpoints import catalogue
from evalkit.errors import EvalkitError

NAME = "lighttrack-m"


class Executes:
    """Unpickling it creates a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No checkpoint in the environment, the cache or the package."""
    monkeypatch.delenv("EVALKIT_WEIGHTS", raising=False)
    monkeypatch.setattr(catalogue, "cache_directory", lambda: tmp_path / "cache")
    monkeypatch.setattr(catalogue, "bundle_directory", lambda: tmp_path / "bundle")
    return tmp_path


def saved(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(value, path)
    return path


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def test_without_a_file_the_error_says_which_where_and_from_whom(nowhere: Path):
    with pytest.raises(EvalkitError) as caught:
        catalogue.find(NAME)
    for part in ("LightTrackM.pth", "researchmm/LightTrack", "95badd720f00088d0542e821f4d0636c38e9a368", "--weights"):
        assert part in str(caught.value)
    assert str(nowhere / "cache") in str(caught.value)
    assert str(nowhere / "bundle") in str(caught.value)


def test_a_checkpoint_nobody_published_has_to_be_named(nowhere: Path):
    with pytest.raises(EvalkitError, match="Nobody published one: name it with --weights"):
        catalogue.find("lighttrack:back_0+cls_0+reg_0_ops_10")


def test_the_named_file_goes_before_the_environment_the_cache_and_the_package(nowhere: Path, monkeypatch):
    bundled = saved(nowhere / "bundle" / "lighttrack-m.safetensors", 0)
    assert catalogue.find(NAME).path == bundled
    cached = saved(nowhere / "cache" / "LightTrackM.pth", 1)
    assert (catalogue.find(NAME).path, catalogue.find(NAME).place) == (cached, "the cache")
    folder = saved(nowhere / "mine" / "lighttrack_m_fp16.pth", 2).parent
    monkeypatch.setenv("EVALKIT_WEIGHTS", str(folder))
    assert catalogue.find(NAME).path == folder / "lighttrack_m_fp16.pth"
    monkeypatch.setenv("EVALKIT_WEIGHTS", str(saved(nowhere / "one.pth", 3)))
    assert catalogue.find(NAME).path == nowhere / "one.pth"
    named = saved(nowhere / "other.pth", 4)
    assert catalogue.find(NAME, named).path == named


def test_a_named_file_that_is_not_there_is_not_replaced_by_another(nowhere: Path):
    saved(nowhere / "bundle" / "lighttrack-m.safetensors", 0)
    with pytest.raises(EvalkitError, match="there is no checkpoint here"):
        catalogue.find(NAME, nowhere / "misspelt.pth")


def test_an_environment_variable_that_names_nothing_is_an_error(nowhere: Path, monkeypatch):
    saved(nowhere / "bundle" / "lighttrack-m.safetensors", 0)
    monkeypatch.setenv("EVALKIT_WEIGHTS", str(nowhere / "misspelt"))
    with pytest.raises(EvalkitError, match=r"\$EVALKIT_WEIGHTS: it names nothing"):
        catalogue.find(NAME)


def test_a_folder_with_several_checkpoints_gives_the_one_of_that_name(nowhere: Path):
    saved(nowhere / "all" / "siamrpnpp_r50_otb.pth", 0)
    right = saved(nowhere / "all" / "siamrpnpp-r50.pth", 1)
    assert catalogue.find("siamrpnpp-r50", right.parent).path == right


def test_git_s_id_of_a_file_is_what_git_prints(tmp_path: Path):
    file = tmp_path / "hello"
    file.write_bytes(b"hello\n")
    assert catalogue.git_blob(file) == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_every_catalogue_entry_says_what_a_person_needs_to_get_it():
    for name, checkpoint in catalogue.catalogue().items():
        assert checkpoint.name == name
        assert checkpoint.page.startswith("https://")
        assert checkpoint.file.endswith(catalogue.SUFFIXES)
        assert checkpoint.publisher


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
    read = catalogue.read_state(saved(tmp_path / "c.pth", wrap(state)))
    assert list(read) == list(state)
    assert all(torch.equal(read[key], state[key]) for key in state)


def test_safetensors_are_read_as_well(tmp_path: Path):
    from safetensors.torch import save_file

    state = network().state_dict()
    save_file(state, tmp_path / "c.safetensors")
    read = catalogue.read_state(tmp_path / "c.safetensors")
    assert set(read) == set(state)
    (tmp_path / "c.safetensors").write_bytes(b"no")
    with pytest.raises(EvalkitError, match="cannot be read"):
        catalogue.read_state(tmp_path / "c.safetensors")


def test_numpy_scalars_of_an_optimizer_are_harmless(tmp_path: Path):
    content = {"state_dict": network().state_dict(), "optimizer": {"lr": np.float64(0.1)}}
    assert catalogue.read_state(saved(tmp_path / "c.pth", content))


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_executes_code_is_refused_and_does_not(tmp_path: Path, protocol: int):
    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps({"state_dict": {"a": Executes(tmp_path / "done")}}, protocol=protocol))
    with pytest.raises(EvalkitError, match="could execute code"):
        catalogue.read_state(path)
    saved(path, {"state_dict": {"a": Executes(tmp_path / "done")}})
    with pytest.raises(EvalkitError, match=r"could execute code .*mkdir"):
        catalogue.read_state(path)
    assert not (tmp_path / "done").exists()


def test_a_damaged_file_is_refused_in_words(tmp_path: Path):
    whole = io.BytesIO()
    torch.save(network().state_dict(), whole)
    for content in (b"", b"not a checkpoint", whole.getvalue()[:500]):
        (tmp_path / "c.pth").write_bytes(content)
        with pytest.raises(EvalkitError, match=r"c\.pth"):
            catalogue.read_state(tmp_path / "c.pth")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([1, 2], "not a dictionary of tensors"),
        ({}, "holds no tensor"),
        ({"state_dict": 3}, r"not a dictionary of tensors \(found state_dict: int\)"),
        ({"a": torch.zeros(1), "b": "text"}, "b: str"),
        ({"a": torch.tensor([float("nan")])}, "not finite"),
    ],
)
def test_what_is_no_checkpoint_is_refused_in_words(tmp_path: Path, content: object, complaint: str):
    with pytest.raises(EvalkitError, match=complaint):
        catalogue.read_state(saved(tmp_path / "c.pth", content))


def test_fitting_copies_every_tensor_and_needs_no_batch_counter():
    source, target = network(), network()
    state = {key: value for key, value in source.state_dict().items() if not key.endswith("num_batches_tracked")}
    catalogue.fit(target, state, where="c.pth")
    assert all(torch.equal(value, source.state_dict()[key]) for key, value in target.state_dict().items())


def test_the_first_tensors_that_do_not_fit_are_named():
    state = network().state_dict()
    with pytest.raises(EvalkitError, match=r"0\.weight is missing.*1 missing, 0 left over"):
        catalogue.fit(network(), {key: value for key, value in state.items() if key != "0.weight"}, where="c.pth")
    with pytest.raises(EvalkitError, match="extra has no place in it"):
        catalogue.fit(network(), {**state, "extra": torch.zeros(1)}, where="c.pth")
    with pytest.raises(EvalkitError, match=r"0\.weight is 4x3x1x1 and should be 4x3x3x3"):
        catalogue.fit(network(), {**state, "0.weight": torch.zeros(4, 3, 1, 1)}, where="c.pth")


def test_what_is_declared_unused_may_be_left_over():
    state = {**network().state_dict(), "align_head.weight": torch.zeros(1)}
    catalogue.fit(network(), state, where="c.pth", unused=("align_head.",))


@pytest.mark.parity
@pytest.mark.parametrize(("name", "count"), [("nanotrack-v1", 231), ("nanotrack-v2", 298), ("nanotrack-v3", 438)])
def test_the_authors_nanotrack_files_are_recognised_and_read(data: Path, name: str, count: int):
    found = catalogue.find(name, data / "weights")
    assert found.identity.startswith("the file published as HonglinChu/SiamTrackers")
    assert len(catalogue.read_state(found.path)) == count


@pytest.mark.parity
def test_the_recovered_lighttrack_file_says_that_it_is_not_the_official_one(data: Path):
    found = catalogue.find(NAME, data / "weights")
    assert "not equal to it" in found.identity
