"""Find metric profiles by name, choose those that score a dataset, and look up their metrics."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit import registry
from evalkit.errors import ProfileNotApplicable
from evalkit.registry import ProfileEntry
from evalkit.types import Dataset, Metric


def find(name: str) -> ProfileEntry:
    """Return the profile of that name.

    Args:
        name: A registered name, of evalkit or of an installed package, or ``path/to/file.py:function``.

    Raises:
        UnknownName: There is none; similar names are suggested.
        EvalkitError: See ``evalkit.registry.Registry.find``.
    """
    return registry.profile.find(name)


def applicable(dataset: Dataset) -> tuple[str, ...]:
    """Return the names of the profiles that score a dataset, whatever the protocol.

    Returns:
        Those that the dataset lists, the official one first, followed by the other registered ones that apply to it.
    """
    listed = [find(name).name for name in dataset.profiles]
    others = [one.name for one in registry.profile.entries() if one.name not in listed and one.applies(dataset)]
    return (*listed, *others)


def fitting(dataset: Dataset, protocol: str) -> tuple[str, ...]:
    """Return the names of the profiles that score a dataset's results of a protocol, the official one first."""
    return tuple(name for name in applicable(dataset) if result_form(find(name), protocol) is not None)


def official(dataset: Dataset, protocol: str) -> str:
    """Return the name of the profile that scores a dataset's results of a protocol unless another one is asked for.

    Raises:
        ProfileNotApplicable: No profile scores results of the protocol.
    """
    for name in fitting(dataset, protocol):
        return name
    scored = [one for one in dataset.protocols if fitting(dataset, one)]
    raise ProfileNotApplicable(
        "no metric profile scores results of this protocol", where=dataset.name, found=protocol,
        expected=" or ".join(scored),
    )  # fmt: skip


def result_form(entry: ProfileEntry, protocol: str) -> str | None:
    """Return the protocol as which a profile scores results of ``protocol``; None if it does not score them.

    That is ``protocol`` itself or, of a protocol registered with ``scored_as``, the name given there.
    """
    if protocol in entry.protocols:
        return protocol
    form = next((one.scored_as for one in registry.protocol.entries() if one.name == protocol), "")
    return form if form in entry.protocols else None


def metrics(profile: str | None = None) -> Iterator[Metric]:
    """Yield the metrics of a profile, or of all registered profiles; nothing for an unknown profile."""
    for entry in registry.profile.entries():
        if profile in (None, entry.name):
            yield from entry.metrics


def metric_named(name: str, profile: str | None = None) -> Metric | None:
    """Return a profile's metric of that name, with its head, unit, summary and curve labels.

    Args:
        profile: Registered name of the profile; None for any profile that has the metric.

    Returns:
        None where there is no such metric.
    """
    return next((metric for metric in metrics(profile) if metric.name == name), None)
