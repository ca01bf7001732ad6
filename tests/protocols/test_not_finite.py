"""A tracker whose network diverges answers NaN: the sequence fails, and the answer is not scored."""

from __future__ import annotations

import math

import numpy as np
import pytest
from moving_square import tiny_dataset
from scripted_tracker import HIT, Scripted, still

from evalkit import protocols
from evalkit.protocols.session import TrackerError
from evalkit.types import Box, Polygon, Region

NAN = Box(12.0, math.nan, 20.0, 20.0)
PROTOCOLS = ("one_pass", "supervised", "unsupervised", "realtime", "longterm", "multistart")


def answering(region: Region | None) -> Scripted:
    return Scripted(lambda index: region if index == 3 else HIT)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("region", "found"),
    [
        (NAN, "12, nan, 20, 20"),
        (Box(math.inf, 0.0, 20.0, 20.0), "inf, 0, 20, 20"),
        (Polygon(np.array([[0.0, 0], [9, 0], [9, math.nan]])), "0, 0, 9, 0, 9, nan"),
    ],
    ids=["NaN", "infinite", "polygon"],
)
def test_an_answer_that_is_not_finite_ends_the_sequence(protocol: str, region: Region, found: str) -> None:
    with pytest.raises(TrackerError, match="not finite") as caught:
        protocols.run(
            protocol, answering(region), still(6, anchors=[1, 0, 0, 0, 0, 0]), tiny_dataset(origin=1), name="mine"
        )
    error = caught.value
    assert (error.where, error.found, error.exit_code) == ("mine on still, frame 4", found, 1)
    assert error.hint is not None and "Prediction(None)" in error.hint


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_answer_is_an_answer(protocol: str) -> None:
    (run,) = protocols.run(protocol, answering(None), still(6, anchors=[1, 0, 0, 0, 0, 0]), tiny_dataset(), name="mine")
    assert np.isnan(run.boxes[3]).all()
    assert run.region(3) is None


def test_a_run_backwards_names_the_frame_of_the_video() -> None:
    with pytest.raises(TrackerError, match="mine on still, frame 4: "):
        protocols.run("multistart", answering(NAN), still(6, anchors=[0, 0, 0, 0, 0, -1]), tiny_dataset(), name="mine")
