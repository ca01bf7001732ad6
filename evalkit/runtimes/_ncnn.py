"""ncnn, on the CPU or a Vulkan device, from files that pnnx writes."""

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

import ncnn
import numpy as np
import torch
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.runtimes.parity import Arrays, Execute
from evalkit.types import NetworkPart

NAME = "network"


def export(part: NetworkPart, folder: Path, *, precision: str, samples: Sequence[Arrays]) -> bool:
    """Write ``network.param`` and ``network.bin``, the weights as fp16 or fp32. Batches are of one."""
    module = copy.deepcopy(part.module).eval().cpu()
    # ncnn computes in floating point only, images included.
    example = tuple(torch.from_numpy(value).float() for value in part.example)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        workshop = Path(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(module, example)  # type: ignore[no-untyped-call]
            torch.jit.save(traced, str(workshop / f"{NAME}.pt"))
        shapes = ",".join(str(list(value.shape)).replace(" ", "") for value in part.example)
        command = [_pnnx(), f"{NAME}.pt", f"inputshape={shapes}", f"fp16={int(precision == 'fp16')}"]
        done = subprocess.run(command, cwd=workshop, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0 or not (workshop / f"{NAME}.ncnn.param").is_file():
            raise RuntimeError(f"pnnx ended with {done.returncode}: {done.stderr.strip()[-200:]}")
        for suffix in ("param", "bin"):
            shutil.move(workshop / f"{NAME}.ncnn.{suffix}", folder / f"{NAME}.{suffix}")
    return False


def _pnnx() -> str:
    """The converter that the pnnx package brings; it is installed beside the interpreter."""
    import pnnx

    for place in (Path(pnnx.EXEC_PATH), Path(sys.executable).parent / "pnnx"):
        if place.is_file() and os.access(place, os.X_OK):
            return str(place)
    raise EvalkitError(
        "the pnnx package has no converter in it", where="ncnn", hint="pip install --force-reinstall pnnx"
    )


def start(part: NetworkPart, folder: Path, *, runtime: str, precision: str, device: str, threads: int) -> Execute:
    net = ncnn.Net()
    options = net.opt
    options.num_threads = threads
    for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"):
        setattr(options, name, precision == "fp16")
    options.use_bf16_storage = precision == "bf16"
    options.use_vulkan_compute = device.startswith("vulkan")
    if options.use_vulkan_compute:
        _choose_vulkan(net, device)
    # ncnn says 0 where all went well.
    if net.load_param(str(folder / f"{NAME}.param")) or net.load_model(str(folder / f"{NAME}.bin")):
        raise EvalkitError("ncnn cannot read its own export", where=folder, exit_code=1)
    shapes = _output_shapes(part)

    def execute(*inputs: NDArray[Any]) -> Arrays:
        with net.create_extractor() as extractor:
            for index, value in enumerate(inputs):
                # A Mat only points at NumPy's memory: keep that until it is copied, and give ncnn the copy.
                held = np.ascontiguousarray(value[0], np.float32)
                extractor.input(f"in{index}", ncnn.Mat(held).clone())
            return tuple(_extract(extractor, index, shape) for index, shape in enumerate(shapes))

    return execute


def _choose_vulkan(net: Any, device: str) -> None:
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


def _output_shapes(part: NetworkPart) -> list[tuple[int, ...]]:
    # ncnn knows no batch dimension: the shapes are those of torch.
    from evalkit.runtimes._torch import reference

    return [value.shape for value in reference(part)(*part.example)]
