"""Export networks to files in a runtime's format, each in a folder with a manifest, and cache the exports.

An export takes seconds to minutes and depends only on the content of the network, so it is stored in the cache folder
under a hash of that content. A cached export is compared with torch before it is used, like a new one.
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

from evalkit import config, registry
from evalkit.checkpoints.catalogue import sha256
from evalkit.errors import EvalkitError
from evalkit.io import atomic
from evalkit.registry import RuntimeEntry
from evalkit.runtimes.adapter import Arrays, FileAdapter
from evalkit.types import NetworkPart

MANIFEST = "export.json"

FORMAT_VERSION = 5
"""Increased when an adapter writes other files for the same network, so that older cache entries are not used."""


def export_network(
    part: NetworkPart,
    adapter: FileAdapter,
    folder: Path,
    *,
    runtime: RuntimeEntry,
    precision: str,
    samples: Sequence[Arrays] = (),
) -> dict[str, Any]:
    """Write one network and its manifest into an empty folder.

    Args:
        part: The network.
        adapter: The adapter of the runtime.
        folder: An empty folder.
        runtime: The runtime whose format is written.
        precision: Precision that the runtime computes in.
        samples: Real inputs of the network, to calibrate int8.

    Returns:
        The manifest: inputs, outputs, batch (``any`` or 1), files with their sha256, versions of the tools.

    Raises:
        EvalkitError: The format cannot express this network.
    """
    stored = runtime.stored_precision(precision)
    try:
        any_batch = adapter.export(part, folder, precision=stored, samples=samples)
    except EvalkitError:
        raise
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        raise EvalkitError(
            f"the {part.name} network cannot be exported: {type(error).__name__}: {first}", where=runtime.name,
            exit_code=1,
        ) from error  # fmt: skip
    manifest = {
        "version": FORMAT_VERSION, "part": part.name, "format": runtime.format, "precision": stored,
        "batch": _batch(part, any_batch), "versions": _versions(runtime), "outputs": list(part.outputs),
        "inputs": [
            {"name": name, "shape": list(value.shape), "dtype": str(value.dtype)}
            for name, value in zip(part.inputs, part.example, strict=True)
        ],
        "files": {path.name: sha256(path) for path in sorted(folder.iterdir())},
    }  # fmt: skip
    atomic.write_json(folder / MANIFEST, manifest)
    return manifest


def _batch(part: NetworkPart, any_batch: bool) -> str | int:
    return "fixed" if part.fixed_shapes else "any" if any_batch else 1


def find_or_export(
    part: NetworkPart,
    adapter: FileAdapter,
    *,
    runtime: RuntimeEntry,
    precision: str,
    samples: Sequence[Arrays] = (),
) -> Path:
    """Return the folder of a network's export in the cache; export it if it is not there or was damaged.

    The arguments are those of ``export_network``.

    Raises:
        EvalkitError: The format cannot express this network, or the cache cannot be written.
    """
    cache = config.cache_folder() / "exports"
    stored = runtime.stored_precision(precision)
    folder = cache / f"{runtime.format}-{stored}-{part.name}-{fingerprint(part, runtime, samples)[:20]}"
    if is_intact(folder):
        return folder
    temporary = _temporary_folder(cache)
    try:
        export_network(part, adapter, temporary, runtime=runtime, precision=precision, samples=samples)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.replace(folder)
    except OSError:
        # Another process may have finished the same export first; its folder has the same content.
        if not is_intact(folder):
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _temporary_folder(cache: Path) -> Path:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".making-", dir=cache))
    except OSError as error:
        raise EvalkitError(
            f"the cache cannot be written: {error.strerror}", where=cache,
            hint="Choose another folder with EVALKIT_CACHE",
        ) from error  # fmt: skip


def is_intact(folder: Path) -> bool:
    """Return whether a folder contains every file of its manifest, unchanged."""
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return all(sha256(folder / name) == digest for name, digest in files.items())
    except (OSError, ValueError, KeyError):
        return False


def accepts_any_batch(folder: Path) -> bool:
    """Return whether an exported network accepts batches of any size, by its manifest."""
    return bool(json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["batch"] == "any")


def fingerprint(part: NetworkPart, runtime: RuntimeEntry, samples: Sequence[Arrays] = ()) -> str:
    """Return a hash of everything that an export depends on.

    These are the tensors, the structure and source code of the network, its shapes, the calibration inputs, the
    versions of the tools, and the source file of a runtime that is not evalkit's own.
    """
    digest = hashlib.sha256()
    shapes = [(value.shape, str(value.dtype)) for value in part.example]
    digest.update(repr((FORMAT_VERSION, part.inputs, part.outputs, shapes, _versions(runtime))).encode())
    digest.update(repr(part.module).encode())
    for name, tensor in part.module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    for source in (*_source_files(part.module), *_runtime_source(runtime)):
        digest.update(source.read_bytes())
    # Runtimes that share a format are quantised differently.
    digest.update(runtime.name.encode() if samples else b"")
    for inputs in samples:
        for value in inputs:
            digest.update(value.tobytes())
    return digest.hexdigest()


def _source_files(module: Any) -> list[Path]:
    """Return the files that define the network's classes, except those of PyTorch, whose version is known."""
    names = {type(child).__module__ for child in module.modules()}
    found = {name: sys.modules.get(name) for name in names if not name.startswith("torch.")}
    files = {inspect.getsourcefile(one) for one in found.values() if one is not None and hasattr(one, "__file__")}
    return sorted(Path(file) for file in files if file)


def _runtime_source(runtime: RuntimeEntry) -> list[Path]:
    """Return the source file of a runtime that is not evalkit's own, whose exports ``FORMAT_VERSION`` distinguishes."""
    if registry.runtime.is_builtin(runtime):
        return []
    file = getattr(sys.modules.get(runtime.module), "__file__", None)
    return [Path(file)] if file else []


def _versions(runtime: RuntimeEntry) -> dict[str, str]:
    return {package: metadata.version(package) for package in ("torch", *runtime.writers)}
