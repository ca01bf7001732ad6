"""Count the operations of an ONNX file, and find its inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.cost import macs
from evalkit.cost.layers import Count, Layer
from evalkit.errors import EvalkitError
from evalkit.types import NetworkPart

CONVENTIONS = ("conv", "all")
"""Conventions of ``evalkit.cost.layers`` that are counted; the others need to know the layers of PyTorch."""

_WEIGHTS = {"Conv": 1, "FusedConv": 1, "ConvInteger": 1, "QLinearConv": 3, "ConvTranspose": 1}
"""Operators that convolve, and the number of the input that holds the kernel."""
_PRODUCTS = {"MatMul": 0, "Gemm": 0, "MatMulInteger": 0, "QLinearMatMul": 0, "FusedMatMul": 0}
_DATA_MOVEMENT = {
    "Cast", "Concat", "Constant", "ConstantOfShape", "DequantizeLinear", "Expand", "Flatten", "Gather", "Identity",
    "Pad", "QuantizeLinear", "Range", "Reshape", "Resize", "Shape", "Slice", "Split", "Squeeze", "Tile", "Transpose",
    "Unsqueeze",
}  # fmt: skip


def read_network(file: Path, shapes: Mapping[str, str]) -> NetworkPart:
    """Return the inputs of an ONNX file as an example with random values; the network has no module.

    Args:
        file: The file.
        shapes: By name of the input, its shape as ``1x3x256x256``, where the file has none or another one is wanted.

    Raises:
        EvalkitError: ONNX Runtime is not installed, the file cannot be read, or a size of an input is not known.
    """
    session = _session(file)
    inputs = session.get_inputs()
    unknown = [name for name in shapes if name not in {one.name for one in inputs}]
    if unknown:
        raise EvalkitError(
            "the network has no input of this name", where=f"--set {unknown[0]}", found=unknown[0],
            expected=", ".join(one.name for one in inputs),
        )  # fmt: skip
    random = np.random.default_rng(0)
    example = tuple(_random(random, _shape(one, shapes.get(one.name), file), one.type) for one in inputs)
    names = tuple(one.name for one in inputs), tuple(one.name for one in session.get_outputs())
    return NetworkPart("network", None, example, *names, fixed_shapes=True)


def _session(file: Path, model: bytes | None = None) -> Any:
    """Return a session of a file, or of a model that was made from it."""
    try:
        import onnxruntime
    except ImportError:
        raise EvalkitError(
            "ONNX Runtime is not installed here", where=file, hint='pip install "evalkit-sot[onnxruntime]"'
        ) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(
            file if model is None else model, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        raise EvalkitError(f"ONNX Runtime cannot read this file: {first}", where=file) from None


def _shape(one: Any, given: str | None, file: Path) -> tuple[int, ...]:
    if given is not None:
        parts = given.split("x")
        if not all(part.isdecimal() and int(part) for part in parts):
            raise EvalkitError("invalid shape", where=f"--set {one.name}", found=given, expected="1x3x256x256")
        return tuple(map(int, parts))
    # The first dimension without a size is the batch.
    sizes = [1 if index == 0 and not isinstance(size, int) else size for index, size in enumerate(one.shape)]
    if not all(isinstance(size, int) for size in sizes):
        raise EvalkitError(
            f"the sizes of the input {one.name!r} are not fixed", where=file,
            found="x".join(map(str, one.shape)), hint=f"Give them with --set {one.name}=1x3x256x256",
        )  # fmt: skip
    return tuple(sizes)


_TYPES = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16, "tensor(bool)": np.bool_,
    "tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(int32)": np.int32, "tensor(int64)": np.int64,
}  # fmt: skip


def _random(random: np.random.Generator, shape: tuple[int, ...], kind: str) -> Any:
    dtype = np.dtype(_TYPES.get(kind, np.float32))
    if dtype.kind == "f":
        return random.standard_normal(shape).astype(dtype)
    return random.integers(0, 256 if dtype == np.uint8 else 2, shape).astype(dtype)


def count_operations(file: Path, part: NetworkPart) -> Count:
    """Count an ONNX file on its example inputs; the shapes are those that occur when it is executed.

    Raises:
        EvalkitError: ``onnx`` is not installed, or the network does not accept the inputs.
    """
    try:
        import onnx
    except ImportError:
        raise EvalkitError(
            "counting the operations of an ONNX file needs the package onnx", where=file,
            hint='pip install "evalkit-sot[onnxruntime]"',
        ) from None  # fmt: skip
    model = onnx.load(str(file))
    weights = {one.name: tuple(one.dims) for one in model.graph.initializer}
    shapes = {**_shapes(file, model, part), **weights}
    constant = {*weights, *(one.output[0] for one in model.graph.node if _is_constant(one, weights))}
    layers = tuple(
        Layer(one.name or one.output[0], *_operations(one, shapes, constant)) for one in model.graph.node if one.output
    )
    floats = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.INT8}
    parameters = sum(math.prod(one.dims) for one in model.graph.initializer if one.data_type in floats)
    return Count(layers, parameters, macs.shapes(part.example))


def copy_network(file: Path, target: Path) -> None:
    """Write an ONNX file with its weights into one file, also where they are in files of their own next to it."""
    import onnx

    onnx.save(onnx.load(str(file)), str(target))


def _is_constant(node: Any, weights: Mapping[str, Any]) -> bool:
    """Return whether a node returns a weight: a constant, or a quantised weight."""
    return node.op_type == "Constant" or (node.op_type == "DequantizeLinear" and node.input[0] in weights)


def _shapes(file: Path, model: Any, part: NetworkPart) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all values that convolutions and matrix products read or write, from one execution."""
    import onnx

    given = dict(zip(part.inputs, part.example, strict=True))
    wanted = dict.fromkeys(
        name
        for node in model.graph.node
        if node.op_type in _WEIGHTS or node.op_type in _PRODUCTS
        for name in (*node.input, *node.output)
        if name and name not in given
    )
    known = {one.name for one in (*model.graph.initializer, *model.graph.output)}
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in wanted if name not in known)
    session = _session(file, probe.SerializeToString())
    names = [one.name for one in session.get_outputs()]
    try:
        values = dict(zip(names, session.run(names, given), strict=True))
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        raise EvalkitError(
            f"the network does not accept random inputs: {first}", where=file, found=macs.shapes(part.example),
            hint="--set INPUT=1x3x256x256 gives the shape of an input", exit_code=1,
        ) from None  # fmt: skip
    return {name: np.shape(value) for name, value in {**given, **values}.items()}


def _operations(
    node: Any, shapes: Mapping[str, tuple[int, ...]], constant: set[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Return the operations of a node by kind, and its name with 1 where it belongs to no kind."""
    kind, output = node.op_type, math.prod(shapes.get(node.output[0], ()))
    if kind in _WEIGHTS:
        kernel = node.input[_WEIGHTS[kind]]
        # A transposed convolution multiplies each input element by the kernels of its channel.
        elements = math.prod(shapes[node.input[0]]) if kind == "ConvTranspose" else output
        return {"conv" if kernel in constant else "correlation": elements * math.prod(shapes[kernel][1:])}, {}
    if kind in _PRODUCTS:
        left = shapes[node.input[0]]
        transposed = any(one.name == "transA" and one.i for one in node.attribute)
        return {"matmul": output * (left[0] if transposed else left[-1])}, {}
    return {}, {} if kind in _DATA_MOVEMENT else {kind: 1}
