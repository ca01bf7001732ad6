"""Networks that evalkit does not execute itself, in a tracker of a file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from own_networks import CONV, LINEAR, profile, values

from evalkit import registry
from evalkit.cost import profiling
from evalkit.cost.exporting import export_tracker
from evalkit.cost.network_calls import observe_networks
from evalkit.cost.update_costs import find_networks
from evalkit.factories import create_tracker
from evalkit.types import Execution

pytestmark = pytest.mark.usefixtures("own_networks")


def test_the_network_of_a_tracker_in_a_file_is_timed_in_every_runtime() -> None:
    pytest.importorskip("onnxruntime")
    only = [registry.runtime.find(name) for name in ("torch", "onnxruntime", "torch-cuda-graph")]
    with registry.runtime.temporarily(*only, instead=True):
        costs = profile("nets.py:Own", "all")
    found = values(costs)
    assert found["macs", "conv"] == CONV
    assert found["macs", "all"] == CONV + LINEAR
    assert found["latency_p50", "network"] is not None
    onnx = values(costs, "onnxruntime")
    assert onnx["latency_p50", "network"] is not None
    assert onnx["cpu_speedup", "network"] is not None
    assert 0 <= (onnx["parity", "max difference over max"] or 0) < 1e-4
    (refused,) = [one for one in costs if one.runtime == "torch-cuda-graph"]
    assert refused.value is None
    assert "does not run on cpu" in refused.not_counted[0]
    assert values(costs, "")["latency_p50", "update"] is not None, "the whole tracker is timed too"


def test_calls_with_constants_and_keys_become_functions_of_tensors() -> None:
    used = observe_networks(create_tracker("nets.py:Own"))
    assert used is not None
    (part,) = used.parts
    assert (part.name, part.inputs, part.outputs) == ("search", ("x",), ("boxes", "maps_0", "maps_1"))
    assert part.example[0].shape == (1, 3, 32, 32)
    boxes, features, _ = part.module(torch.from_numpy(part.example[0]))
    torch.testing.assert_close(features, 2.0 * part.module.network.backbone(torch.from_numpy(part.example[0])))
    assert boxes.shape == (1, 4)
    assert {name: len(inputs) for name, inputs in used.samples.items()} == {"search": 8}


def test_methods_of_a_network_that_keep_a_state_are_networks_of_their_own() -> None:
    used = observe_networks(create_tracker("nets.py:Methods"))
    assert used is not None
    assert [(one.name, one.inputs, one.outputs) for one in used.parts] == [
        ("search", ("x",), ("output",)), ("template", ("z",), ("output",)),
    ]  # fmt: skip


def test_tensors_in_lists_and_tuples_are_inputs_and_outputs_with_names_of_their_own() -> None:
    used = observe_networks(create_tracker("nets.py:Lists"))
    assert used is not None
    (part,) = used.parts
    assert part.inputs == ("images_0", "images_1")
    assert part.outputs == ("output_0_boxes", "output_1")
    assert [value.shape for value in part.example] == [(1, 3, 32, 32), (1, 3, 16, 16)]


def test_a_call_without_tensors_is_replaced_by_those_inside_of_it() -> None:
    used = observe_networks(create_tracker("nets.py:Wrapped"))
    assert used is not None
    assert [one.name for one in used.parts] == ["search-backbone", "search-head-layer"]


def test_observing_leaves_the_tracker_as_it_was() -> None:
    tracker = create_tracker("nets.py:Methods")
    observe_networks(tracker)
    for network in find_networks(tracker).values():
        for module in network.modules():
            assert not {"forward", "track", "template"} & set(vars(module))


@pytest.mark.parametrize("tracker", ["nets.py:Own", "nets.py:Methods", "network:nets.py:module"])
def test_an_export_runs_without_evalkit_and_gives_the_outputs_of_torch(tracker: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    manifest = export_tracker(tracker, runtime="onnxruntime", output=tmp_path / "out")
    assert manifest["tracking"] is None
    answer = subprocess.run(
        [sys.executable, "-I", tmp_path / "out" / "reference.py"], capture_output=True, text=True, check=True
    )
    lines = answer.stdout.splitlines()
    assert len(lines) == sum(len(part["outputs"]) for part in manifest["parts"]) > 0
    assert all(float(line.rpartition(" ")[2]) < 1e-4 for line in lines)


def test_the_manifest_says_what_was_measured_what_was_stated_and_what_is_unknown(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    usage = export_tracker("nets.py:Own", runtime="onnxruntime", output=tmp_path / "out")["usage"]
    part = usage["parts"]["search"]
    image = part["inputs"]["x"]
    assert image["colours"] == "BGR"
    assert image["layout"] == "NCHW: batch, channel, row, column"
    assert image["range"] == "-2..3.1, -2..3.1, -2..3.1"
    assert "channel 0: pixel * 0.02 + -2" in image["normalisation"]
    assert image["source"] == "measured with frames of one colour"
    assert part["outputs"]["boxes"] == {"meaning": "cx, cy, width, height", "unit": "fraction of the crop"}
    assert part["outputs"]["maps_0"] == {"meaning": "unknown", "unit": "unknown"}
    json.loads((tmp_path / "out" / "manifest.json").read_text())


@pytest.mark.slow
def test_int8_of_a_tracker_s_network_is_calibrated_on_its_own_inputs(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    manifest = export_tracker("nets.py:Own", runtime="onnxruntime", precision="int8", output=tmp_path / "out")
    assert manifest["parts"][0]["computes_in"] == "int8"
    assert 0 < manifest["parts"][0]["differences"]["boxes"] < 0.5


@pytest.mark.slow
def test_int8_calibrates_each_of_several_networks_on_its_own_inputs(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    manifest = export_tracker("nets.py:Divided", runtime="onnxruntime", precision="int8", output=tmp_path / "out")
    computed = {part["folder"]: part["computes_in"] for part in manifest["parts"]}
    assert computed == {"search-backbone": "int8", "search-head": "int8"}
    execution = Execution("onnxruntime", precision="int8")
    costs = profiling.profile_trackers(["nets.py:Divided"], [execution])
    timed = {one.convention for one in costs if one.runtime == "onnxruntime" and one.quantity == "fps"}
    assert timed == {"search-backbone", "search-head"}
