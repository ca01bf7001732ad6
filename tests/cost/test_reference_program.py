"""The reference program of an export, with OpenCV and ONNX Runtime alone, gives evalkit's boxes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import evalkit
from evalkit import registry
from evalkit.cost.exporting import export_tracker
from evalkit.factories import create_tracker
from evalkit.trackers._siamese.model import SiameseModel
from evalkit.trackers._siamese.tracker import SiameseTracker
from evalkit.types import DescribedTracker

WITHOUT_EVALKIT = """
import runpy, sys
for name in ("evalkit", "torch", "pandas", "scipy"):
    sys.modules[name] = None  # importing it fails
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
CASES = {
    "nanotrack-v2": ("nanotrack_v2.pth", "Man", (70, 51, 26, 39)),
    "lighttrack-m": ("lighttrack_m_fp16.pth", "Man", (70, 51, 26, 39)),
    "a small target": ("lighttrack_m_fp16.pth", "Man", (75, 57, 14, 18)),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_reference_program_gives_the_same_boxes_without_evalkit(case: str, data: Path, tmp_path: Path):
    file, sequence, box = CASES[case]
    tracker = "nanotrack-v2" if case == "nanotrack-v2" else "lighttrack-m"
    weights, images = data / "weights" / file, data / "datasets" / "OTB" / sequence / "img"
    manifest = export_tracker(tracker, runtime="onnxruntime", output=tmp_path / "export", weights=weights)
    ours = evalkit.track(images, tracker, box=box, weights=weights, outputs=[]).trajectory.boxes
    answer = subprocess.run(
        [sys.executable, "-I", "-c", WITHOUT_EVALKIT, str(tmp_path / "export" / "reference.py"), str(images),
         ",".join(map(str, box))],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    theirs = np.array([[float(value) for value in line.split(",")] for line in answer.stdout.splitlines()])
    assert len(theirs) == len(ours) >= 100
    assert np.abs(theirs - ours).max() < 0.01
    assert np.abs(theirs[-1] - theirs[0]).max() > 1  # it moved
    sizes = manifest["usage"]["search"]
    assert list(sizes) == (["255"] if tracker == "nanotrack-v2" else ["256", "288"])
    for one in sizes.values():
        assert (tmp_path / "export" / one["folder"] / "network.onnx").is_file()


def test_the_manifest_says_what_a_stranger_needs(tmp_path: Path):
    export_tracker("lighttrack-m", runtime="onnxruntime", output=tmp_path)
    usage = json.loads((tmp_path / "manifest.json").read_text())["usage"]
    assert usage["input"]["colours"] == "RGB"
    assert usage["input"]["range"] == "0..255"
    assert "normalises by ImageNet's mean and deviation itself" in usage["input"]["normalisation"]
    assert "sigmoid" in usage["outputs"]["meaning"]["cls"]
    assert "pixels" in usage["outputs"]["meaning"]["reg"]
    assert usage["search"]["288"] == {"folder": "search-288", "cells": 18}
    assert usage["stride"] == 16
    assert any("288 pixels instead of 256" in step for step in usage["steps"])


def test_another_runtime_s_export_is_described_too_and_has_no_program_for_onnx(tmp_path: Path):
    pytest.importorskip("ncnn")
    manifest = export_tracker("lighttrack-m", runtime="ncnn", output=tmp_path)
    assert manifest["usage"]["decode"] == "distances"
    assert not (tmp_path / "reference.py").exists()


@pytest.mark.parametrize("family", ["lighttrack", "nanotrack", "siamrpn", "ocean"])
def test_every_family_of_siamese_trackers_describes_its_networks(family: str, monkeypatch: pytest.MonkeyPatch):
    models: list[SiameseModel] = []
    monkeypatch.setattr("evalkit.trackers._siamese.build.build_tracker", lambda model, *_, **__: models.append(model))
    entries = [one for one in registry.tracker.entries() if one.module == f"evalkit.trackers.{family}"]
    for entry in entries:
        if not entry.name.endswith(":"):
            entry.build(benchmark="vot2019")
    assert models
    for model in models:
        networks = SimpleNamespace(parts=(SimpleNamespace(outputs=model.outputs),))
        values = model.hyperparameters[0].values
        tracker = SiameseTracker(model.rules, values, networks=networks, card={}, image_format=model.image_format)
        usage = tracker.usage()
        assert usage is not None
        assert set(usage["outputs"]["meaning"]) == set(model.outputs)
        json.dumps(usage, allow_nan=False)


def test_a_siamese_tracker_is_described():
    assert isinstance(create_tracker("lighttrack-m"), DescribedTracker)
