"""A tracker's networks written in a runtime's format, with everything needed to run them elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evalkit import runtimes as engines
from evalkit.cost.agreement import Agreement, tracking
from evalkit.errors import EvalkitError
from evalkit.io import atomic
from evalkit.runtimes import Runtime, calibration, exports
from evalkit.types import NetworkPart, SplitTracker, Tracker

MANIFEST = "manifest.json"


def export(
    tracker: str,
    create: Callable[..., Tracker],
    *,
    runtime: str,
    output: Path,
    precision: str = "fp32",
    weights: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Write the networks of a tracker into ``output``, one folder each, and ``manifest.json`` beside them.

    Args:
        create: Builds a tracker from its name and keyword arguments; ``factories.create_tracker``.
        output: A folder that does not exist, is empty, or holds an export to be replaced.

    Returns:
        The manifest: inputs by name, size and type, precision, versions, hashes, differences from torch in tensors and
        in tracking.

    Raises:
        EvalkitError: The tracker has no network, the runtime no format of its own, or the export disagrees with torch.
    """
    chosen = engines.demand(runtime, precision=precision, device="cpu", threads=1)
    if not chosen.format:
        expected = ", ".join(one.name for one in engines.listing() if one.format)
        raise EvalkitError(f"{runtime} runs the module itself and has no format", where="--runtime", expected=expected)
    chosen.adapter()
    _check_folder(output)
    build = {"weights": weights, "device": "cpu", "threads": 1, "settings": settings or {}, "seed": 0}
    plain = create(tracker, runtime="torch", precision="fp32", **build)
    if not isinstance(plain, SplitTracker):
        raise EvalkitError(
            "this tracker has no network to export", where=tracker,
            hint="`evalkit list trackers` shows those with operations and parameters, which have one",
        )  # fmt: skip
    # Building it is what compares its tensors with torch's.
    agreement = tracking(create(tracker, runtime=runtime, precision=precision, **build), plain)
    samples = calibration.inputs(plain) if precision == "int8" else []
    parts = [_write(part, output, chosen, precision, samples) for part in plain.parts()]
    manifest = {
        "tracker": tracker, "runtime": runtime, "precision": precision, "card": dict(plain.card),
        "parts": parts, "tracking": _facts(agreement),
    }  # fmt: skip
    atomic.write_json(output / MANIFEST, manifest)
    return manifest


def _check_folder(output: Path) -> None:
    if output.is_dir() and any(output.iterdir()) and not (output / MANIFEST).is_file():
        raise EvalkitError(
            "this folder holds something else", where=output, hint="Name an empty or a new folder with --output"
        )


def _write(part: NetworkPart, output: Path, runtime: Runtime, precision: str, samples: list[Any]) -> dict[str, Any]:
    # A template is computed once a sequence and not calibrated: trackers execute it in fp32 beside an int8 search.
    stored = "fp32" if precision == "int8" and part.name != "search" else precision
    program = engines.load(runtime.name, part, precision=stored, samples=lambda: samples)
    target = output / part.name
    try:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(program.folder, target)
    except OSError as error:
        raise EvalkitError(f"the export cannot be written: {error.strerror}", where=target) from error
    written: dict[str, Any] = json.loads((target / exports.MANIFEST).read_text(encoding="utf-8"))
    return {**written, "folder": part.name, "computes_in": stored, "differences": program.differences}


def _facts(agreement: Agreement) -> dict[str, Any]:
    return {
        "overlap_with_torch": agreement.overlap, "auc": agreement.auc, "auc_torch": agreement.auc_torch,
        "auc_lost": agreement.loss, "sequences": agreement.sequences, "frames": agreement.frames,
        "of": "rendered sequences",
    }  # fmt: skip
