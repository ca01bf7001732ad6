"""Replace SiLU in an ONNX graph by a polynomial that OpenVINO computes in half the time.

OpenVINO computes SiLU with an exponential and a division inside of the convolution before it: a fifth of the time of an
int8 network, as much as in fp32. As products and sums it compiles them, together with the rounding to int8, into one
loop without either.
"""

from __future__ import annotations

import copy
from typing import Any

LIMIT = 6.5
"""Magnitude from which the sigmoid is taken as 0 or 1."""
COEFFICIENTS = (0.23519357, -0.013138247, 5.1813116e-4, -1.0511907e-5, 8.3076914e-8)
"""Coefficients of x, x^3, ..., x^9 in the polynomial for sigmoid(x) - 1/2.

They minimise the largest error of x * sigmoid(x) over all x, with the sigmoid exact at ``LIMIT``; the error is below
0.01, a third of a step of int8 for values up to 8. ``benchmarks/int8.py --coefficients`` computes them.
"""


def replace_silu(model: Any) -> int:
    """Replace each ``x * Sigmoid(x)`` of a model by ``x * (1/2 + P(clip(x)))``, in place.

    Args:
        model: An ``onnx.ModelProto``.

    Returns:
        The number of activations that were replaced.
    """
    graph = model.graph
    # By the name of the result: a sigmoid is left out, a product becomes the nodes of the polynomial.
    replaced: dict[str, list[Any]] = {}
    pairs = _find_pairs(graph)
    for sigmoid, product in pairs:
        replaced[sigmoid.output[0]] = []
        replaced[product.output[0]] = _polynomial_nodes(sigmoid.input[0], product.output[0])
    if pairs:
        nodes = [new for node in graph.node for new in replaced.get(node.output[0], [copy.deepcopy(node)])]
        del graph.node[:]
        graph.node.extend(nodes)
        graph.initializer.extend(_constants())
    return len(pairs)


def _find_pairs(graph: Any) -> list[tuple[Any, Any]]:
    """Return each sigmoid whose only use is the product with its own input, and that product."""
    users: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    outputs = {output.name for output in graph.output}
    pairs = []
    for node in graph.node:
        if node.op_type == "Sigmoid" and node.output[0] not in outputs:
            used_by = users.get(node.output[0], [])
            if len(used_by) == 1 and _is_product(used_by[0], node.input[0], node.output[0]):
                pairs.append((node, used_by[0]))
    return pairs


def _is_product(node: Any, first: str, second: str) -> bool:
    return node.op_type == "Mul" and sorted(node.input) == sorted((first, second))


def _constants() -> list[Any]:
    import numpy as np
    from onnx import numpy_helper

    values = {"low": -LIMIT, "high": LIMIT, "half": 0.5} | {
        f"c{power}": value for power, value in enumerate(COEFFICIENTS)
    }
    return [
        numpy_helper.from_array(np.array(value, np.float32), f"polynomial_silu_{name}")
        for name, value in values.items()
    ]


def _polynomial_nodes(given: str, output: str) -> list[Any]:
    """Return nodes that compute the polynomial of ``given`` by Horner's rule, in the square of the clipped input."""
    from onnx import helper

    nodes: list[Any] = []

    def add(operator: str, *inputs: str, name: str) -> str:
        full = f"{output}_{name}"
        nodes.append(helper.make_node(operator, inputs, [full], name=full))
        return full

    clipped = add("Clip", given, "polynomial_silu_low", "polynomial_silu_high", name="clipped")
    square = add("Mul", clipped, clipped, name="square")
    highest = len(COEFFICIENTS) - 1
    value = add("Mul", square, f"polynomial_silu_c{highest}", name=f"product{highest}")
    for power in range(highest - 1, -1, -1):
        value = add("Add", value, f"polynomial_silu_c{power}", name=f"sum{power}")
        value = add("Mul", value, square if power else clipped, name=f"product{power}")
    sigmoid = add("Add", value, "polynomial_silu_half", name="sigmoid")
    nodes.append(helper.make_node("Mul", [given, sigmoid], [output], name=f"{output}_silu"))
    return nodes
