"""Requirements on every runtime: torch's outputs at any batch size, with the precision and threads of the execution."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from evalkit import registry, runtimes
from evalkit.errors import EvalkitError, UnknownName
from evalkit.registry import RuntimeEntry
from evalkit.runtimes import create_adapter, exports, parity, torch_execution
from evalkit.runtimes.parity import reference
from evalkit.types import Execution, NetworkPart


def inputs(batch: int, size: int = 32, seed: int = 1) -> tuple[NDArray[Any], ...]:
    random = np.random.default_rng(seed)
    features = random.standard_normal((batch, 8, 4, 4)).astype(np.float32)
    return features, random.integers(0, 256, (batch, size, size, 3)).astype(np.uint8)


def samples() -> list[tuple[NDArray[Any], ...]]:
    return [inputs(1, seed=seed) for seed in range(4)]


def exported(part: NetworkPart, name: str = "onnxruntime", precision: str = "fp32") -> Path:
    """Return the folder of a network's export in the cache."""
    runtime = registry.runtime.find(name)
    calibration = samples() if precision == "int8" else []
    return exports.find_or_export(
        part, create_adapter(runtime), runtime=runtime, precision=precision, samples=calibration
    )


def combinations() -> list[Any]:
    """Return every runtime that supports the CPU, in each of its precisions."""
    return [
        pytest.param(one.name, precision, id=f"{one.name}-{precision}", marks=_marks(one))
        for one in registry.runtime.entries()
        for precision in one.precisions_on("cpu")
        if "cpu" in one.devices
        # These take half a minute and test nothing else.
        and (one.name, precision) not in {("torch-compile", "bf16"), ("torch-compile", "fp16")}
    ]


def _marks(one: RuntimeEntry) -> list[pytest.MarkDecorator]:
    marks = [pytest.mark.contract]
    if one.missing:
        marks.append(pytest.mark.skip(reason=f"not installed: {', '.join(one.missing)}"))
    if one.name == "torch-compile":
        marks.append(pytest.mark.slow)
    return marks


@pytest.mark.parametrize(("name", "precision"), combinations())
def test_outputs_equal_torchs_for_one_image_and_for_three(name: str, precision: str, part: NetworkPart) -> None:
    network = runtimes.load(part, Execution(name, precision), samples=samples)
    for batch in (1, 3):
        ours, expected = network(*inputs(batch)), reference(part)(*inputs(batch))
        assert [value.dtype for value in ours] == [np.float32, np.float32]
        assert max(parity.differences(ours, expected)) <= parity.TOLERANCES[precision]
    assert network.properties["precision"] == precision
    assert network.properties["threads"] == 1
    assert set(network.differences) == {"cls", "reg"}


@pytest.mark.parametrize("name", ["torch", "onnxruntime", "ncnn"])
def test_a_new_input_size_is_started_when_it_occurs(name: str, part: NetworkPart) -> None:
    if registry.runtime.find(name).missing:
        pytest.skip(f"{name} is not installed")
    network = runtimes.load(part, Execution(name))
    larger = inputs(1, size=48)
    assert max(parity.differences(network(*larger), reference(part)(*larger))) <= 1e-4


@pytest.mark.parametrize("name", ["executorch", "litert"])
def test_non_contiguous_images_are_read_correctly(name: str, part: NetworkPart) -> None:
    if registry.runtime.find(name).missing:
        pytest.skip(f"{name} is not installed")
    # A transposed view has other strides; a network that assumes those of the example would read it wrongly.
    features, image = inputs(1)
    example = (part.example[0], part.example[1].transpose(0, 2, 1, 3))
    network = runtimes.load(replace(part, example=example), Execution(name))
    turned = (features, image.transpose(0, 2, 1, 3))
    assert max(parity.differences(network(*turned), reference(part)(*turned))) <= 1e-4


def test_the_module_is_not_modified(part: NetworkPart) -> None:
    before = {name: (value.dtype, value.stride()) for name, value in part.module.state_dict().items()}
    runtimes.load(part, Execution("torch-channels-last", "bf16"))(*inputs(1))
    assert {name: (value.dtype, value.stride()) for name, value in part.module.state_dict().items()} == before


