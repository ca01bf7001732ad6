"""A started network keeps everything that it computes with, and its outputs are checked again after loading."""

from __future__ import annotations

import contextlib
import gc
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from evalkit import registry, runtimes
from evalkit.errors import EvalkitError
from evalkit.registry import RuntimeEntry
from evalkit.runtimes import LoadedNetwork, create_adapter, exports, first_calls, parity, torch_cuda_graph
from evalkit.types import Execution, NetworkPart


def inputs(seed: int = 1, batch: int = 1) -> tuple[NDArray[Any], ...]:
    random = np.random.default_rng(seed)
    features = random.standard_normal((batch, 8, 4, 4)).astype(np.float32)
    return features, random.integers(0, 256, (batch, 32, 32, 3)).astype(np.uint8)


def names() -> list[Any]:
    """Return every runtime that supports the CPU."""
    return [
        pytest.param(
            one.name, id=one.name,
            marks=[
                *([pytest.mark.skip(reason=f"not installed: {', '.join(one.missing)}")] if one.missing else []),
                *([pytest.mark.slow] if one.name == "torch-compile" else []),
            ],
        )
        for one in registry.runtime.entries()
        if "cpu" in one.devices
    ]  # fmt: skip


def start(name: str, part: NetworkPart) -> Any:
    """Start a network without ``LoadedNetwork``; nothing but the returned function is kept."""
    runtime = registry.runtime.find(name)
    adapter = create_adapter(runtime)
    if not runtime.format:
        return adapter.start(part, Execution(name))
    folder = exports.find_or_export(part, adapter, runtime=runtime, precision="fp32", samples=[])
    return adapter.start(part, folder, Execution(name))


@contextlib.contextmanager
def weak_references(module: str, attribute: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Collect weak references to everything that a function or class of a module returns."""
    owner = pytest.importorskip(module)
    create, found = getattr(owner, attribute), []

    def remember(*arguments: Any, **options: Any) -> Any:
        made = create(*arguments, **options)
        found.append(weakref.ref(made))
        return made

    with monkeypatch.context() as patch:
        patch.setattr(owner, attribute, remember)
        yield found


CREATED_BY = {
    "torch": ("evalkit.runtimes.torch_eager", "copy_module"),
    "torch-channels-last": ("evalkit.runtimes.torch_eager", "copy_module"),
    "torch-compile": ("evalkit.runtimes.torch_compile", "copy_module"),
    "onnxruntime": ("onnxruntime", "InferenceSession"),
    "ncnn": ("ncnn", "Net"),
}
"""The function or class of each runtime that creates what it computes with."""


@pytest.mark.parametrize("name", names())
def test_a_started_network_keeps_what_it_computes_with(
    name: str, part: NetworkPart, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(weak_references(*CREATED_BY[name], monkeypatch)) if name in CREATED_BY else []
        execute = start(name, part)
    assert bool(made) == (name in CREATED_BY)
    parity.overwrite_freed_memory(part.module, "cpu")
    assert all(reference() is not None for reference in made)
    expected = parity.reference(part)
    assert max(parity.largest_differences(execute, expected, [inputs(seed) for seed in range(3)])) <= 1e-4
    del execute
    gc.collect()
    if name != "torch-compile":  # its cache keeps the modules of the process
        assert all(reference() is None for reference in made), "an unused network stays in memory"


class RecordedGraph:
    """Replays a captured execution on the CPU, from weak references as a CUDA graph does from addresses."""

    replayed: Any = None

    def replay(self) -> None:
        assert self.replayed is not None
        self.replayed()


class CapturedModule(torch.nn.Module):
    """Lets the graph that is captured replay its last execution."""

    capturing: RecordedGraph | None = None

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *values: torch.Tensor) -> Any:
        outputs = self.module(*values)
        if CapturedModule.capturing is not None:
            module, tensors = weakref.ref(self), [weakref.ref(value) for value in (*values, *outputs)]

            def replay() -> None:
                found = module()
                read, written = [one() for one in tensors[: len(values)]], [one() for one in tensors[len(values) :]]
                for target, value in zip(written, found.module(*read) if found else written, strict=True):
                    if target is not None:
                        target.copy_(value if found else torch.nan)

            CapturedModule.capturing.replayed = replay
        return outputs


@pytest.fixture
def graphs_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the runtime torch-cuda-graph capture and replay on the CPU."""

    @contextlib.contextmanager
    def capture(graph: RecordedGraph, **_: Any) -> Iterator[None]:
        CapturedModule.capturing = graph
        yield
        CapturedModule.capturing = None

    stream = SimpleNamespace(wait_stream=lambda other: None)
    for name, fake in {
        "CUDAGraph": RecordedGraph, "graph": capture, "Stream": lambda device: stream,
        "current_stream": lambda device: stream, "stream": lambda _: contextlib.nullcontext(),
        "device": lambda _: contextlib.nullcontext(),
    }.items():  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, fake)
    copy_module = torch_cuda_graph.copy_module
    monkeypatch.setattr(
        torch_cuda_graph, "copy_module", lambda *given, **options: CapturedModule(copy_module(*given, **options))
    )
    monkeypatch.setattr(torch_cuda_graph, "find_device", lambda name: torch.device("cpu"))
    to_tensor = torch_cuda_graph.to_tensor
    monkeypatch.setattr(torch_cuda_graph, "to_tensor", lambda value, device: to_tensor(value, device).clone())


