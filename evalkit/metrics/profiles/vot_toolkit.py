"""The analyses of vot-toolkit 0.9.0: supervised, unsupervised, multi-start and long-term.

Its supervised measures are not those of the VOT2015 to VOT2019 papers. Robustness is a mean number of failures weighted
by length, accuracy a mean of sequence means weighted by length, and fragments of the expected overlap end before their
failure and all have the same weight. Lengths are counted from 0, between the same limits of EAO.

Source: ``vot/analysis/supervised.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from evalkit import registry
from evalkit.metrics import alignment, longterm, multistart, raster_toolkit, unsupervised, vot
from evalkit.metrics.measures import UNDEFINED, Evaluation, Measure, at, between, column
from evalkit.metrics.vot import Fragment
from evalkit.types import Floats, FrameState, Sequence

SOURCE = "vot-toolkit 0.9.0"

Run: TypeAlias = tuple[Floats, NDArray[np.int8]]
"""Overlaps and states of a trajectory, both of shape (N,)."""

ACCURACY = replace(vot.ACCURACY, summary="mean of the sequences' mean overlap without burn-in, weighted by length")
ROBUSTNESS = replace(vot.ROBUSTNESS, summary="failures per sequence, weighted by length", unit="failures/sequence")


@registry.profile(
    "vot-toolkit",
    summary="accuracy, robustness and EAO of supervised results as vot-toolkit computes them",
    protocols=("supervised", "realtime"),
    metrics=(ACCURACY, ROBUSTNESS, vot.FAILURES, vot.EAO),
    source=SOURCE,
    reason="sequences are averaged by length, robustness is a number of failures, and fragments of the expected "
    "overlap end before the failure and have the same weight",
    applies=registry.only_where_listed,
)
def vot_toolkit(evaluation: Evaluation) -> list[Measure]:
    """Compute accuracy, robustness, failures and EAO by the dataset's rules."""
    alignment.check_lengths(evaluation)
    vot.check_states(evaluation)
    burn_in, interval = evaluation.dataset.vot.burn_in, vot.eao_interval(evaluation)
    sequences = evaluation.sequences()
    names = tuple(sequence.name for sequence in sequences)
    runs = [list(_runs(sequence, evaluation)) for sequence in sequences]
    frames = column(len(sequence) for sequence in sequences)
    accuracy = column(_mean_accuracy(group, burn_in) for group in runs)
    failures = column(_mean_failures(group) for group in runs)
    fragments = [_fragments_of(group) for group in runs]
    longest = max(len(fragment.overlaps) for group in fragments for fragment in group)
    expected, weights, _ = vot.expected_overlaps(fragments, longest)
    averaged = UNDEFINED if interval is None else between(*interval)
    if interval is not None:
        vot.note_short_sequences(weights[:, interval[0] : interval[1] + 1], interval[1] + 1 - interval[0], evaluation)
    return [
        Measure(ACCURACY, names, accuracy * frames, frames, at(0)),
        Measure(ROBUSTNESS, names, failures * frames, frames, at(0)),
        Measure(vot.FAILURES, names, failures, None, at(0)),
        Measure(vot.EAO, names, expected, weights, averaged, np.arange(float(expected.shape[1]))),
    ]


def _runs(sequence: Sequence, evaluation: Evaluation) -> Iterator[Run]:
    """Yield overlaps and states of each repetition."""
    truth = [sequence.region(index) for index in range(len(sequence))]
    vot.note_empty_regions(sequence, truth, evaluation.notes)
    for trajectory in evaluation.runs[sequence.name]:
        overlaps = raster_toolkit.overlaps(vot.tracked_regions(trajectory), truth, vot.image_size(sequence))
        yield overlaps, trajectory.states


def _mean_accuracy(runs: list[Run], burn_in: int) -> float:
    return float(np.mean([_accuracy(overlaps, states, burn_in) for overlaps, states in runs]))


def _mean_failures(runs: list[Run]) -> float:
    return float(np.mean([(states == FrameState.FAILED).sum() for _, states in runs]))


def _accuracy(overlaps: Floats, states: NDArray[np.int8], burn_in: int) -> float:
    counted = (states == FrameState.TRACKED) & ~vot.in_burn_in(states, burn_in)
    return float(overlaps[counted].mean()) if counted.any() else 0.0


def _fragments_of(runs: list[Run]) -> list[Fragment]:
    return [fragment for overlaps, states in runs for fragment in _fragments(overlaps, states)]


def _fragments(overlaps: Floats, states: NDArray[np.int8]) -> Iterator[Fragment]:
    starts, failures = np.flatnonzero(states == FrameState.INITIALIZED), np.flatnonzero(states == FrameState.FAILED)
    if failures.size == 0:
        yield Fragment(overlaps, 1.0, failed=False)
        return
    for start, failure in zip(starts, failures, strict=False):
        yield Fragment(overlaps[start:failure], 1.0, failed=True)
    if len(starts) > len(failures):
        yield Fragment(overlaps[starts[-1] :], 1.0, failed=False)


@registry.profile(
    "vot-unsupervised",
    summary="average overlap of one pass without resets, as vot-toolkit computes it",
    protocols=("unsupervised",),
    metrics=unsupervised.METRICS,
    source=SOURCE,
    reason="one pass without resets: sequences' mean overlap after the burn-in, weighted by length; frames without an "
    "answer are left out",
    tags=True,
    applies=registry.only_where_listed,
)
def vot_unsupervised(evaluation: Evaluation) -> list[Measure]:
    """Compute the average overlap."""
    return unsupervised.average_overlap_measures(evaluation)


@registry.profile(
    "vot-multistart",
    summary="accuracy, robustness and EAO of multi-start results (VOT2020 and later), as vot-toolkit computes them",
    protocols=("multistart", "realtime"),
    metrics=multistart.METRICS,
    source=SOURCE,
    reason="runs begin at anchors and end at their first failure: ten consecutive frames with overlaps of at most 0.1",
    applies=registry.only_where_listed,
)
def vot_multistart(evaluation: Evaluation) -> list[Measure]:
    """Compute accuracy, robustness and EAO by the dataset's rules."""
    return multistart.multistart_measures(evaluation)


@registry.profile(
    "vot-longterm",
    summary="precision, recall and F-score of long-term results, as vot-toolkit computes them",
    protocols=("longterm",),
    metrics=longterm.METRICS,
    source=SOURCE,
    reason="overlap on the pixels of the image, the start counts as overlap 0 of confidence 0, and all frames are "
    "selected at the lowest threshold",
    applies=registry.only_where_listed,
)
def vot_longterm(evaluation: Evaluation) -> list[Measure]:
    """Compute precision, recall and F-score."""
    return longterm.toolkit_measures(evaluation)
