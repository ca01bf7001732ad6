"""Export a tracker's networks in a runtime's format, with a manifest that describes how to execute them elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from evalkit import progress, registry, runtimes
from evalkit.cost.agreement import Agreement, compare_tracking
from evalkit.errors import EvalkitError
from evalkit.factories import create_tracker
from evalkit.io import atomic
from evalkit.registry import RuntimeEntry
from evalkit.runtimes import Arrays, calibration, create_adapter, exports, find_runtime
from evalkit.types import DescribedTracker, Execution, NetworkPart, SplitTracker

MANIFEST = "manifest.json"
REFERENCE = "reference.py"


def export_tracker(
    tracker: str,
    *,
    runtime: str,
    output: Path,
    precision: str = "fp32",
    weights: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Write the networks of a tracker into ``output``, one folder each, and ``manifest.json``.

    Args:
        tracker: Name of the tracker.
        runtime: Name of a runtime that has a format.
        output: A folder that does not exist, is empty, or holds an earlier export, which is replaced.
        precision: Precision that the runtime will compute in.
        weights: Checkpoint, or a folder of them.
        settings: Settings of the tracker.

    Returns:
        The manifest: inputs by name, size and type, precision, versions, hashes, and the differences from torch in the
        outputs of the networks and in tracking.

    Raises:
        EvalkitError: The tracker has no network, the runtime has no format, or the outputs of the exported networks
            differ too much from torch's.
    """
    execution = Execution(runtime, precision)
    entry = find_runtime(execution)
    _check_format(entry)
    create_adapter(entry)
    _check_folder(output)
    build = partial(create_tracker, tracker, weights=weights, settings=settings or {}, seed=0)
    progress.tell(f"loading {tracker}")
    reference = build(**asdict(Execution()))
    if not isinstance(reference, SplitTracker):
        raise EvalkitError(
            "this tracker has no network to export", where=tracker,
            hint="`evalkit list trackers` shows those with operations and parameters, which have one",
        )  # fmt: skip
    # Building the tracker compares the outputs of its networks with torch's.
    progress.tell(f"{tracker}: exporting to {entry.name}{' in int8' if precision == 'int8' else ''}")
    agreement = compare_tracking([build(**asdict(execution))], reference)[0]
    if precision == "int8":
        progress.tell(f"{tracker}: tracking rendered scenes to calibrate int8")
    samples = calibration.inputs(reference) if precision == "int8" else []
    described = reference if isinstance(reference, DescribedTracker) else None
    further = described.further_parts() if described else ()
    networks = (*reference.parts(), *further)
    parts = [
        _write_part(part, output, execution, samples)
        for part in progress.each(networks, lambda part: f"{tracker}: writing the network {part.name}")
    ]
    usage = described.usage() if described else None
    if described and usage and entry.format == "onnx":
        atomic.write_text(output / REFERENCE, described.reference_program())
    manifest = {
        "tracker": tracker, "runtime": entry.name, "precision": precision, "card": dict(reference.card),
        "parts": parts, "tracking": _tracking_record(agreement), "usage": None if usage is None else dict(usage),
    }  # fmt: skip
    atomic.write_json(output / MANIFEST, manifest)
    return manifest


def _check_format(runtime: RuntimeEntry) -> None:
    if not runtime.format:
        raise EvalkitError(
            f"{runtime.name} executes the module itself and has no format", where="--runtime",
            expected=", ".join(one.name for one in registry.runtime.entries() if one.format),
        )  # fmt: skip


def _check_folder(output: Path) -> None:
    if output.is_dir() and any(output.iterdir()) and not (output / MANIFEST).is_file():
        raise EvalkitError(
            "this folder is not empty and holds no export", where=output,
            hint="Choose an empty or a new folder with --output",
        )  # fmt: skip


def _write_part(part: NetworkPart, output: Path, execution: Execution, samples: Sequence[Arrays]) -> dict[str, Any]:
    # A template is computed once per sequence and not calibrated: trackers execute it in fp32 if the search is in int8.
    if execution.precision == "int8" and part.name != "search":
        execution = replace(execution, precision="fp32")
    network = runtimes.load(part, execution, samples=lambda: samples)
    target = output / part.name
    try:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(network.folder, target)
    except OSError as error:
        raise EvalkitError(f"the export cannot be written: {error.strerror}", where=target) from error
    written: dict[str, Any] = json.loads((target / exports.MANIFEST).read_text(encoding="utf-8"))
    return {
        **written, "folder": part.name, "computes_in": execution.precision, "differences": network.differences
    }  # fmt: skip


def _tracking_record(agreement: Agreement) -> dict[str, Any]:
    return {
        "overlap_with_torch": agreement.overlap, "auc": agreement.auc, "auc_torch": agreement.auc_torch,
        "auc_lost": agreement.loss, "sequences": agreement.sequences, "frames": agreement.frames,
        "of": "rendered sequences",
    }  # fmt: skip
