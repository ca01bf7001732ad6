"""Average overlap of VOT's unsupervised results: one pass, without help after the start.

Every sequence's mean overlap, without burn-in and without frames that have no answer or no groundtruth, weighted by its
length. Repetitions are averaged; one that leaves no frame to score counts as 0.

Source: ``AverageAccuracy`` in ``vot/analysis/accuracy.py`` of vot-toolkit 0.9.0. Burn-in: its stacks (``burnin``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics import alignment, raster_toolkit, vot
from evalkit.metrics.measures import Evaluation, Measure, at
from evalkit.metrics.vot_toolkit import regions_of
from evalkit.types import FrameState, Metric, Sequence

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

AO = Metric("ao", "average overlap without resets: sequences' mean overlap after the burn-in, weighted by length")
METRICS = (AO,)


def measure(evaluation: Evaluation) -> list[Measure]:
    """The average overlap; of a tag, over the sequences that have tagged frames."""
    alignment.check_lengths(evaluation)
    sequences = evaluation.sequences()
    frames = np.array([[float(len(one) * tagged(one, evaluation.tag).any())] for one in sequences])
    overlap = np.array([[np.mean([*_means(one, evaluation)])] for one in sequences])
    names = tuple(one.name for one in sequences)
    return [Measure(AO, names, overlap * frames, frames, at(0))]


def tagged(sequence: Sequence, tag: str | None) -> Flags:
    """Shape (N,): frames that count; all of them without a tag."""
    return np.ones(len(sequence), bool) if tag is None else vot.padded(sequence.flags.get(tag), len(sequence))


def _means(sequence: Sequence, evaluation: Evaluation) -> Iterator[float]:
    """The mean overlap of each repetition."""
    burn_in = evaluation.dataset.vot.unsupervised_burn_in
    # The toolkit takes the tagged frames for a sequence of their own, burn-in included.
    kept = np.flatnonzero(tagged(sequence, evaluation.tag))
    truth = [sequence.region(int(index)) for index in kept]
    known = np.array([region is not None for region in truth], bool)
    for trajectory in evaluation.runs[sequence.name]:
        answers = regions_of(trajectory)
        answered = np.array([answers[index] is not None for index in kept], bool)
        states = trajectory.states[kept]
        tracked = known & ~vot.burned_in(np.where(known, states, FrameState.SKIPPED), burn_in)
        evaluation.notes.add("frames without an answer left out, as the toolkit does", int((tracked & ~answered).sum()))
        overlaps = raster_toolkit.overlaps([answers[index] for index in kept], truth, vot.image_size(sequence))
        counted = tracked & answered
        yield float(overlaps[counted].mean()) if counted.any() else 0.0
