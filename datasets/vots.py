"""VOTS2023 to VOTS2025: several objects per video, given by masks in their first frames, and targets that disappear.

Every object is a sequence of its own, which a single-object tracker follows; ``Sequence.video`` joins the objects of a
video. The three challenges have the same 144 videos, whose groundtruth is withheld after the first frames; copies with
all regions are scored here. Regions are used as written. Sources: vot-toolkit's ``stack/vots2023.yaml`` to
``vots2025/main.yaml`` and ``stack/tests/multiobject.yaml``; Kristan et al.: The First Visual Object Tracking
Segmentation VOTS2023 Challenge Results (ICCV Workshops 2023).
"""

from __future__ import annotations

from pathlib import Path

from evalkit import registry
from evalkit.datasets._vots_forms import object_form
from evalkit.datasets.building import expected_names, find_folders, join_forms, no_sequences_error
from evalkit.types import Dataset, VotRules

# vot-toolkit 56f0053, `grace` of vots2025/realtime.yaml and `burnin` of tests/multiobject.yaml.
_RULES = VotRules(burn_in=0, realtime_grace=3, unsupervised_burn_in=0)


@registry.dataset("vots2023", summary="VOTS2023, masks of several objects per video, 144 videos", aliases=("vots",))
def vots2023(root: Path | None) -> Dataset:
    """Open VOTS2023."""
    return _open(2023, root)


@registry.dataset("vots2024", summary="VOTS2024, masks of several objects per video, the videos of VOTS2023")
def vots2024(root: Path | None) -> Dataset:
    """Open VOTS2024."""
    return _open(2024, root)


@registry.dataset("vots2025", summary="VOTS2025, masks of several objects per video, the videos of VOTS2023")
def vots2025(root: Path | None) -> Dataset:
    """Open VOTS2025."""
    return _open(2025, root)


def _open(year: int, root: Path | None) -> Dataset:
    name = f"vots{year}"
    usual = [f"VOTS{one}" for one in (year, 2023)] + [f"VOT-S{year}", f"VOTS-{year}", "VOTS"]
    folders = find_folders(root, usual, dataset=name)
    videos = expected_names(folders, "list.txt", ())
    forms = [object_form(folder, videos) for folder in folders]
    found = {key: source.video for form in forms for key, source in form.items()}
    names = [key for video in videos or sorted({str(one) for one in found.values()}) for key in _objects(video, found)]
    sequences = join_forms(names, forms)
    if not sequences:
        raise no_sequences_error(name, root, folders, "<video>/groundtruth_<object>.txt")
    return Dataset(
        name=name,
        directory=f"VOTS{year}",
        version="1",
        origin=0,
        sequences=sequences,
        expected=tuple(names),
        protocols=("multi_object",),
        profiles=("vots",),
        layout="vot",
        family="vot",
        vot=_RULES,
        root=root,
    )


def _objects(video: str | None, found: dict[str, str | None]) -> list[str]:
    """Return the objects of a video, or the video itself where it is not on disk."""
    return [name for name, own in found.items() if own == video] or [str(video)]
