"""Networks that evalkit does not execute itself: those in a tracker of a file, a module with inputs, an ONNX file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import evalkit
from evalkit import registry
from evalkit.cost import latency, macs, onnx_file, profiling
from evalkit.cost.exporting import export_tracker
from evalkit.cost.latency import Rules
from evalkit.cost.network_calls import observe_networks
from evalkit.cost.update_costs import find_networks
from evalkit.errors import EvalkitError
from evalkit.factories import create_tracker
from evalkit.runtimes.onnx_export import export_onnx
from evalkit.types import Cost, Execution, NetworkPart

NETWORK = '''
"""A tracker with its own network, which takes BGR images in its own normalisation."""

import cv2
import numpy as np
import torch
from evalkit import Box, Prediction


class Head(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(8, 1, 1)

    def forward(self, answer):
        return self.layer(answer.features)


class Answer:
    """Features that are no tensor."""

    def __init__(self, features):
        self.features = features


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.backbone = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.linear = torch.nn.Linear(8, 4)
        self.head = Head()

    def forward(self, x, scale=1.0, *, mask=None):
        features = self.backbone(x) * scale
        return {"boxes": self.linear(features.mean((2, 3))), "maps": [features, features.relu()]}

    def template(self, z):
        self.kernel = self.backbone(z).mean((2, 3), keepdim=True)
        return self.kernel

    def track(self, x):
        return (self.backbone(x) * self.kernel).sum(1)

    def pair(self, images):
        return {"boxes": self.linear(self.backbone(images[0]).mean((2, 3)))}, images[1].mean()[None], 3


def image(frame, size, order=(2, 1, 0)):
    crop = cv2.resize(frame, (size, size))[..., order].astype(np.float32)
    return torch.from_numpy((crop - 100) / 50).permute(2, 0, 1)[None]


class Own:
    usage = {"outputs": {"boxes": {"meaning": "cx, cy, width, height", "unit": "fraction of the crop"}}}

    def __init__(self):
        self.network = Network().eval()

    def initialize(self, frame, region):
        self.region = region

    def update(self, frame):
        with torch.no_grad():
            self.network(image(frame, 32), 2.0, mask=None)
        return Prediction(self.region)


class Methods(Own):
    """Calls methods of its network that keep a state in it."""

    def initialize(self, frame, region):
        super().initialize(frame, region)
        with torch.no_grad():
            self.network.template(image(frame, 16))

    def update(self, frame):
        with torch.no_grad():
            self.network.track(image(frame, 32))
        return Prediction(self.region)


class Lists(Own):
    """Gives its network images in a list, and gets a tuple of different things."""

    def update(self, frame):
        with torch.no_grad():
            self.network.pair([image(frame, 32), image(frame, 16)])
        return Prediction(self.region)


class Wrapped(Own):
    """Calls a head with an object that is no tensor."""

    def update(self, frame):
        with torch.no_grad():
            self.network.head(Answer(self.network.backbone(image(frame, 32))))
        return Prediction(self.region)


class Divided(Own):
    """Calls two networks one after the other."""

    def __init__(self):
        super().__init__()
        self.backbone, self.head, self.network = self.network.backbone, self.network.head.layer, None

    def update(self, frame):
        with torch.no_grad():
            self.head(self.backbone(image(frame, 32)))
        return Prediction(self.region)


def module():
    return Network(), {"x": torch.rand(1, 3, 32, 32)}


def misstating():
    return Network(), torch.rand(2, 3, 32, 32), {"inputs": {"x": "RGB"}}


def stating():
    return Network(), torch.rand(2, 3, 32, 32), {"inputs": {"x": {"colours": "RGB"}}}


class Lightning(Network):
    example_input_array = torch.rand(1, 3, 32, 32)


def without_inputs():
    return Network()


def wrong_inputs():
    return Network(), torch.rand(1, 5, 32, 32)


def no_module():
    return "a network", torch.rand(1)


def failing():
    raise ValueError("no checkpoint")


ready = Lightning()
'''
CONV, LINEAR = 32 * 32 * 8 * 27, 8 * 4


@pytest.fixture(autouse=True)
def _short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(latency.RULES, "quick", Rules("quick", warmup=1, queries=5, seconds=0.0))
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(NETWORK)
    yield


def profile(tracker: str, *runtimes: str, **options: Any) -> list[Cost]:
    executions = [Execution(runtime) for runtime in runtimes or ("torch",)]
    return profiling.profile_trackers([tracker], executions, **options)


def values(costs: list[Cost], runtime: str = "torch") -> dict[tuple[str, str], float | None]:
    counted = ("macs", "parameters")
    return {
        (one.quantity, one.convention): one.value for one in costs if one.runtime == runtime or one.quantity in counted
    }


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


def test_the_manifest_of_a_bare_network_says_plainly_what_is_not_known(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    export = partial(export_tracker, runtime="onnxruntime")
    usage = export("network:nets.py:module", output=tmp_path / "one")["usage"]
    image = usage["parts"]["network"]["inputs"]["x"]
    assert (image["colours"], image["normalisation"], image["range"]) == ("unknown", "unknown", "unknown")
    assert "How the outputs become a box is not known" in usage["note"]
    stated = export("network:nets.py:stating", output=tmp_path / "two")
    assert stated["usage"]["parts"]["network"]["inputs"]["x"]["colours"] == "RGB"
    (part,) = stated["parts"]
    assert (part["batch"], part["inputs"][0]["shape"]) == ("fixed", [2, 3, 32, 32])


def test_a_usage_that_is_no_dict_is_named(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(EvalkitError, match=r"usage\['inputs'\]\['x'\]: .* is not a dict .found str"):
        export_tracker("network:nets.py:misstating", runtime="onnxruntime", output=tmp_path / "out")


@pytest.mark.parametrize("name", ["module", "Lightning", "ready"])
def test_a_bare_network_is_counted_and_timed(name: str) -> None:
    found = values(profile(f"network:nets.py:{name}"))
    assert found["macs", "all"] == CONV + LINEAR
    assert found["parameters", "distinct"] == 8 * 27 + 8 + LINEAR + 4 + 9
    assert found["fps", "network"] is not None


def test_a_batch_in_the_example_is_kept() -> None:
    (macs,) = [one for one in profile("network:nets.py:stating") if (one.quantity, one.convention) == ("macs", "conv")]
    assert (macs.value, macs.input) == (2 * CONV, "2x3x32x32")


def test_a_bare_onnx_file_is_counted_and_timed(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    export_tracker("network:nets.py:module", runtime="onnxruntime", output=tmp_path / "out")
    costs = profile(f"network:{tmp_path / 'out' / 'network' / 'network.onnx'}")
    found = values(costs, "onnxruntime")
    assert found["macs", "conv"] == CONV
    assert found["macs", "all"] == CONV + LINEAR
    assert found["latency_p50", "network"] is not None
    weights = 8 * 27 + 8 + LINEAR + 4
    assert weights <= (found["parameters", "distinct"] or 0) <= weights + 4, "the scale 1.0 is a constant of the graph"


def test_an_onnx_file_whose_weights_are_in_a_second_file_is_timed(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    export_tracker("network:nets.py:module", runtime="onnxruntime", output=tmp_path / "out")
    model = onnx.load(str(tmp_path / "out" / "network" / "network.onnx"))
    onnx.save(model, "divided.onnx", save_as_external_data=True, location="divided.onnx.data", size_threshold=200)
    assert Path("divided.onnx.data").stat().st_size > 0
    found = values(profile("network:divided.onnx"), "onnxruntime")
    assert found["macs", "conv"] == CONV
    assert found["latency_p50", "network"] is not None


def test_the_counts_of_an_onnx_file_are_those_of_pytorch(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Conv2d(4, 8, 3, stride=2, groups=2), torch.nn.ConvTranspose2d(8, 4, 2, stride=2), torch.nn.ReLU(),
        torch.nn.Flatten(), torch.nn.Linear(4 * 14 * 14, 10), torch.nn.Linear(10, 3, bias=False),
    ).eval()  # fmt: skip
    example = torch.rand(1, 4, 15, 15)
    network = NetworkPart("network", module, (example.numpy(),), ("x",), ("y",), fixed_shapes=True)
    export_onnx(network, tmp_path, precision="fp32", samples=())
    file = tmp_path / "network.onnx"
    ours, theirs = onnx_file.count_operations(file, onnx_file.read_network(file, {})), macs.count(module, [example])
    assert (ours.macs("conv"), ours.macs("all")) == (theirs.macs("conv"), theirs.macs("all"))
    assert ours.parameters == theirs.parameters
    assert "Relu x1" in ours.not_counted("all")


def test_the_size_of_an_input_of_an_onnx_file_can_be_given(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper, float_ = onnx.helper, onnx.TensorProto.FLOAT
    weights = helper.make_tensor("w", float_, (2, 3, 3, 3), np.zeros(54, np.float32))
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])], "g",
        [helper.make_tensor_value_info("x", float_, ("batch", 3, "rows", "columns"))],
        [helper.make_tensor_value_info("y", float_, None)], [weights],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)]), "free.onnx")
    with pytest.raises(EvalkitError, match=r"sizes of the input 'x' are not fixed .*--set x=1x3x256x256"):
        profile("network:free.onnx")
    found = values(profile("network:free.onnx", settings={"x": "1x3x10x12"}), "onnxruntime")
    assert found["macs", "conv"] == 8 * 10 * 2 * 27
    with pytest.raises(EvalkitError, match="no input of this name"):
        profile("network:free.onnx", settings={"z": "1x3x10x12"})
    with pytest.raises(EvalkitError, match="invalid shape"):
        profile("network:free.onnx", settings={"x": "1x3xwide"})
    with pytest.raises(
        EvalkitError, match=r"free.onnx: the network does not accept random inputs: .* .found 1x5x10x12"
    ):
        profile("network:free.onnx", settings={"x": "1x5x10x12"})


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("network:nets.py:without_inputs", "no example inputs.*Return .module, example_inputs. from the factory"),
        ("network:nets.py:wrong_inputs", "does not accept its example inputs.*found 1x5x32x32"),
        ("network:nets.py:no_module", "did not return a network .found str"),
        ("network:nets.py:failing", "building it fails with ValueError: no checkpoint"),
        ("network:nets.py:nothing", "does not define 'nothing'"),
        ("network:nets", "no network is named.*network:path/to/model.onnx"),
        ("network:none.onnx", "no such file"),
        ("network:broken.onnx", "ONNX Runtime cannot read this file"),
        ("nets.py:module", "not a tracker.*`evalkit profile --tracker network:nets.py:module` takes a network"),
    ],
)
def test_a_wrong_network_is_an_error_that_says_what_is_right(name: str, complaint: str) -> None:
    pytest.importorskip("onnxruntime")
    Path("broken.onnx").write_bytes(b"no graph")
    with pytest.raises(EvalkitError, match=complaint):
        profile(name)


def test_a_network_alone_does_not_track() -> None:
    with pytest.raises(EvalkitError, match=r"a network alone does not track.*`evalkit profile` and `evalkit export`"):
        evalkit.run("network:nets.py:module", sequences=["scale"])


def test_requests_that_a_bare_network_cannot_meet_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(EvalkitError, match="int8 needs inputs of a video"):
        export_tracker("network:nets.py:module", runtime="onnxruntime", precision="int8", output=tmp_path / "out")
    export_tracker("network:nets.py:module", runtime="onnxruntime", output=tmp_path / "out")
    file = tmp_path / "out" / "network" / "network.onnx"
    with pytest.raises(EvalkitError, match=r"does not read ONNX files .*expected onnxruntime, openvino"):
        profile(f"network:{file}", "torch-compile")
    with pytest.raises(EvalkitError, match="an ONNX file cannot be converted"):
        export_tracker(f"network:{file}", runtime="onnxruntime", output=tmp_path / "again")


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
