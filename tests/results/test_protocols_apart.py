from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evalkit.errors import EvalkitError
from evalkit.results.store import Store
from evalkit.types import Annotation, Dataset, FrameState, Sequence, Trajectory

SEQUENCE = Sequence("bag", lambda: Annotation(np.ones((2, 4))))
PROTOCOLS = ("supervised", "realtime", "unsupervised")
VOT = Dataset("vot", "VOT", "1", 0, (SEQUENCE,), ("bag",), PROTOCOLS, ("vot-supervised",), "vot")


def fill(results: Path, protocol: str, *, seed: int = 0, force: bool = False) -> Store:
    store = Store(results, VOT, "mine", protocol)
    store.begin({"protocol": protocol, "seed": seed}, force=force)
    states = np.array([FrameState.INITIALIZED, FrameState.TRACKED], dtype=np.int8)
    unknown = np.full(2, np.nan)
    store.write([Trajectory("mine", "bag", protocol, np.ones((2, 4)) * seed, None, unknown, unknown, states)])
    return store


def test_runs_of_several_protocols_are_kept_apart(tmp_path: Path) -> None:
    stores = [fill(tmp_path, protocol) for protocol in (*PROTOCOLS, *reversed(PROTOCOLS))]
    assert all(len(store.read(SEQUENCE)) == 1 for store in stores)
    assert sorted(str(path.relative_to(tmp_path / "VOT" / "mine")) for path in tmp_path.rglob("run.json")) == [
        "realtime/run.json", "run.json", "unsupervised/run.json",
    ]  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_another_run_of_one_is_refused_and_forcing_it_leaves_the_others(tmp_path: Path, protocol: str) -> None:
    for other in PROTOCOLS:
        fill(tmp_path, other)
    with pytest.raises(EvalkitError, match="seed=0, this run has 1"):
        fill(tmp_path, protocol, seed=1)
    fill(tmp_path, protocol, seed=1, force=True)
    values = {other: Store(tmp_path, VOT, "mine", other).read(SEQUENCE)[0].boxes[1, 0] for other in PROTOCOLS}
    assert values == {other: float(other == protocol) for other in PROTOCOLS}


def test_results_of_another_protocol_do_not_count_as_results_without_a_record(tmp_path: Path) -> None:
    fill(tmp_path, "realtime")
    fill(tmp_path, "supervised")
