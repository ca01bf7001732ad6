"""Sequences that a person names to calibrate int8 on, in addition to rendered targets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalkit.errors import EvalkitError
from evalkit.factories import CALIBRATION, open_dataset
from evalkit.runtimes.adapter import Arrays
from evalkit.types import Box, Dataset, Sequence, SplitTracker

FRAMES = 8
"""Frames that are taken from each sequence."""


@dataclass(frozen=True)
class CalibrationSequences:
    """Sequences of one dataset whose frames calibrate int8.

    Attributes:
        dataset: The dataset.
        sequences: Those of its sequences that were named.
    """

    dataset: Dataset
    sequences: tuple[Sequence, ...]

    def inputs(self, tracker: SplitTracker) -> list[Arrays]:
        """Return the inputs of a tracker's network in frames of all sequences.

        The tracker is initialised with the groundtruth of frames at equal distances, and receives the frame after each.
        The crops therefore do not depend on what the network answers.

        Args:
            tracker: A tracker whose network computes in fp32.

        Returns:
            For each frame one array per input, with batch 1.

        Raises:
            EvalkitError: A sequence has no frames, or no annotated frame before another frame.
        """
        return [given for sequence in self.sequences for given in self._inputs_in_sequence(tracker.sibling(), sequence)]

    def record(self, inputs: list[Arrays]) -> dict[str, Any]:
        """Return what the tracker's card says of the calibration.

        Args:
            inputs: What ``inputs`` returned. Their crops, the last array of each, are recorded as a hash; features
                differ between processors.
        """
        digest = hashlib.sha256()
        for *_, crop in inputs:
            digest.update(crop.tobytes())
        return {
            "dataset": self.dataset.name, "dataset_version": self.dataset.version, "frames": len(inputs),
            "sequences": [sequence.name for sequence in self.sequences], "crops_sha256": digest.hexdigest(),
        }  # fmt: skip

    def _inputs_in_sequence(self, tracker: SplitTracker, sequence: Sequence) -> Iterator[Arrays]:
        frames = sequence.frames
        where = f"{self.dataset.name}/{sequence.name}"
        if frames is None:
            raise EvalkitError(
                "int8 cannot be calibrated on a sequence without frames", where=where,
                hint="Its images are not on disk: name another sequence",
            )  # fmt: skip
        starts = np.flatnonzero(np.isfinite(sequence.groundtruth[:-1]).all(axis=1))
        if not len(starts):
            raise EvalkitError(
                "int8 cannot be calibrated on a sequence without an annotated frame that another one follows",
                where=where, hint="Name another sequence",
            )  # fmt: skip
        for index in np.unique(starts[np.linspace(0, len(starts) - 1, FRAMES).astype(int)]):
            tracker.initialize(frames[int(index)], self._target(sequence, int(index)))
            yield tracker.crop(frames[int(index) + 1])

    def _target(self, sequence: Sequence, index: int) -> Box:
        """Return the box of the target in pixels counted from 0."""
        x, y, width, height = sequence.groundtruth[index]
        return Box(x - self.dataset.origin, y - self.dataset.origin, width, height)


def find_calibration_sequences(text: str | None, precision: str) -> CalibrationSequences | None:
    """Return the sequences that a setting names; None without the setting.

    Args:
        text: ``DATASET:SEQUENCE,SEQUENCE``. The dataset is looked for in ``$EVALKIT_DATA`` or the folder of the
            configuration file, because ``--data`` may name the folder of another one.
        precision: Precision of the network.

    Raises:
        EvalkitError: The precision is not int8, the text has another form, or there is no such dataset or sequence.
    """
    if text is None:
        return None
    if precision != "int8":
        raise EvalkitError(
            "only int8 is calibrated", where=f"--set {CALIBRATION}", found=f"precision {precision}",
            hint="Add --precision int8, or leave the setting out",
        )  # fmt: skip
    name, colon, rest = text.rpartition(":")
    wanted = [part.strip() for part in rest.split(",")]
    if not (name and colon and all(wanted)):
        raise EvalkitError(
            "invalid sequences to calibrate on", where=f"--set {CALIBRATION}", found=text or "nothing",
            expected="DATASET:SEQUENCE,SEQUENCE, e.g. otb100:Couple,Man",
        )  # fmt: skip
    dataset = open_dataset(name, None)
    return CalibrationSequences(dataset, tuple(dataset.find(one) for one in dict.fromkeys(wanted)))
