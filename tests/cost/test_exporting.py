"""Exports of a tracker: files, manifest, and refused requests."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from evalkit import registry, runtimes
from evalkit.cost import exporting
from evalkit.cost.exporting import export_tracker
from evalkit.errors import EvalkitError
from evalkit.registry import TrackerEntry
from evalkit.types import Box, Execution, Image, NetworkPart, Prediction, Region


class Split:
    """A split tracker of two parts that returns its first box."""

    card: dict[str, Any] = {"weights": None}  # noqa: RUF012  the protocol's name

    def __init__(self, runtime: str = "torch", precision: str = "fp32") -> None:
        torch.manual_seed(0)
        module = torch.nn.Conv2d(3, 4, 3).eval()
        example = (np.zeros((1, 3, 16, 16), np.float32),)
        self._parts = tuple(NetworkPart(name, module, example, ("x",), ("y",)) for name in ("search", "template"))
        self.network = runtimes.load(self._parts[0], Execution(runtime, precision))

    def initialize(self, image: Image, region: Region) -> None:
        self.region = region

    def crop(self, image: Image) -> tuple[NDArray[Any], ...]:
        return (np.ascontiguousarray(image[:16, :16].transpose(2, 0, 1)[None], dtype=np.float32),)

    def locate(self, response: tuple[NDArray[Any], ...]) -> Prediction:
        return Prediction(self.region)

    def update(self, image: Image) -> Prediction:
        return self.locate(self.network(*self.crop(image)))

    def sibling(self) -> Split:
        return self

    def parts(self) -> tuple[NetworkPart, ...]:
        return self._parts


class Whole:
    def initialize(self, image: Image, region: Region) -> None: ...

    def update(self, image: Image) -> Prediction:
        return Prediction(Box(0, 0, 1, 1))


@pytest.fixture(autouse=True)
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    quick = partial(exporting.compare_tracking, sequences=1, frames=3)
    monkeypatch.setattr(exporting, "compare_tracking", quick)
    with registry.tracker.temporarily(TrackerEntry("split", Split, ""), TrackerEntry("whole", Whole, "")):
        yield


def test_the_manifest_has_inputs_hashes_and_differences_from_torch(tmp_path: Path) -> None:
    pytest.importorskip("ncnn")
    manifest = export_tracker("split", runtime="ncnn", output=tmp_path / "out")
    assert json.loads((tmp_path / "out" / "manifest.json").read_text()) == manifest
    assert [part["folder"] for part in manifest["parts"]] == ["search", "template"]
    for part in manifest["parts"]:
        assert part["inputs"] == [{"name": "x", "shape": [1, 3, 16, 16], "dtype": "float32"}]
        assert part["differences"]["y"] < 1e-4
        for name, digest in part["files"].items():
            assert hashlib.sha256((tmp_path / "out" / part["folder"] / name).read_bytes()).hexdigest() == digest
    assert manifest["tracking"]["overlap_with_torch"] == 1.0
    assert manifest["tracking"]["auc_lost"] == 0.0


def test_an_earlier_export_is_replaced_and_other_folders_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("ncnn")
    export_tracker("split", runtime="ncnn", output=tmp_path / "out")
    export_tracker("split", runtime="ncnn", precision="bf16", output=tmp_path / "out")
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["precision"] == "bf16"
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(EvalkitError, match="not empty and holds no export"):
        export_tracker("split", runtime="ncnn", output=tmp_path / "photos")


def test_a_runtime_without_a_format_is_refused_with_those_that_have_one(tmp_path: Path) -> None:
    known = r"torch executes the module itself .*expected executorch, litert, ncnn, onnxruntime, openvino"
    with pytest.raises(EvalkitError, match=known):
        export_tracker("split", runtime="torch", output=tmp_path / "out")


def test_a_tracker_without_a_network_cannot_be_exported(tmp_path: Path) -> None:
    pytest.importorskip("ncnn")
    with pytest.raises(EvalkitError, match="whole: this tracker has no network to export"):
        export_tracker("whole", runtime="ncnn", output=tmp_path / "out")


def test_a_missing_runtime_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EvalkitError, match="is not installed here"):
        export_tracker("split", runtime="ncnn", output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
