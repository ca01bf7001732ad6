"""ncnn on the CPU or on a Vulkan device. The pnnx package writes its files."""

from __future__ import annotations

import copy
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.runtimes.adapter import Arrays, Execute
from evalkit.runtimes.parity import reference
from evalkit.types import Execution, NetworkPart

_STEM = "network"


@registry.runtime(
    "ncnn",
    summary="ncnn",
    packages=(("ncnn", "ncnn"), ("pnnx", "pnnx")),
    extra="ncnn",
    precisions=("fp32", "fp16", "bf16"),
    devices=("cpu", "vulkan"),
    format="ncnn",
    writers=("pnnx",),
    start_seconds=8,
)
class Ncnn:
    """Executes ``network.param`` and ``network.bin``, one image at a time."""

    def export(self, part: NetworkPart, folder: Path, *, precision: str, samples: Sequence[Arrays]) -> bool:
        """Write ``network.param`` and ``network.bin``, with weights in fp16 or fp32, for batches of one."""
        import torch

        module = copy.deepcopy(part.module).eval().cpu()
        # ncnn computes in floating point only, images included.
        example = tuple(torch.from_numpy(value).float() for value in part.example)
        with tempfile.TemporaryDirectory(dir=folder) as name:
            temporary = Path(name)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                traced = torch.jit.trace(module, example)  # type: ignore[no-untyped-call]
                torch.jit.save(traced, str(temporary / f"{_STEM}.pt"))
            _run_pnnx(temporary, part.example, fp16=precision == "fp16")
            for suffix in ("param", "bin"):
                shutil.move(temporary / f"{_STEM}.ncnn.{suffix}", folder / f"{_STEM}.{suffix}")
        return False

    def start(self, part: NetworkPart, folder: Path, execution: Execution) -> Execute:
        """Return the network as a function of arrays."""
        import ncnn

        net = _load(folder, execution)
        # ncnn has no batch dimension, so the shapes of the outputs are those of torch.
        shapes = [value.shape for value in reference(part)(*part.example)]

        def execute(*inputs: NDArray[Any]) -> Arrays:
            with net.create_extractor() as extractor:
                for index, value in enumerate(inputs):
                    # A Mat only points to NumPy's memory: keep the array until it is copied, and pass the copy to ncnn.
                    array = np.ascontiguousarray(value[0], np.float32)
                    extractor.input(f"in{index}", ncnn.Mat(array).clone())
                return tuple(_extract(extractor, index, shape) for index, shape in enumerate(shapes))

        return execute


def _run_pnnx(folder: Path, example: Arrays, *, fp16: bool) -> None:
    shapes = ",".join(str(list(value.shape)).replace(" ", "") for value in example)
    command = [_find_pnnx(), f"{_STEM}.pt", f"inputshape={shapes}", f"fp16={int(fp16)}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0 or not (folder / f"{_STEM}.ncnn.param").is_file():
        raise RuntimeError(f"pnnx ended with {done.returncode}: {done.stderr.strip()[-200:]}")


def _find_pnnx() -> str:
    """Return the converter of the pnnx package, which is installed in the same folder as the interpreter."""
    import pnnx

    for place in (Path(pnnx.EXEC_PATH), Path(sys.executable).parent / "pnnx"):
        if place.is_file() and os.access(place, os.X_OK):
            return str(place)
    raise EvalkitError(
        "the pnnx package does not contain the converter", where="ncnn", hint="pip install --force-reinstall pnnx"
    )


def _load(folder: Path, execution: Execution) -> Any:
    import ncnn

    net = ncnn.Net()
    options = net.opt
    options.num_threads = execution.threads
    for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"):
        setattr(options, name, execution.precision == "fp16")
    options.use_bf16_storage = execution.precision == "bf16"
    options.use_vulkan_compute = execution.device.startswith("vulkan")
    if options.use_vulkan_compute:
        _choose_vulkan_device(net, execution.device)
    # ncnn returns 0 on success.
    if net.load_param(str(folder / f"{_STEM}.param")) or net.load_model(str(folder / f"{_STEM}.bin")):
        raise EvalkitError("ncnn cannot read its own export", where=folder, exit_code=1)
    return net


def _choose_vulkan_device(net: Any, device: str) -> None:
    import ncnn

    count = ncnn.get_gpu_count()
    index = int(device.partition(":")[2] or 0)
    if index >= count:
        raise EvalkitError("no such Vulkan device", where="--device", found=device, expected=f"{count} device(s) here")
    net.set_vulkan_device(index)


def _extract(extractor: Any, index: int, shape: tuple[int, ...]) -> NDArray[Any]:
    code, blob = extractor.extract(f"out{index}")
    if code != 0:
        raise EvalkitError("ncnn could not compute the network", where=f"output {index}", found=code, exit_code=1)
    return np.array(blob, dtype=np.float32).reshape(shape)
