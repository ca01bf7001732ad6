"""Trackers in a repository of the STARK/OSTrack family or of pytracking, ``--tracker ostrack:NAME/CONFIG``.

OSTrack, STARK, MixFormer(V2), SeqTrack, ARTrack, HiT, SUTrack, MCITrack, ODTrack, SMAT and their relatives share the
classes and folders of pytracking. evalkit uses a repository unchanged: its own code reads the configuration and the
checkpoint and builds the tracker. evalkit is started in the repository, or given its folder:
``ostrack:path/to/repository:NAME/CONFIG`` or ``$EVALKIT_REPOSITORY``.
"""

from __future__ import annotations

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.trackers._repository.dataset_names import family_name
from evalkit.trackers._repository.repository import create, find_repository
from evalkit.trackers._repository.tracker import RepositoryTracker, describe, on_device


def split_variant(variant: str) -> tuple[str | None, str, str]:
    """Split ``[path/to/repository:]NAME/CONFIG`` into folder, tracker and configuration.

    Raises:
        EvalkitError: It is not of this form.

    >>> split_variant("ostrack/vitb_256"), split_variant("../SUTrack:sutrack/sutrack_t224")
    ((None, 'ostrack', 'vitb_256'), ('../SUTrack', 'sutrack', 'sutrack_t224'))
    """
    place, _, names = variant.rpartition(":")
    name, slash, configuration = names.partition("/")
    if not (name and slash and configuration):
        raise EvalkitError(
            "the tracker and its configuration are not named", where=f"ostrack:{variant}",
            expected="ostrack:NAME/CONFIG or ostrack:path/to/repository:NAME/CONFIG, e.g. ostrack:sutrack/sutrack_t224",
        )  # fmt: skip
    return place or None, name, configuration.removesuffix(".yaml")


def _label(variant: str) -> str:
    return "_".join(split_variant(variant)[1:])


@registry.tracker(
    "ostrack:",
    summary="a repository of the STARK/OSTrack family or pytracking, unchanged: ostrack:[REPOSITORY:]NAME/CONFIG",
    label=_label,
)
def ostrack(*, variant: str, benchmark: str = "otb100", device: str = "cpu") -> RepositoryTracker:
    """Build a tracker of a repository with the repository's own code."""
    place, name, configuration = split_variant(variant)
    repository = find_repository(place)
    dataset = family_name(benchmark)
    with on_device(device):
        tracker, params = create(repository, name, configuration, dataset)
    return RepositoryTracker(tracker, describe(repository, name, configuration, params, dataset), device)
