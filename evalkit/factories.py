"""Build a tracker or open a dataset by its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalkit import config, registry
from evalkit.adapters import adapt
from evalkit.errors import EvalkitError
from evalkit.registry.entries import TrackerEntry
from evalkit.registry.files import line_in_file
from evalkit.types import BareNetwork, Dataset, Tracker

CALIBRATION = "calibration"
"""Name of the setting that names sequences to calibrate int8 on, and of the argument by which a factory takes it."""


def open_dataset(name: str, data: Path | None) -> Dataset:
    """Open a dataset by name.

    Args:
        name: A registered name, or ``path/to/file.py:factory``.
        data: Folder of the dataset, or one that holds it; None for ``$EVALKIT_DATA`` or the configuration file.

    Raises:
        UnknownName: There is no such dataset.
        EvalkitError: Its files are not where they should be.
    """
    entry = registry.dataset.find(name)
    dataset = entry.build(root=config.data_root(entry.name, data))
    if not isinstance(dataset, Dataset):
        raise EvalkitError(
            "the factory did not return a dataset", where=name, found=type(dataset).__name__,
            expected="an evalkit.types.Dataset",
        )  # fmt: skip
    return dataset


def create_tracker(name: str, **offered: Any) -> Tracker:
    """Build a tracker by name.

    Args:
        name: A registered name, ``family:variant``, or ``path/to/file.py:Factory``.
        **offered: ``benchmark``, ``weights``, ``runtime``, ``device``, ``threads``, ``precision``, ``settings``,
            ``seed``; the factory receives those that its signature names. If it names ``calibration``, it receives the
            setting of that name there and not in ``settings``.

    Raises:
        UnknownName: There is no such tracker.
        EvalkitError: See ``Registry.find``; settings were given to a tracker that takes none; the factory failed, or
            returned something else than a tracker.
    """
    built = create_tracker_or_network(name, **offered)
    if isinstance(built, BareNetwork):
        raise EvalkitError(
            "a network alone does not track", where=name,
            hint="`evalkit profile` and `evalkit export` take it; to track, write a class with initialize and update",
        )  # fmt: skip
    return built


def create_tracker_or_network(name: str, **offered: Any) -> Tracker | BareNetwork:
    """Build a tracker, or a network that can be counted, timed and exported; see ``create_tracker``."""
    entry, variant = registry.tracker.find_variant(name)
    settings, calibration = split_calibration(entry, offered.get("settings"))
    if settings and "settings" not in entry.parameters:
        raise EvalkitError(
            f"{name} has no settings", where="--set", found=", ".join(sorted(settings)), hint="Leave out --set"
        )
    if calibration is not None:
        offered |= {"settings": settings, CALIBRATION: calibration}
    built = _build(name, entry, variant=variant, **offered)
    if isinstance(built, BareNetwork):
        return built
    adapted = adapt(built)
    if adapted is None:
        first = built[0] if isinstance(built, tuple) and built else built
        raise EvalkitError(
            "this is not a tracker", where=name, found=type(first).__name__,
            expected="an object with initialize(image, region) and update(image), or a got10k, pysot or pytracking "
            "tracker",
            hint=f"`evalkit profile --tracker network:{name}` takes a network" if hasattr(first, "forward") else None,
        )  # fmt: skip
    return adapted


def split_calibration(entry: TrackerEntry, settings: Mapping[str, str] | None) -> tuple[dict[str, str], str | None]:
    """Return the settings without the one that names sequences to calibrate on, and that one.

    A tracker whose factory does not take ``calibration`` may have a setting of that name; it stays with the others.
    """
    others = dict(settings or {})
    return others, others.pop(CALIBRATION, None) if CALIBRATION in entry.parameters else None


def _build(name: str, entry: TrackerEntry, **offered: Any) -> Any:
    """Call the factory. A failure of a user's factory is reported to the user; one of evalkit's own is a defect."""
    try:
        return entry.build(**offered)
    except EvalkitError:
        raise
    except (Exception, SystemExit) as error:
        if registry.tracker.is_builtin(entry):
            raise
        line = line_in_file(entry.file, error) if entry.file else ""
        known = ", ".join(key for key in offered if key != "variant")
        raise EvalkitError(
            f"building it fails with {type(error).__name__}: {error}", where=f"{name}{line and f' (line {line})'}",
            hint=f"A tracker is built without arguments, or with those of {known} that it names",
        ) from error  # fmt: skip
