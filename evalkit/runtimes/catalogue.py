"""Which runtimes there are, what each can do, and which are installed here. Imports none of them."""

from __future__ import annotations

import importlib
import importlib.util
import os
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType
from typing import Any

from evalkit.errors import EvalkitError


@dataclass(frozen=True)
class Runtime:
    """One way to execute a network.

    Attributes:
        name: As typed after ``--runtime``.
        module: The adapter, imported when the runtime is asked for.
        packages: Import name and distribution name of what it needs besides torch.
        extra: Extra of ``evalkit-sot`` that installs these; empty where nothing is needed.
        precisions: What it can compute in on the CPU, the default first.
        devices: Kinds of devices it can run on.
        format: Of the files it reads; empty where it executes the module itself. Runtimes may share one.
    """

    name: str
    module: str
    summary: str
    packages: tuple[tuple[str, str], ...] = ()
    extra: str = ""
    precisions: tuple[str, ...] = ("fp32",)
    devices: tuple[str, ...] = ("cpu",)
    format: str = ""

    @property
    def available(self) -> bool:
        return not self.missing

    @property
    def missing(self) -> tuple[str, ...]:
        """Distributions that are not installed."""
        return tuple(package for name, package in self.packages if importlib.util.find_spec(name) is None)

    @property
    def install(self) -> str:
        """The line that installs it; empty where nothing is missing."""
        return f'pip install "evalkit-sot[{self.extra}]"' if self.missing else ""

    @property
    def version(self) -> str | None:
        """Version of the engine that computes; None where it is not installed."""
        package = self.packages[0][1] if self.packages else "torch"
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            return None

    def stored(self, precision: str) -> str:
        """Precision of its files: what computes in bf16 converts from fp32 by itself."""
        return "fp32" if precision == "bf16" else precision

    def record(self) -> dict[str, Any]:
        """The flat JSON record of ``evalkit list runtimes``."""
        state = (self.available and self.version) or f"not installed: {self.install or 'pip install torch'}"
        return {
            "name": self.name, "summary": f"{self.summary} ({state}); {', '.join(self.precisions)}",
            "available": self.available, "version": self.version, "install": self.install,
            "precisions": list(self.precisions), "devices": list(self.devices),
        }  # fmt: skip

    def adapter(self) -> ModuleType:
        """The module with ``export`` and ``start``.

        Raises:
            EvalkitError: A package it needs is missing; the line that installs it is said.
        """
        if self.missing:
            raise EvalkitError(
                f"{' and '.join(self.missing)} is not installed here", where=f"--runtime {self.name}",
                hint=f"{self.install} installs what it needs",
            )  # fmt: skip
        return importlib.import_module(self.module)


ONNX = (("onnx", "onnx"), ("onnxscript", "onnxscript"))

RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        Runtime(
            "torch", "evalkit.runtimes._torch", "PyTorch, eager",
            precisions=("fp32", "bf16", "fp16"), devices=("cpu", "cuda", "mps"),
        ),
        Runtime(
            "torch-channels-last", "evalkit.runtimes._torch", "PyTorch, eager, channels last in memory",
            precisions=("fp32", "bf16", "fp16"), devices=("cpu", "cuda"),
        ),
        Runtime(
            "torch-compile", "evalkit.runtimes._torch", "PyTorch, torch.compile (needs a C++ compiler)",
            precisions=("fp32", "bf16"), devices=("cpu", "cuda"),
        ),
        Runtime(
            "torch-cuda-graph", "evalkit.runtimes._torch", "PyTorch, captured once and replayed as a CUDA graph",
            precisions=("fp32", "bf16", "fp16"), devices=("cuda",),
        ),
        Runtime(
            "onnxruntime", "evalkit.runtimes._onnxruntime", "ONNX Runtime",
            (("onnxruntime", "onnxruntime"), *ONNX), "onnxruntime", ("fp32", "int8"), format="onnx",
        ),
        Runtime(
            "openvino", "evalkit.runtimes._openvino", "OpenVINO",
            (("openvino", "openvino"), *ONNX), "openvino", ("fp32", "bf16", "int8"), format="onnx",
        ),
        Runtime(
            "ncnn", "evalkit.runtimes._ncnn", "ncnn",
            (("ncnn", "ncnn"), ("pnnx", "pnnx")), "ncnn", ("fp32", "fp16", "bf16"), ("cpu", "vulkan"), "ncnn",
        ),
        Runtime(
            "executorch", "evalkit.runtimes._executorch", "ExecuTorch with XNNPACK",
            (("executorch", "executorch"),), "executorch", format="executorch",
        ),
        Runtime(
            "litert", "evalkit.runtimes._litert", "LiteRT with XNNPACK",
            (("ai_edge_litert", "ai-edge-litert"), ("litert_torch", "litert-torch")), "litert", format="litert",
        ),
    )
}  # fmt: skip


def find(name: str) -> Runtime:
    """The runtime of that name.

    Raises:
        EvalkitError: There is none.
    """
    if name not in RUNTIMES:
        raise EvalkitError(
            "no such runtime", where="--runtime", found=name, expected=", ".join(RUNTIMES),
            hint="`evalkit list runtimes` says which are installed",
        )  # fmt: skip
    return RUNTIMES[name]


def demand(name: str, *, precision: str, device: str, threads: int) -> Runtime:
    """The runtime of that name, if it can do what is asked of it here.

    Raises:
        EvalkitError: It does not exist, does not compute in that precision or on that device, or the machine does not
            have that many cores for this process.
    """
    runtime = find(name)
    kind = device.partition(":")[0]
    if precision not in runtime.precisions:
        expected = ", ".join(runtime.precisions)
        raise EvalkitError(
            f"{name} does not compute in {precision}", where="--precision", found=precision, expected=expected
        )
    if kind not in runtime.devices:
        raise EvalkitError(
            f"{name} does not run on {device}", where="--device", found=device, expected=", ".join(runtime.devices)
        )
    cores = usable_cores()
    if not 1 <= threads <= cores:
        expected = "1" if cores == 1 else f"1 to {cores}, the cores this process may use"
        raise EvalkitError("this number of threads cannot be had", where="--threads", found=threads, expected=expected)
    return runtime


def usable_cores() -> int:
    """Cores that this process may run on, which a container or ``taskset`` can make fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
