"""How a tracker is led through a sequence: one module per protocol, one function ``run`` in each.

A protocol's ``run(tracker, sequence, *, origin, name, repetition, ...)`` returns the trajectories it produced: one for
most protocols, one per anchor for ``multistart``.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from evalkit.errors import EvalkitError, suggestion
from evalkit.types import Dataset, Trajectory

Protocol = Callable[..., list[Trajectory]]

NAMES = ("one_pass", "supervised", "unsupervised", "realtime", "multistart", "longterm")


def get(name: str) -> Protocol:
    """The ``run`` function of a protocol.

    Raises:
        EvalkitError: No protocol has that name.
    """
    run: Protocol = import_module(f"evalkit.protocols.{_known(name)}").run
    return run


def choose(dataset: Dataset, asked: str | None) -> str:
    """The protocol that was asked for, or the benchmark's own.

    Raises:
        EvalkitError: No protocol has that name, or the benchmark is not run under it.
    """
    chosen = dataset.protocols[0] if asked is None else _known(asked)
    if chosen not in dataset.protocols:
        raise EvalkitError(
            f"{dataset.name} is not run under this protocol", where="--protocol", found=asked,
            expected=", ".join(dataset.protocols),
        )  # fmt: skip
    return chosen


def _known(name: str) -> str:
    key = name.replace("-", "_")
    if key not in NAMES:
        raise EvalkitError(f"no protocol is named {name!r}", expected=", ".join(NAMES), hint=suggestion(key, NAMES))
    return key
