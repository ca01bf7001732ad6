"""`evalkit weights`, `evalkit train` and `evalkit data render` as a person meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from evalkit.checkpoints import Checkpoint, catalogue, sha256
from evalkit.cli import main
from evalkit.trackers._lighttrack.training import tile_bank

TINY = "lighttrack:back_00000000000000000000+cls_002222222+reg_002222222_ops_20"


def evalkit(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return int(end.value.code or 0)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("EVALKIT_WEIGHTS", raising=False)
    return tmp_path / "cache" / "weights"


@pytest.mark.usefixtures("cache")
def test_the_list_names_a_source_for_every_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    assert evalkit("weights", "list", "--format", "json") == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["records"]}
    assert rows["lighttrack-m"]["git_blob"] == "95badd720f00088d0542e821f4d0636c38e9a368"
    assert rows["nanotrack-v1"]["automatic"]
    assert evalkit("weights", "list") == 0
    assert "not on this machine" in capsys.readouterr().out


@pytest.mark.usefixtures("cache")
def test_fetching_what_cannot_be_fetched_explains_where_to_click(capsys: pytest.CaptureFixture[str]) -> None:
    assert evalkit("weights", "fetch", "ocean") == 2
    complaint = capsys.readouterr().err
    assert "cannot be fetched automatically" in complaint
    assert "OceanV.pth" in complaint


def test_verifying_another_file_exits_with_1(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.mkdir(parents=True)
    torch.save({"a": torch.zeros(2)}, cache / "toy.pth")
    published = Checkpoint("toy", "toy.pth", "https://example.org", "example", sha256=sha256(cache / "toy.pth"))
    monkeypatch.setattr(catalogue, "published", lambda: {"toy": published})
    assert evalkit("weights", "verify", "toy") == 0
    assert "the published file" in capsys.readouterr().out
    torch.save({"a": torch.ones(2)}, cache / "toy.pth")
    assert evalkit("weights", "verify", "toy", "--format", "json") == 1
    assert "sha256" in json.loads(capsys.readouterr().out)["records"][0]["problem"]


def test_a_training_that_is_there_needs_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = tile_bank.join_banks([tile_bank.render_tiles(7, backgrounds=4, objects=12)] * 8)
    monkeypatch.setattr(tile_bank, "render_tiles", lambda seed: small)
    command = ("train", TINY, "--output", tmp_path / "run", "--batch", 2, "--validate", 0, "--steps")
    assert evalkit(*command, 1) == 0
    assert (tmp_path / "run" / "weights.safetensors").is_file()
    assert evalkit(*command, 2) == 2
    assert "Add --resume" in capsys.readouterr().err
    assert evalkit(*command, 2, "--resume") == 0
    assert evalkit(*command, 3, "--resume", "--precision", "bf16") == 2
    message = capsys.readouterr().err
    assert "another precision (found fp32, expected bf16). Repeat its options, or train in a new folder" in message
    assert evalkit("train", "mosse", "--output", tmp_path / "other") == 2
    assert "no training recipe" in capsys.readouterr().err


def test_a_bank_of_tiles_is_built_alone_and_trained_on_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = tile_bank.join_banks([tile_bank.render_tiles(7, backgrounds=4, objects=12)] * 8)
    monkeypatch.setattr(tile_bank, "render_tiles", lambda seed: small)
    assert evalkit("train", TINY, "--output", tmp_path / "tiles", "--only-tiles") == 0
    (bank,) = (tmp_path / "tiles").iterdir()
    assert capsys.readouterr().out == f"wrote {bank}\n"
    monkeypatch.setattr(tile_bank, "render_tiles", lambda seed: pytest.fail("the bank is there"))
    options = ("--output", tmp_path / "run", "--batch", 2, "--validate", 0, "--steps", 1, "--tiles", bank)
    assert evalkit("train", TINY, *options) == 0
    record = json.loads((tmp_path / "run" / "training.json").read_text())
    assert (record["tiles"], record["things"]) == (sha256(bank), 96 - 8)


def test_rendering_a_layout_writes_a_tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("data", "render", "--layout", "vot-longterm", "--output", tmp_path / "tree", "--sequences", "turning")
    assert evalkit(*command) == 0
    assert "wrote 1 sequence" in capsys.readouterr().out
    assert len(list((tmp_path / "tree" / "turning" / "color").iterdir())) == 120
    assert evalkit(*command) == 2
    assert "not an empty folder" in capsys.readouterr().err
