"""Sequences and datasets of which only first frames are annotated: they cannot be scored."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from evalkit.errors import WithheldGroundtruth
from evalkit.types import Dataset, Sequence


def groundtruth_withheld(dataset: Dataset, sequences: Iterable[str]) -> bool:
    """Return whether only the first frames of these sequences are annotated, as in test sets that a server scores."""
    later = [dataset.sequence(name).groundtruth[1:] for name in sequences]
    return any(len(rows) for rows in later) and all(np.isnan(rows).all() for rows in later)


def only_first_frame_annotated(sequence: Sequence) -> bool:
    """Return whether nothing but the box that a tracker is given is annotated; absence, too, is annotation."""
    rows = sequence.groundtruth[1:]
    marked = np.any(sequence.flags["absent"][1:]) if "absent" in sequence.flags else False
    return len(rows) > 0 and bool(np.isnan(rows).all()) and not marked


def withheld_error(dataset: Dataset, label: str) -> WithheldGroundtruth:
    """Return the error that says that this dataset cannot be scored here, and what can be done instead."""
    if dataset.family is None:  # a video of one's own
        return WithheldGroundtruth(
            "only the first frame is annotated, so there is nothing to score", where=dataset.name,
            hint=f"Compare trackers with `evalkit report`, or watch one with `evalkit replay --dataset {dataset.name}`",
        )  # fmt: skip
    return WithheldGroundtruth(
        "the groundtruth is withheld after the first frame; only the benchmark's server can score this",
        where=dataset.name,
        hint=f"Write the submission with `evalkit pack --dataset {dataset.name} --tracker {label}`",
    )
