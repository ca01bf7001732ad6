from __future__ import annotations

from pathlib import Path

import pytest
from moving_square import tiny_dataset
from scripted_tracker import HIT, Scripted, still

from evalkit import protocols
from evalkit.errors import EvalkitError
from evalkit.results import layouts
from evalkit.types import FrameState


def test_each_anchor_runs_forwards_or_backwards() -> None:
    tracker = Scripted()
    sequence = still(5, anchors=[1, 0, 1, 0, -1])
    runs = protocols.run("multistart", tracker, sequence, tiny_dataset(), name="scripted")
    assert [(run.anchor, len(run)) for run in runs] == [(0, 5), (2, 3), (4, 5)]
    assert tracker.calls == [
        ("initialize", 0), *(("update", index) for index in (1, 2, 3, 4)),
        ("initialize", 2), *(("update", index) for index in (3, 4)),
        ("initialize", 4), *(("update", index) for index in (3, 2, 1, 0)),
    ]  # fmt: skip


def test_results_are_named_by_their_anchor_and_done_when_all_are_there(tmp_path: Path) -> None:
    sequence = still(4, anchors=[1, 0, 0, -1])
    runs = protocols.run("multistart", Scripted(), sequence, tiny_dataset(), name="scripted")
    layout = layouts.get("vot")
    layout.write(tmp_path, runs[0])
    assert not layout.done(tmp_path, sequence, "multistart")
    layout.write(tmp_path, runs[1])
    assert layout.done(tmp_path, sequence, "multistart")
    place = tmp_path / "baseline" / "still"
    assert (place / "still_00000000.txt").read_text() == "1\n" + "12,10,20,20\n" * 3
    back = layout.read(tmp_path, sequence, "multistart")
    assert [(run.anchor, run.region(1)) for run in back] == [(0, HIT), (3, HIT)]
    assert all(run.states[0] == FrameState.INITIALIZED for run in back)


def test_a_sequence_without_anchors_is_an_error() -> None:
    with pytest.raises(EvalkitError, match="starts from anchors"):
        protocols.run("multistart", Scripted(), still(3), tiny_dataset(), name="scripted")
