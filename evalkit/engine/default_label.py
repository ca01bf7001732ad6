"""The name that the results of a tracker are stored under if the user gives none."""

from __future__ import annotations

from evalkit import registry


def default_label(tracker: str, runtime: str, precision: str) -> str:
    """Return the name that results are stored under: the tracker's, with runtime and precision unless torch and fp32.

    A runtime in a file is called by its registered name.

    >>> default_label("lighttrack-m", "torch", "fp32"), default_label("my/file.py:Mine", "ncnn", "fp16")
    ('lighttrack-m', 'Mine@ncnn-fp16')
    """
    path, separator, attribute = tracker.rpartition(":")
    label = attribute if separator and path.endswith(".py") else _family_label(tracker)
    name = registry.runtime.find(runtime).name
    if precision != "fp32":
        return f"{label}@{name}-{precision}"
    return label if name == "torch" else f"{label}@{name}"


def _family_label(tracker: str) -> str:
    """Return the label that a family of trackers gives to its variant; the tracker's own name by default."""
    if ":" not in tracker:
        return tracker
    entry, variant = registry.tracker.find_variant(tracker)
    return entry.label(variant or "") if entry.label else tracker
