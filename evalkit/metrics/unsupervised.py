"""Average overlap of VOT's unsupervised results: one pass, without reinitialisation.

The mean overlap of every sequence, without the burn-in and without frames that have no answer or no groundtruth,
weighted by the length of the sequence. Repetitions are averaged; one that leaves no frame to score counts as 0.

Source: ``AverageAccuracy`` in ``vot/analysis/accuracy.py`` of vot-toolkit 0.9.0. Burn-in: its stacks (``burnin``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evalkit.metrics import alignment, raster_toolkit, vot
from evalkit.metrics.measures import Evaluation, Measure, at
from evalkit.types import FrameState, Metric, Sequence

AO = Metric(
    "ao", "average overlap without resets: sequences' mean overlap after the burn-in, weighted by length", head="AO"
)
METRICS = (AO,)


def average_overlap_measures(evaluation: Evaluation) -> list[Measure]:
    """Compute the average overlap; of a tag, over the sequences that have tagged frames."""
    alignment.check_lengths(evaluation)
    sequences = evaluation.sequences()
    frames = np.array([[float(len(one) * vot.tagged_frames(one, evaluation.tag).any())] for one in sequences])
    overlap = np.array([[np.mean([*_mean_overlaps(one, evaluation)])] for one in sequences])
    names = tuple(one.name for one in sequences)
    return [Measure(AO, names, overlap * frames, frames, at(0))]


def _mean_overlaps(sequence: Sequence, evaluation: Evaluation) -> Iterator[float]:
    """Yield the mean overlap of each repetition."""
    burn_in = evaluation.dataset.vot.unsupervised_burn_in
    # The toolkit treats the tagged frames as a sequence of their own, burn-in included.
    kept = np.flatnonzero(vot.tagged_frames(sequence, evaluation.tag))
    truth = [sequence.region(int(index)) for index in kept]
    known = np.array([region is not None for region in truth], bool)
    left_out = int((~known).sum())
    evaluation.notes.add_annotated_frames("frames without annotation left out", sequence.name, left_out)
    for trajectory in evaluation.runs[sequence.name]:
        answers = vot.tracked_regions(trajectory)
        answered = np.array([answers[index] is not None for index in kept], bool)
        states = np.where(known, trajectory.states[kept], FrameState.SKIPPED)
        tracked = known & ~vot.in_burn_in(states, burn_in)
        evaluation.notes.add_frames(
            "frames without an answer left out, as the toolkit does", int((tracked & ~answered).sum())
        )
        overlaps = raster_toolkit.overlaps([answers[index] for index in kept], truth, vot.image_size(sequence))
        counted = tracked & answered
        yield float(overlaps[counted].mean()) if counted.any() else 0.0