def test_a_captured_graph_keeps_its_network(part: NetworkPart, graphs_on_the_cpu: None) -> None:
    execute = torch_cuda_graph.CudaGraph().start(part, Execution("torch-cuda-graph", device="cuda:0"))
    parity.overwrite_freed_memory(part.module, "cpu")
    expected = parity.reference(part)
    for seed in range(3):
        assert max(parity.differences(execute(*inputs(seed)), expected(*inputs(seed)))) <= 1e-4


def test_the_recorded_graph_of_these_tests_finds_a_network_that_nobody_keeps(
    part: NetworkPart, graphs_on_the_cpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forgetful(torch_cuda_graph.CapturedFunction):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            del self.function

    monkeypatch.setattr(torch_cuda_graph, "CapturedFunction", Forgetful)
    execute = torch_cuda_graph.CudaGraph().start(part, Execution("torch-cuda-graph", device="cuda:0"))
    parity.overwrite_freed_memory(part.module, "cpu")
    assert np.isnan(execute(*inputs())[0]).all()


class Borrowing:
    """Computes with weights that somebody else may free: ``fails`` says from which call on the outputs are wrong."""

    calls = 0
    fails_from = 0
    wrong = float("nan")

    def start(self, part: NetworkPart, execution: Execution) -> Any:
        exact = parity.reference(part)

        def execute(*values: NDArray[Any]) -> tuple[NDArray[Any], ...]:
            type(self).calls += 1
            outputs = exact(*values)
            return tuple(value * self.wrong for value in outputs) if self.calls >= self.fails_from else outputs

        return execute


@pytest.fixture
def borrowing() -> type[Borrowing]:
    return type("Borrowing", (Borrowing,), {})


def load(adapter: type[Borrowing], part: NetworkPart) -> LoadedNetwork:
    return LoadedNetwork(RuntimeEntry("borrowing", adapter, ""), part, Execution("borrowing"))


def test_the_comparison_at_loading_is_repeated_after_freed_memory_was_overwritten(
    part: NetworkPart, borrowing: type[Borrowing]
) -> None:
    borrowing.fails_from = 2
    with pytest.raises(EvalkitError, match=r"borrowing fp32, search network: .* after freed memory was overwritten"):
        load(borrowing, part)


def test_nan_during_a_run_names_the_runtime(part: NetworkPart, borrowing: type[Borrowing]) -> None:
    borrowing.fails_from = 5
    network = load(borrowing, part)
    network(*inputs())
    network(*inputs())
    with pytest.raises(EvalkitError, match=r"borrowing fp32, search network: the runtime computed NaN where torch"):
        network(*inputs())


def test_nan_that_torch_computes_as_well_is_left_to_the_tracker(part: NetworkPart, borrowing: type[Borrowing]) -> None:
    borrowing.fails_from = 100
    features, image = inputs()
    assert np.isnan(load(borrowing, part)(features * np.nan, image)[0]).any()


def test_wrong_outputs_in_the_first_calls_of_a_run_name_the_runtime(
    part: NetworkPart, borrowing: type[Borrowing]
) -> None:
    borrowing.fails_from, borrowing.wrong = 4, 1.01
    network = load(borrowing, part)
    for _ in range(3):
        network(*inputs(batch=2))
    for _ in range(2):  # a run goes on after a failed sequence, and the next one fails as well
        with pytest.raises(EvalkitError, match=r"borrowing fp32, .* differs from torch .* in call 2 of the run"):
            network.verify_first_calls()


def test_right_outputs_are_compared_once_and_forgotten(
    part: NetworkPart, borrowing: type[Borrowing], monkeypatch: pytest.MonkeyPatch
) -> None:
    borrowing.fails_from = 100
    network = load(borrowing, part)
    for _ in range(2 * first_calls.COUNT):
        network(*inputs())
    network.verify_first_calls()
    monkeypatch.setattr(parity, "reference", lambda part: pytest.fail("compared again"))
    network(*inputs())
    network.verify_first_calls()


def test_torch_itself_is_not_compared(part: NetworkPart, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "reference", lambda part: pytest.fail("compared with itself"))
    network = runtimes.load(part)
    network(*inputs())
    network.verify_first_calls()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_never_passes_a_comparison(part: NetworkPart, wrong: float) -> None:
    good, bad = np.array([1.0, 2.0]), np.array([wrong, 2.0])
    assert parity.differences([bad], [good]) == parity.differences([good], [bad]) == (float("inf"),)
    assert parity.differences([bad], [bad]) == (float("inf"),)
    answers = iter([(good,), (bad,), (good,)])
    assert parity.largest_differences(lambda: next(answers), lambda: (good,), [(), (), ()]) == (float("inf"),)
    with pytest.raises(EvalkitError, match="differs from torch in its output 'reg'"):
        parity.check_differences([1e-9, float("nan")], part, runtime="any", precision="int8")
