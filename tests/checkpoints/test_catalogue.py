from __future__ import annotations

from pathlib import Path

import pytest
import torch

from evalkit import checkpoints
from evalkit.checkpoints import catalogue
from evalkit.errors import EvalkitError

NAME = "lighttrack-m"


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


def test_without_a_file_the_error_names_the_file_the_searched_places_and_the_publisher(nowhere: Path):
    with pytest.raises(EvalkitError) as caught:
        checkpoints.find(NAME)
    for part in ("LightTrackM.pth", "researchmm/LightTrack", "95badd720f00088d0542e821f4d0636c38e9a368", "--weights"):
        assert part in str(caught.value)
    assert str(nowhere / "cache") in str(caught.value)
    assert str(nowhere / "bundle") in str(caught.value)


def test_an_unpublished_checkpoint_has_to_be_passed(nowhere: Path):
    with pytest.raises(EvalkitError, match=r"No checkpoint is published for this network\. Pass the file with"):
        checkpoints.find("lighttrack:back_0+cls_0+reg_0_ops_10")


def test_the_given_file_has_priority_over_the_environment_the_cache_and_the_package(nowhere: Path, monkeypatch):
    bundled = saved(nowhere / "bundle" / "lighttrack-m.safetensors", 0)
    assert checkpoints.find(NAME).path == bundled
    cached = saved(nowhere / "cache" / "LightTrackM.pth", 1)
    assert (checkpoints.find(NAME).path, checkpoints.find(NAME).place) == (cached, "the cache")
    folder = saved(nowhere / "mine" / "lighttrack_m_fp16.pth", 2).parent
    monkeypatch.setenv("EVALKIT_WEIGHTS", str(folder))
    assert checkpoints.find(NAME).path == folder / "lighttrack_m_fp16.pth"
    monkeypatch.setenv("EVALKIT_WEIGHTS", str(saved(nowhere / "one.pth", 3)))
    assert checkpoints.find(NAME).path == nowhere / "one.pth"
    named = saved(nowhere / "other.pth", 4)
    assert checkpoints.find(NAME, named).path == named


def test_a_given_file_that_does_not_exist_is_not_replaced_by_another(nowhere: Path):
    saved(nowhere / "bundle" / "lighttrack-m.safetensors", 0)
    with pytest.raises(EvalkitError, match="there is no checkpoint here"):
        checkpoints.find(NAME, nowhere / "misspelt.pth")


def test_an_environment_variable_with_a_path_that_does_not_exist_is_an_error(nowhere: Path, monkeypatch):
    saved(nowhere / "bundle" / "lighttrack-m.safetensors", 0)
    monkeypatch.setenv("EVALKIT_WEIGHTS", str(nowhere / "misspelt"))
    with pytest.raises(EvalkitError, match=r"\$EVALKIT_WEIGHTS: the path does not exist"):
        checkpoints.find(NAME)


def test_the_checkpoint_of_the_name_is_taken_from_a_folder_of_several(nowhere: Path):
    saved(nowhere / "all" / "siamrpnpp_r50_otb.pth", 0)
    right = saved(nowhere / "all" / "siamrpnpp-r50.pth", 1)
    assert checkpoints.find("siamrpnpp-r50", right.parent).path == right


def test_the_git_blob_id_is_that_of_git(tmp_path: Path):
    file = tmp_path / "hello"
    file.write_bytes(b"hello\n")
    assert catalogue.git_blob(file) == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_every_catalogue_entry_names_file_page_and_publisher():
    for name, checkpoint in checkpoints.published().items():
        assert checkpoint.name == name
        assert checkpoint.page.startswith("https://")
        assert checkpoint.file.endswith(catalogue.SUFFIXES)
        assert checkpoint.publisher


@pytest.mark.parity
@pytest.mark.parametrize(("name", "count"), [("nanotrack-v1", 231), ("nanotrack-v2", 298), ("nanotrack-v3", 438)])
def test_the_authors_nanotrack_files_are_recognised_and_read(data: Path, name: str, count: int):
    found = checkpoints.find(name, data / "weights")
    assert found.identity.startswith("the file published as HonglinChu/SiamTrackers")
    assert len(checkpoints.read_state(found.path)) == count


@pytest.mark.parity
def test_the_recovered_lighttrack_file_is_described_as_not_the_official_one(data: Path):
    found = checkpoints.find(NAME, data / "weights")
    assert "not equal to it" in found.identity
