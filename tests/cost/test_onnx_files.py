"""Networks without a tracker: ONNX files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from own_networks import CONV, LINEAR, profile, values

from evalkit.cost import macs, onnx_file
from evalkit.cost.exporting import export_tracker
from evalkit.errors import EvalkitError
from evalkit.runtimes.onnx_export import export_onnx
from evalkit.types import NetworkPart

pytestmark = pytest.mark.usefixtures("own_networks")


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
