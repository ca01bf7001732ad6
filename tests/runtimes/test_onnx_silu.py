"""SiLU as a polynomial in int8 networks of OpenVINO."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit import registry
from evalkit.runtimes import create_adapter, exports, onnx_silu
from evalkit.types import NetworkPart

onnx = pytest.importorskip("onnx")


def model(nodes: list[Any], *outputs: str) -> Any:
    """Return a model with the input ``x`` of any length."""
    vectors = [onnx.helper.make_tensor_value_info(name, 1, ["n"]) for name in ("x", *outputs)]
    graph = onnx.helper.make_graph(nodes, "silu", vectors[:1], vectors[1:])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)


def node(operator: str, inputs: str, output: str) -> Any:
    return onnx.helper.make_node(operator, inputs.split(), [output])


def operators(written: Any) -> list[str]:
    return [one.op_type for one in written.graph.node]


def execute(written: Any, x: np.ndarray[Any, Any]) -> Any:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(written.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})


def test_the_polynomial_differs_from_silu_by_less_than_a_hundredth() -> None:
    written = model([node("Sigmoid", "x", "s"), node("Mul", "s x", "y")], "y")
    assert onnx_silu.replace_silu(written) == 1
    onnx.checker.check_model(written)
    assert "Sigmoid" not in operators(written)
    x = np.linspace(-50, 50, 20_001, dtype=np.float32)
    (y,) = execute(written, x)
    assert 0.005 < np.abs(y - x / (1 + np.exp(-x.astype(np.float64)))).max() < 0.01


def test_several_activations_are_replaced_in_their_places() -> None:
    nodes = [
        node("Sigmoid", "x", "s"), node("Mul", "x s", "y"), node("Neg", "y", "z"), node("Sigmoid", "z", "t"),
        node("Mul", "z t", "w"),
    ]  # fmt: skip
    written = model(nodes, "w")
    assert onnx_silu.replace_silu(written) == 2
    onnx.checker.check_model(written)
    x = np.linspace(-9, 9, 101, dtype=np.float32)
    z = -x / (1 + np.exp(-x))
    assert np.abs(execute(written, x)[0] - z / (1 + np.exp(-z))).max() < 0.02


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        pytest.param([node("Sigmoid", "x", "y")], ["y"], id="sigmoid alone"),
        pytest.param([node("Sigmoid", "x", "s"), node("Mul", "s s", "y")], ["y"], id="square"),
        pytest.param([node("Sigmoid", "x", "s"), node("Mul", "x s", "y")], ["y", "s"], id="sigmoid is an output"),
        pytest.param(
            [node("Sigmoid", "x", "s"), node("Mul", "x s", "y"), node("Neg", "s", "z")], ["y", "z"], id="used twice"
        ),
        pytest.param(
            [node("Neg", "x", "n"), node("Sigmoid", "n", "s"), node("Mul", "x s", "y")], ["y"], id="of another input"
        ),
    ],
)
def test_other_uses_of_a_sigmoid_are_left_as_they_are(nodes: list[Any], outputs: list[str]) -> None:
    written = model(nodes, *outputs)
    before = written.SerializeToString()
    assert onnx_silu.replace_silu(written) == 0
    assert written.SerializeToString() == before


@pytest.fixture(scope="module")
def samples() -> list[tuple[Any, ...]]:
    random = np.random.default_rng(3)
    return [
        (random.standard_normal((1, 8, 4, 4)).astype(np.float32), random.integers(0, 256, (1, 32, 32, 3), np.uint8))
        for _ in range(4)
    ]


def exported(part: NetworkPart, name: str, precision: str, samples: list[tuple[Any, ...]]) -> Any:
    runtime = registry.runtime.find(name)
    if runtime.missing:
        pytest.skip(f"{name} is not installed")
    given = samples if precision == "int8" else []
    return exports.find_or_export(part, create_adapter(runtime), runtime=runtime, precision=precision, samples=given)


@pytest.mark.parametrize(
    ("name", "precision", "sigmoids"),
    [("openvino", "int8", 0), ("openvino", "fp32", 1), ("onnxruntime", "int8", 1)],
)
def test_only_int8_networks_of_openvino_have_the_polynomial(
    part: NetworkPart, samples: list[tuple[Any, ...]], name: str, precision: str, sigmoids: int
) -> None:
    written = onnx.load(exported(part, name, precision, samples) / "network.onnx")
    assert operators(written).count("Sigmoid") == sigmoids
    assert operators(written).count("Clip") == (sigmoids == 0)


def test_openvino_computes_every_convolution_of_an_int8_network_in_int8(
    part: NetworkPart, samples: list[tuple[Any, ...]]
) -> None:
    openvino = pytest.importorskip("openvino")
    folder = exported(part, "openvino", "int8", samples)
    core = openvino.Core()
    network = core.read_model(folder / "network.onnx")
    network.reshape({index: list(value.shape) for index, value in enumerate(part.example)})
    compiled = core.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    kinds = [
        (information["layerType"].astype(str), information["runtimePrecision"].astype(str))
        for information in (one.get_rt_info() for one in compiled.get_runtime_model().get_ordered_ops())
    ]
    convolutions = [precision for kind, precision in kinds if kind == "Convolution"]
    assert len(convolutions) == 4
    assert set(convolutions) <= {"u8", "i8"}
    # SiLU is part of a compiled loop, not an activation of its own.
    assert not {"Swish", "Sigmoid"} & {kind for kind, _ in kinds}


def test_the_benchmark_computes_the_coefficients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    benchmark = importlib.import_module("int8")
    coefficients, error = benchmark.fit_sigmoid(onnx_silu.LIMIT, len(onnx_silu.COEFFICIENTS))
    np.testing.assert_allclose(coefficients, onnx_silu.COEFFICIENTS, rtol=1e-4)
    assert error < 0.01
