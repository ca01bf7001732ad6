"""Export a tracker's networks in a runtime's format, with a manifest that describes how to execute them elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from evalkit import progress, registry
from evalkit.cost.agreement import Agreement, compare_tracking
from evalkit.cost.foreign_export import REFERENCE, export_foreign, write_part
from evalkit.cost.network_calls import observe_networks
from evalkit.cost.network_usage import describe_bare, describe_used
from evalkit.errors import EvalkitError
from evalkit.factories import CALIBRATION, create_tracker_or_network, split_calibration
from evalkit.io import atomic
from evalkit.registry import RuntimeEntry
from evalkit.runtimes import calibration, create_adapter, find_runtime
from evalkit.runtimes.calibration_sequences import CalibrationSequences, find_calibration_sequences
from evalkit.types import BareNetwork, DescribedTracker, Execution, SplitTracker, Tracker

MANIFEST = "manifest.json"


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
        tracker: Name of the tracker, or of a network (``network:``).
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
    build = partial(create_tracker_or_network, tracker, weights=weights, seed=0)
    progress.tell(f"loading {tracker}")
    # The reference in fp32 is not calibrated.
    plain, calibrated_on = split_calibration(registry.tracker.find_variant(tracker)[0], settings)
    built = build(**asdict(Execution()), settings=plain)
    if isinstance(built, SplitTracker):
        build_exported = partial(build, **asdict(execution), settings=settings or {})
        named = find_calibration_sequences(calibrated_on, execution.precision)
        record = _export_split(tracker, built, build_exported, execution, output, named)
    elif isinstance(built, BareNetwork):
        if built.file is not None:
            raise EvalkitError(
                "an ONNX file cannot be converted", where=built.file,
                hint="ONNX Runtime and OpenVINO read it as it is; `evalkit profile` times it in both",
            )  # fmt: skip
        if precision == "int8":
            raise EvalkitError(
                "int8 needs inputs of a video to calibrate on, which a network alone does not have", where=tracker,
                hint="Export the tracker that holds it, as path/to/file.py:Class",
            )  # fmt: skip
        record = export_foreign(built.parts, describe_bare(built.parts, built.usage), execution, output)
    else:
        record = _export_used(tracker, built, execution, output)
    manifest = {"tracker": tracker, "runtime": entry.name, "precision": precision, **record}
    atomic.write_json(output / MANIFEST, manifest)
    return manifest


def _export_split(
    name: str,
    reference: SplitTracker,
    build: Callable[[], Any],
    execution: Execution,
    output: Path,
    named: CalibrationSequences | None,
) -> dict[str, Any]:
    """Export the networks of a tracker that evalkit executes; return what the manifest says of it."""
    # Building the tracker compares the outputs of its networks with torch's.
    progress.tell(f"{name}: exporting to {execution.runtime}{' in int8' if execution.precision == 'int8' else ''}")
    exported = build()
    agreement = compare_tracking([exported], reference)[0]
    if execution.precision == "int8":
        progress.tell(f"{name}: tracking rendered scenes to calibrate int8")
    samples = calibration.inputs(reference, named) if execution.precision == "int8" else []
    calibrated = {CALIBRATION: exported.card[CALIBRATION]} if named is not None else {}
    described = reference if isinstance(reference, DescribedTracker) else None
    networks = (*reference.parts(), *(described.further_parts() if described else ()))
    parts = [
        write_part(part, output, execution, samples if part.name == "search" else ())
        for part in progress.each(networks, lambda part: f"{name}: writing the network {part.name}")
    ]
    usage = _write_usage(described, execution, output) if described else None
    return {
        "card": {**reference.card, **calibrated}, "parts": parts, "tracking": _tracking_record(agreement),
        "usage": usage,
    }  # fmt: skip


def _write_usage(tracker: DescribedTracker, execution: Execution, output: Path) -> dict[str, Any] | None:
    """Return how to use the networks, None if it is unknown; for ONNX, also write the program that does."""
    usage = tracker.usage()
    if usage is None:
        return None
    if registry.runtime.find(execution.runtime).format == "onnx":
        atomic.write_text(output / REFERENCE, tracker.reference_program())
    return dict(usage)


def _export_used(name: str, tracker: Tracker, execution: Execution, output: Path) -> dict[str, Any]:
    """Export the networks that a tracker executes itself."""
    used = observe_networks(tracker)
    if used is None or not used.parts:
        raise EvalkitError(
            "this tracker has no network to export", where=name,
            found="; ".join(used.not_executable) if used and used.not_executable else None,
            hint="`evalkit list trackers` shows those with operations and parameters, which have one; another one must "
            "hold a torch.nn.Module in an attribute",
        )  # fmt: skip
    record = export_foreign(used.parts, describe_used(tracker, used), execution, output, samples=used.samples)
    card = getattr(tracker, "card", {})
    return {**record, "card": dict(card), "not_exported": list(used.not_executable)}


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


def _tracking_record(agreement: Agreement) -> dict[str, Any]:
    return {
        "overlap_with_torch": agreement.overlap, "auc": agreement.auc, "auc_torch": agreement.auc_torch,
        "auc_lost": agreement.loss, "sequences": agreement.sequences, "frames": agreement.frames,
        "of": "rendered sequences",
    }  # fmt: skip
