"""Operations and parameters of trackers whose networks evalkit does not execute itself: one update is observed."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.cost import macs
from evalkit.cost.layers import Count
from evalkit.cost.staged_tracker import Video
from evalkit.types import Cost, SplitTracker, Tracker

if TYPE_CHECKING:
    import torch

_DEPTH = 3  # attributes of attributes: adapter, tracker, parameters, network wrapper


def find_networks(tracker: object) -> dict[str, torch.nn.Module]:
    """Return the networks that a tracker's attributes hold, by dotted name.

    Attributes of attributes are searched too, as of adapters and of pytracking's parameters.
    """
    torch = sys.modules.get("torch")
    if torch is None:  # then nothing can hold a network
        return {}
    found: dict[str, Any] = {}
    seen = {id(tracker)}
    pending = [("", tracker, 0)]
    for prefix, owner, depth in pending:
        for name, value in list(getattr(owner, "__dict__", {}).items()):
            if id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, torch.nn.Module):
                found[f"{prefix}{name}"] = value
            elif depth < _DEPTH and _may_hold_networks(value):
                pending.append((f"{prefix}{name}.", value, depth + 1))
    return found


def _may_hold_networks(value: object) -> bool:
    package = type(value).__module__.partition(".")[0]
    return hasattr(value, "__dict__") and package not in ("torch", "numpy", "builtins", "logging", "threading", "cv2")


def update_costs(tracker: Tracker, *, name: str = "") -> list[Cost]:
    """Return the MACs of one update on a rendered frame by every convention, and the parameters of its networks.

    All operators that PyTorch executes in ``update`` are counted, however the tracker calls its networks. The tracker
    is initialised on the rendered scene. Operators of other libraries, e.g. the crop by OpenCV, are not counted.

    Args:
        tracker: The tracker; a ``SplitTracker`` is counted by ``evalkit.cost.macs`` instead.
        name: Its name in the records.

    Returns:
        No records where the tracker holds no network. Where counting fails, a record without value gives the reason.
    """
    networks = {} if isinstance(tracker, SplitTracker) else find_networks(tracker)
    if not networks:
        return []
    video = Video()
    try:
        counted = _count_update(tracker, networks, video)
    except Exception as error:  # whatever code of others does under observation
        reason = f"counting fails with {type(error).__name__}: {error}"
        return [Cost(name, "macs", "all", None, "MACs", video.size, not_counted=(reason,))]
    records = [replace(record, input=f"update, {video.size}") for record in macs.count_costs(counted, name=name)]
    return [*records, Cost(name, "parameters", "distinct", counted.parameters, "parameters")]


def _count_update(tracker: Tracker, networks: dict[str, torch.nn.Module], video: Video) -> Count:
    # This module imports torch, so it is imported only for counting.
    from evalkit.cost._operator_recorder import record_call

    tracker.initialize(video.decode(0), video.box)
    image = video.decode(1)
    layers, parameters = record_call(networks, lambda: tracker.update(image))
    return Count(layers, parameters, video.size)
