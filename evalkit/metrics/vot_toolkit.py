"""vot-toolkit's own supervised measures, which are not those of the VOT2015 to VOT2019 papers.

Robustness is a mean number of failures weighted by length, accuracy a mean of sequence means weighted by length, and
fragments of the expected overlap end before their failure and all weigh the same. Lengths are counted from 0,
between the same limits of EAO.

Source: ``vot/analysis/supervised.py`` of vot-toolkit 0.9.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalkit.metrics import alignment, raster_toolkit, vot
from evalkit.metrics.measures import Evaluation, Measure, at
from evalkit.metrics.vot import Fragment
from evalkit.types import FrameState, Region, Sequence, Trajectory

Floats = NDArray[np.float64]

ACCURACY = replace(vot.ACCURACY, summary="mean of the sequences' mean overlap without burn-in, weighted by length")
ROBUSTNESS = replace(vot.ROBUSTNESS, summary="failures a sequence, weighted by length", unit="failures/sequence")
METRICS = (ACCURACY, ROBUSTNESS, vot.FAILURES, vot.EAO)


def measure(evaluation: Evaluation) -> list[Measure]:
    """Accuracy, robustness, failures and EAO."""
    alignment.check_lengths(evaluation)
    vot.check_states(evaluation)
    sequences = evaluation.sequences()
    names = tuple(sequence.name for sequence in sequences)
    runs = [list(_runs(sequence, evaluation)) for sequence in sequences]
    frames = np.array([[float(len(sequence))] for sequence in sequences])
    accuracy = np.array([[np.mean([_accuracy(*run) for run in group])] for group in runs])
    failures = np.array([[np.mean([(states == FrameState.FAILED).sum() for _, states in group])] for group in runs])
    fragments = [[fragment for run in group for fragment in _fragments(*run)] for group in runs]
    longest = max((len(fragment.overlaps) for group in fragments for fragment in group), default=0)
    expected, weights, _ = vot.expected_overlaps(fragments, longest)
    return [
        Measure(ACCURACY, names, accuracy * frames, frames, at(0)),
        Measure(ROBUSTNESS, names, failures * frames, frames, at(0)),
        Measure(vot.FAILURES, names, failures, None, at(0)),
        Measure(
            vot.EAO, names, expected, weights, vot.averaged(evaluation, first=0), np.arange(float(expected.shape[1]))
        ),
    ]


def regions_of(trajectory: Trajectory) -> list[Region | None]:
    """None where the tracker was not tracking."""
    tracked = trajectory.states == FrameState.TRACKED
    return [trajectory.region(index) if tracked[index] else None for index in range(len(trajectory))]


def _runs(sequence: Sequence, evaluation: Evaluation) -> Iterator[tuple[Floats, NDArray[np.int8]]]:
    truth = [sequence.region(index) for index in range(len(sequence))]
    for trajectory in evaluation.runs[sequence.name]:
        overlaps = raster_toolkit.overlaps(regions_of(trajectory), truth, vot.image_size(sequence))
        yield overlaps, trajectory.states


def _accuracy(overlaps: Floats, states: NDArray[np.int8]) -> float:
    counted = (states == FrameState.TRACKED) & ~vot.burned_in(states)
    return float(overlaps[counted].mean()) if counted.any() else 0.0


def _fragments(overlaps: Floats, states: NDArray[np.int8]) -> Iterator[Fragment]:
    starts, failures = np.flatnonzero(states == FrameState.INITIALIZED), np.flatnonzero(states == FrameState.FAILED)
    if failures.size == 0:
        yield Fragment(overlaps, 1.0, endless=False)
        return
    for start, failure in zip(starts, failures, strict=False):
        yield Fragment(overlaps[start:failure], 1.0, endless=True)
    if len(starts) > len(failures):
        yield Fragment(overlaps[starts[-1] :], 1.0, endless=False)
