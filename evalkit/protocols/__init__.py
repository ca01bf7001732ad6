"""Protocols: how a tracker is run on a sequence, one file a protocol.

A protocol is a function ``(tracker, sequence, *, origin, name, repetition, seed, rules) -> list[Trajectory]`` that is
registered by ``@registry.protocol``; of the keyword arguments it names those that it needs. It returns one trajectory,
or several where it starts the tracker several times (``multistart``: one per anchor).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.registry import ProtocolEntry
from evalkit.registry.files import split_file_name
from evalkit.types import Dataset, Sequence, Tracker, Trajectory

Protocol = Callable[..., list[Trajectory]]


def find(name: str) -> ProtocolEntry:
    """Return the protocol of that name.

    Args:
        name: A registered name, with ``-`` or ``_``, or ``path/to/file.py:function``.

    Raises:
        UnknownName: There is none; similar names are suggested.
        EvalkitError: See ``evalkit.registry.Registry.find``.
    """
    return registry.protocol.find(name if source_of(name) else name.replace("-", "_"))


def get(name: str) -> Protocol:
    """Return the function of a protocol.

    Raises:
        UnknownName: See ``find``.
    """
    function: Protocol = find(name).factory
    return function


def choose(dataset: Dataset, asked: str | None) -> str:
    """Return the registered name of the protocol that was asked for, or of the dataset's own one.

    Args:
        asked: A registered name or ``path/to/file.py:function``; None for the dataset's own protocol.

    Raises:
        UnknownName: There is no such protocol.
        EvalkitError: The dataset does not list the protocol, and the protocol does not apply to it.
    """
    if asked is None:
        return dataset.protocols[0]
    entry = find(asked)
    if entry.name not in dataset.protocols and not entry.applies(dataset):
        raise EvalkitError(
            f"{dataset.name} is not run under this protocol", where="--protocol", found=asked,
            expected=", ".join(dataset.protocols),
        )  # fmt: skip
    return entry.name


def source_of(name: str | None) -> str | None:
    """Return ``path/to/file.py:function`` if a protocol was named so, for processes that have to load it; else None."""
    path = None if name is None else split_file_name(name, "protocol")[0]
    return name if path is not None else None


def run(
    protocol: str,
    tracker: Tracker,
    sequence: Sequence,
    dataset: Dataset,
    *,
    name: str,
    repetition: int = 1,
    seed: int = 0,
) -> list[Trajectory]:
    """Run a tracker on a sequence of a dataset by a protocol.

    Args:
        protocol: A registered name or ``path/to/file.py:function``.
        tracker: Fresh or used; the protocol initialises it.
        dataset: The dataset of the sequence, whose origin and VOT rules hold.
        name: Label of the tracker in the trajectories.
        repetition: Number of the repetition, counted from 1.
        seed: Seed for protocols that draw random numbers.

    Returns:
        Trajectories that bear the protocol's registered name.

    Raises:
        UnknownName: There is no such protocol.
        TrackerError: The tracker failed.
        EvalkitError: A frame cannot be read, the annotation does not suit the protocol, or the protocol's function
            returned something else than trajectories.
    """
    entry = find(protocol)
    offered = {
        "origin": dataset.origin, "name": name, "repetition": repetition, "seed": seed, "rules": dataset.vot
    }  # fmt: skip
    wanted = {key: value for key, value in offered.items() if key in entry.parameters}
    found = entry.factory(tracker, sequence, **wanted)
    if not isinstance(found, list | tuple) or not all(isinstance(one, Trajectory) for one in found):
        raise EvalkitError(
            f"protocol {entry.name} must return a list of Trajectory", where=entry.module, found=type(found).__name__
        )
    return [replace(one, tracker=name, protocol=entry.name) for one in found]
