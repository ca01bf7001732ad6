"""Networks written in a runtime's format: into a folder with a manifest, and through a cache.

Exporting takes seconds to minutes and the result depends on the network's content alone, so it is kept under the hash
of that content in the cache folder. A cached export is compared with torch before use like any other.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from evalkit import config
from evalkit.errors import EvalkitError
from evalkit.io import atomic
from evalkit.runtimes.catalogue import Runtime
from evalkit.runtimes.parity import Arrays
from evalkit.types import NetworkPart

MANIFEST = "export.json"
WRITERS = {
    "onnx": ("onnx", "onnxscript"),
    "ncnn": ("pnnx",),
    "executorch": ("executorch",),
    "litert": ("litert-torch", "litert-converter"),
}
"""Packages that write a format, beside torch; a new version of one writes anew."""

FORMAT_VERSION = 4
"""Rises when an adapter writes other files for the same network, so that no cache entry of before is found."""


def export(
    part: NetworkPart, folder: Path, *, runtime: Runtime, precision: str, samples: Sequence[Arrays]
) -> dict[str, Any]:
    """Write one network and its manifest into a folder.

    Args:
        samples: Real inputs; int8 is calibrated on them.

    Returns:
        The manifest: inputs, outputs, batch (``any``, or the one size it takes), files with their sha256, versions.

    Raises:
        EvalkitError: The runtime's tools cannot express this network.
    """
    adapter = runtime.adapter()
    try:
        any_batch: bool = adapter.export(part, folder, precision=runtime.stored(precision), samples=samples)
    except EvalkitError:
        raise
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        raise EvalkitError(
            f"the {part.name} network cannot be exported: {type(error).__name__}: {first}", where=runtime.name,
            exit_code=1,
        ) from error  # fmt: skip
    manifest = {
        "version": FORMAT_VERSION, "part": part.name, "format": runtime.format, "precision": runtime.stored(precision),
        "batch": "any" if any_batch else 1, "versions": _versions(runtime), "outputs": list(part.outputs),
        "inputs": [
            {"name": name, "shape": list(value.shape), "dtype": str(value.dtype)}
            for name, value in zip(part.inputs, part.example, strict=True)
        ],
        "files": {path.name: _sha256(path) for path in sorted(folder.iterdir())},
    }  # fmt: skip
    atomic.write_json(folder / MANIFEST, manifest)
    return manifest


def cached(part: NetworkPart, *, runtime: Runtime, precision: str, samples: Sequence[Arrays]) -> Path:
    """The folder of this network's export, made now if it was never made before or was damaged since."""
    shelf = config.cache_folder() / "exports"
    stored = runtime.stored(precision)
    folder = shelf / f"{runtime.format}-{stored}-{part.name}-{fingerprint(part, runtime, samples)[:20]}"
    if is_intact(folder):
        return folder
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        workshop = Path(tempfile.mkdtemp(prefix=".making-", dir=shelf))
    except OSError as error:
        raise EvalkitError(
            f"the cache cannot be written: {error.strerror}", where=shelf, hint="Name another with EVALKIT_CACHE"
        ) from error
    try:
        export(part, workshop, runtime=runtime, precision=precision, samples=samples)
        discard(folder)
        workshop.replace(folder)
    except OSError:
        # Another process finished the same export first; its folder is as good as ours.
        if not is_intact(folder):
            raise
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return folder


def is_intact(folder: Path) -> bool:
    """Whether a folder holds every file of its manifest, unchanged."""
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return all(_sha256(folder / name) == digest for name, digest in files.items())
    except (OSError, ValueError, KeyError):
        return False


def discard(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def takes_any_batch(folder: Path) -> bool:
    return bool(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["batch"] == "any")


def fingerprint(part: NetworkPart, runtime: Runtime, samples: Sequence[Arrays] = ()) -> str:
    """Hash of all that an export depends on: tensors, structure, source code, shapes, calibration, tools."""
    digest = hashlib.sha256()
    shapes = [(value.shape, str(value.dtype)) for value in part.example]
    digest.update(repr((FORMAT_VERSION, part.inputs, part.outputs, shapes, _versions(runtime))).encode())
    digest.update(repr(part.module).encode())
    for name, tensor in part.module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    for source in _sources(part.module):
        digest.update(source.read_bytes())
    # Runtimes that share a format want other places rounded in it.
    digest.update(runtime.name.encode() if samples else b"")
    for inputs in samples:
        for value in inputs:
            digest.update(value.tobytes())
    return digest.hexdigest()


def _sources(module: Any) -> list[Path]:
    """Files that define the network's classes; PyTorch's own are told by its version."""
    names = {type(child).__module__ for child in module.modules()}
    found = {name: sys.modules.get(name) for name in names if not name.startswith("torch.")}
    files = {inspect.getsourcefile(one) for one in found.values() if one is not None and hasattr(one, "__file__")}
    return sorted(Path(file) for file in files if file)


def _versions(runtime: Runtime) -> dict[str, str]:
    packages = ("torch", *WRITERS[runtime.format])
    return {package: metadata.version(package) for package in packages}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
