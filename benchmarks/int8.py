"""Show where an int8 network spends its time in OpenVINO and ONNX Runtime, relative to fp32.

    python benchmarks/int8.py --tracker lighttrack-m
    python benchmarks/int8.py --coefficients

Networks in both runtimes and precisions alternate in one process on one thread; their times are CPU time. OpenVINO's
nodes are then timed one by one and added up by type, implementation and precision; nodes that are not in ``I8`` stay
outside of int8. These are averages in wall time: only their ratios on an otherwise idle machine are valid.

``--coefficients`` computes the polynomial of ``evalkit.runtimes.onnx_silu``.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from runtimes import build, time_networks

from evalkit.cost.staged_tracker import StagedTracker, Video
from evalkit.runtimes import Arrays, onnx_export, onnx_silu
from evalkit.runtimes.loaded_network import LoadedNetwork
from evalkit.types import SplitTracker

CASES = (("onnxruntime", "fp32"), ("onnxruntime", "int8"), ("openvino", "fp32"), ("openvino", "int8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracker", default="lighttrack-m")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--coefficients", action="store_true", help="compute the polynomial for SiLU, nothing else")
    options = parser.parse_args()
    if options.coefficients:
        coefficients, error = fit_sigmoid(onnx_silu.LIMIT, len(onnx_silu.COEFFICIENTS))
        print(" ".join(f"{value:.8g}" for value in coefficients), f"largest error of SiLU {error:.4f}")
        return
    trackers = {case: build(options, *case) for case in CASES}
    timings, _ = time_networks(trackers, options.queries)
    for (runtime, precision), timing in timings.items():
        speedup = np.median(timings[runtime, "fp32"].cpu / timing.cpu)
        print(f"{runtime:12} {precision}: {1e3 * np.median(timing.cpu):5.2f} ms of CPU time, fp32 / this {speedup:.2f}")
    for (runtime, precision), tracker in trackers.items():
        if runtime == "openvino":
            print(f"\nopenvino {precision}")
            print_nodes(model_file(tracker), *StagedTracker(tracker.sibling(), Video()).network_inputs(1))


def model_file(tracker: SplitTracker) -> Path:
    """Return the exported file of the search network."""
    network = getattr(getattr(tracker, "networks", None), "search", None)
    if not isinstance(network, LoadedNetwork):
        raise SystemExit("the nodes of this tracker's network cannot be timed")
    return network.folder / onnx_export.FILE


def print_nodes(path: Path, inputs: Arrays) -> None:
    """Print the milliseconds of OpenVINO's nodes by type, implementation and precision, most expensive first."""
    import openvino

    core = openvino.Core()
    model = core.read_model(path)
    model.reshape({index: list(value.shape) for index, value in enumerate(inputs)})
    settings = {
        "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERF_COUNT": True,
        "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False,
    }  # fmt: skip
    compiled = core.compile_model(model, "CPU", settings)
    request = compiled.create_infer_request()
    for _ in range(100):
        request.infer(dict(enumerate(inputs)))
    kinds = {node.get_friendly_name(): node_kind(node) for node in compiled.get_runtime_model().get_ordered_ops()}
    spent: Counter[str] = Counter()
    for node in request.get_profiling_info():
        spent[kinds.get(node.node_name, node.node_type)] += node.real_time.total_seconds() * 1e3
    for kind, milliseconds in spent.most_common():
        if milliseconds >= 0.01:
            print(f"  {milliseconds:6.2f} ms  {kind}")


def node_kind(node: Any) -> str:
    """Return type, implementation and precision of a node of a runtime graph."""
    information = node.get_rt_info()
    return " ".join(information[key].astype(str) for key in ("layerType", "primitiveType", "runtimePrecision"))


def fit_sigmoid(limit: float, terms: int) -> tuple[NDArray[np.float64], float]:
    """Fit the odd polynomial P for which x * (1/2 + P(clip(x))) is closest to SiLU.

    The largest error over all x is minimised by reweighted least squares (Lawson's algorithm), with P(limit) = 1/2.

    Args:
        limit: Magnitude to which x is clipped.
        terms: Number of odd powers.

    Returns:
        The coefficients of x, x^3, ..., and the largest error of SiLU.
    """
    x = np.linspace(0, limit + 6, 2401)
    clipped = np.minimum(x, limit) / limit
    powers = clipped[:, None] ** np.arange(1, 2 * terms, 2)
    system = (powers[:, :-1] - powers[:, -1:]) * x[:, None]
    target = x / (1 + np.exp(-x)) - x * (0.5 + 0.5 * powers[:, -1])
    weights = np.ones_like(x)
    for _ in range(200):
        root = np.sqrt(weights)
        solution = np.linalg.lstsq(system * root[:, None], target * root, rcond=None)[0]
        errors = np.abs(system @ solution - target)
        weights *= errors + 1e-12
        weights /= weights.sum()
    scaled = np.append(solution, 0.5 - solution.sum())
    return scaled / limit ** np.arange(1, 2 * terms, 2), float(errors.max())


if __name__ == "__main__":
    main()