def test_torch_uses_the_requested_threads_after_other_code_changed_them(part: NetworkPart) -> None:
    network = runtimes.load(part, Execution(threads=1))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        network(*inputs(1))
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_torch_makes_the_allocator_keep_freed_memory(part: NetworkPart, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr("evalkit.runtimes.torch_execution.keep_freed_memory", lambda: calls.append("kept"))
    runtimes.load(part)
    assert calls == ["kept"]


def test_an_unknown_runtime_is_an_unknown_name(part: NetworkPart) -> None:
    with pytest.raises(UnknownName, match=r"no runtime is named 'tensorflow'.*`evalkit list runtimes` shows them all"):
        runtimes.load(part, Execution("tensorflow"))


def test_a_missing_runtime_is_reported_with_the_command_that_installs_it(
    part: NetworkPart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EvalkitError, match=r'ncnn and pnnx .* pip install "evalkit-sot\[ncnn\]"'):
        runtimes.load(part, Execution("ncnn"))
    assert not registry.runtime.find("openvino").available
    assert registry.runtime.find("torch").available


@pytest.mark.parametrize("threads", [0, -1, 100_000])
def test_an_invalid_number_of_threads_is_refused(part: NetworkPart, threads: int) -> None:
    with pytest.raises(EvalkitError, match=f"--threads: invalid number of threads .found {threads}"):
        runtimes.load(part, Execution(threads=threads))


def test_an_unsupported_precision_is_refused_before_anything_is_exported(part: NetworkPart) -> None:
    with pytest.raises(EvalkitError, match=r"onnxruntime does not compute in bf16 .*expected fp32, int8"):
        runtimes.load(part, Execution("onnxruntime", "bf16"))


@pytest.mark.parametrize(("device", "words"), [("cuda:9", "CUDA device"), ("tpu", "does not run on tpu")])
def test_an_unknown_device_is_refused(part: NetworkPart, device: str, words: str) -> None:
    with pytest.raises(EvalkitError, match=words):
        runtimes.load(part, Execution(device=device))


def test_int8_without_inputs_to_calibrate_on_is_refused(part: NetworkPart) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(EvalkitError, match="int8 needs inputs to calibrate on"):
        runtimes.load(part, Execution("onnxruntime", "int8"))


def test_an_export_with_different_outputs_is_refused(part: NetworkPart, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    adapter = type(create_adapter(registry.runtime.find("onnxruntime")))
    start = adapter.start

    def wrong(*arguments: Any, **options: Any) -> Any:
        execute = start(*arguments, **options)
        return lambda *values: tuple(value + np.float32(0.01) * value.max() for value in execute(*values))

    monkeypatch.setattr(adapter, "start", wrong)
    with pytest.raises(EvalkitError, match=r"onnxruntime fp32, search network: .* differs from torch in its output"):
        runtimes.load(part, Execution("onnxruntime"))


def test_an_export_is_cached_by_the_content_of_the_network(part: NetworkPart, cache: Path) -> None:
    pytest.importorskip("onnxruntime")
    folder = exported(part)
    written = (folder / "network.onnx").stat().st_mtime_ns
    assert exported(part) == folder
    assert (folder / "network.onnx").stat().st_mtime_ns == written
    assert folder.parent == cache / "exports"
    assert not list(folder.parent.glob(".making-*"))


def test_a_damaged_cache_entry_is_replaced(part: NetworkPart) -> None:
    pytest.importorskip("onnxruntime")
    folder = exported(part)
    (folder / "network.onnx").write_bytes(b"cut short")
    assert not exports.is_intact(folder)
    assert exports.is_intact(exported(part))


def test_other_weights_or_shapes_are_exported_separately(part: NetworkPart) -> None:
    runtime = registry.runtime.find("onnxruntime")
    before = exports.fingerprint(part, runtime)
    with torch.no_grad():
        part.module.bn.weight.add_(1.0)
    changed = exports.fingerprint(part, runtime)
    with torch.no_grad():
        part.module.bn.weight.sub_(1.0)
    larger = replace(part, example=inputs(1, size=48))
    assert len({before, changed, exports.fingerprint(larger, runtime)}) == 3
    assert exports.fingerprint(part, runtime) == before


def test_openvino_and_onnxruntime_share_one_export_but_not_in_int8(part: NetworkPart) -> None:
    openvino, onnxruntime = registry.runtime.find("openvino"), registry.runtime.find("onnxruntime")
    assert openvino.format == onnxruntime.format
    assert exports.fingerprint(part, openvino) == exports.fingerprint(part, onnxruntime)
    assert exports.fingerprint(part, openvino, samples()) != exports.fingerprint(part, onnxruntime, samples())


def test_openvino_quantises_after_the_activation_and_onnxruntime_before(part: NetworkPart) -> None:
    onnx = pytest.importorskip("onnx")
    rounded = {}
    for name in ("onnxruntime", "openvino"):
        if registry.runtime.find(name).missing:
            pytest.skip(f"{name} is not installed")
        folder = exported(part, name, "int8")
        nodes = onnx.load(folder / "network.onnx").graph.node
        answers = {output for node in nodes if node.op_type == "Conv" for output in node.output}
        rounded[name] = [node for node in nodes if node.op_type == "QuantizeLinear" and node.input[0] in answers]
    assert rounded["onnxruntime"]
    assert not rounded["openvino"]


def test_the_manifest_describes_inputs_and_outputs(part: NetworkPart) -> None:
    pytest.importorskip("onnxruntime")
    folder = exported(part)
    manifest = json.loads((folder / exports.MANIFEST).read_text())
    assert manifest["inputs"] == [
        {"name": "zf", "shape": [1, 8, 4, 4], "dtype": "float32"},
        {"name": "crop", "shape": [1, 32, 32, 3], "dtype": "uint8"},
    ]
    assert manifest["outputs"] == ["cls", "reg"]
    assert manifest["batch"] == "any"


def test_a_difference_is_relative_to_the_largest_value_and_shapes_must_agree() -> None:
    reference_value = np.array([1.0, -8.0])
    assert parity.differences([np.array([1.0, -6.0])], [reference_value]) == (0.25,)
    assert parity.differences([np.zeros(3)], [reference_value]) == (float("inf"),)
    assert parity.differences([np.array([np.nan, 0.0])], [reference_value]) == (float("inf"),)


def test_a_global_average_pool_is_exported_as_one_operator(part: NetworkPart) -> None:
    onnx = pytest.importorskip("onnx")
    folder = exported(part)
    written = {node.op_type for node in onnx.load(folder / "network.onnx").graph.node}
    assert "GlobalAveragePool" in written
    assert "ReduceMean" not in written


def test_cudnn_is_deterministic_and_does_not_benchmark(part: NetworkPart) -> None:
    cudnn = torch.backends.cudnn
    before, seen = (cudnn.deterministic, cudnn.benchmark), []
    hook = part.module.register_forward_hook(lambda *_: seen.append((cudnn.deterministic, cudnn.benchmark)))
    try:
        runtimes.load(part)(*inputs(1))
    finally:
        hook.remove()
    assert set(seen) == {(True, False)}
    assert (cudnn.deterministic, cudnn.benchmark) == before


CONFIGURATIONS = {
    "nothing": "pass",
    "the old setting": "torch.set_float32_matmul_precision('medium')",
    "the setting of one device": "torch.backends.cuda.matmul.allow_tf32 = True",
    "the setting of all": "torch.backends.fp32_precision = 'tf32'",
}
COMPUTING = """
import torch
{choice}
from evalkit.runtimes import torch_execution
backends = torch.backends
kinds = (backends.cuda.matmul, backends.cudnn.conv, backends.mkldnn.matmul, backends.mkldnn.conv)
precisions = lambda: [one.fp32_precision for one in kinds]
before = precisions()
with torch_execution.computing_in("fp32", torch.device("cpu")):
    assert precisions() == ["ieee"] * 4, precisions()
assert precisions() == before
"""


@pytest.mark.parametrize("choice", CONFIGURATIONS)
def test_fp32_is_exact_whatever_the_process_configured(choice: str) -> None:
    # In another process, because PyTorch does not allow mixing these settings, or resetting the last of them.
    code = COMPUTING.format(choice=CONFIGURATIONS[choice])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_weights_that_are_rounded_once_give_the_outputs_of_autocast(
    part: NetworkPart, precision: str, channels_last: bool
) -> None:
    cpu = torch.device("cpu")
    rounded = torch_execution.copy_module(part, cpu, precision=precision, channels_last=channels_last)
    exact = torch_execution.copy_module(part, cpu, channels_last=channels_last)
    assert rounded.conv.weight.dtype != exact.conv.weight.dtype
    assert rounded.bn.weight.dtype == torch.float32
    execution = Execution(precision=precision)
    ours, autocast = (
        torch_execution.execute_forward(module, execution, cpu, channels_last=channels_last)(*inputs(2))
        for module in (rounded, exact)
    )
    for one, other in zip(ours, autocast, strict=True):
        np.testing.assert_array_equal(one, other)


def test_tf32_is_refused_where_there_is_none(part: NetworkPart) -> None:
    with pytest.raises(EvalkitError, match=r"torch does not compute in tf32 on cpu .*expected fp32, bf16, fp16\)"):
        runtimes.load(part, Execution(precision="tf32"))


def test_tf32_is_used_in_its_own_precision_and_nowhere_else() -> None:
    backends: Any = torch.backends
    cuda = (backends.cuda.matmul, backends.cudnn.conv)
    for precision in ("fp32", "tf32", "fp16", "bf16"):
        with torch_execution.computing_in(precision, torch.device("cpu")):
            assert {one.fp32_precision for one in cuda} == {"tf32" if precision == "tf32" else "ieee"}
            assert backends.mkldnn.conv.fp32_precision == "ieee"
