"""How a tracker is led through a sequence: one module per protocol, one function ``run`` in each.

A protocol's ``run(tracker, sequence, *, origin, name, repetition, ...)`` returns the trajectories it produced: one for
most protocols, one per anchor for ``multistart``.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from evalkit.errors import EvalkitError
from evalkit.types import Trajectory

Protocol = Callable[..., list[Trajectory]]

NAMES = ("one_pass", "supervised", "unsupervised", "realtime", "multistart", "longterm")


def get(name: str) -> Protocol:
    """The ``run`` function of a protocol.

    Raises:
        EvalkitError: No protocol has that name.
    """
    key = name.replace("-", "_")
    if key not in NAMES:
        raise EvalkitError(f"no protocol is named {name!r}", expected=", ".join(NAMES))
    run: Protocol = import_module(f"evalkit.protocols.{key}").run
    return run
