"""The search network is started for the size of a sequence's search crop before the clock runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from siamese_lanes import FIRST, create_tracker, video

from evalkit.protocols.one_pass import run_one_pass
from evalkit.runtimes.torch_eager import EagerTorch
from evalkit.types import Annotation, Execution, NetworkPart, Sequence


@pytest.mark.parametrize(("family", "number"), [("lighttrack", 0), ("lighttrack", 3), ("nanotrack", 3)])
def test_no_network_is_started_while_a_sequence_is_tracked(
    monkeypatch: pytest.MonkeyPatch, family: str, number: int
) -> None:
    tracker = create_tracker(family)
    events: list[object] = []
    start = EagerTorch.start

    def noted_start(self: EagerTorch, part: NetworkPart, execution: Execution) -> Any:
        events.append(part.example[-1].shape[1])
        return start(self, part, execution)

    def noted(name: str) -> Any:
        method = getattr(tracker, name)
        return lambda *arguments: events.append(name) or method(*arguments)

    monkeypatch.setattr(EagerTorch, "start", noted_start)
    for name in ("initialize", "update"):
        monkeypatch.setattr(tracker, name, noted(name))
    boxes = np.tile(FIRST[number].array(), (8, 1))
    sequence = Sequence("small", lambda: Annotation(boxes), video(number))
    run_one_pass(tracker, sequence, origin=0, name="noted")
    values = tracker.hyperparameters
    assert tracker.state.search_size == (values.big if number == 3 else values.small)
    bigger = [] if tracker.state.search_size == values.small else [values.big]
    assert events == [*bigger, "initialize", *["update"] * 7]


def test_a_long_term_tracker_starts_the_network_for_a_lost_target_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = create_tracker("siamrpn++", lost_size=319, lost_below=2.0, found_above=3.0, lost_window_influence=0.0)
    sizes: list[int] = []
    monkeypatch.setattr(tracker.networks.search, "prepare", lambda *inputs: sizes.append(inputs[-1].shape[1]))
    boxes = np.tile(FIRST[0].array(), (8, 1))
    run_one_pass(tracker, Sequence("lost", lambda: Annotation(boxes), video(0)), origin=0, name="lost")
    assert tracker.state.lost
    assert sorted(sizes) == [tracker.hyperparameters.small, 319]
