"""Records of a profile, for small trackers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from evalkit import registry, runtimes
from evalkit.cost import latency, profiling
from evalkit.cost.latency import Rules
from evalkit.errors import EvalkitError
from evalkit.registry import TrackerEntry
from evalkit.types import Box, Cost, Execution, Image, NetworkPart, Prediction, Region


class Split:
    """A split tracker with one convolution as its network."""

    card: dict[str, Any] = {}  # noqa: RUF012  the protocol's name

    def __init__(self, runtime: str = "torch", precision: str = "fp32", threads: int = 1) -> None:
        torch.manual_seed(0)
        example = (np.zeros((1, 3, 16, 16), np.float32),)
        self._part = NetworkPart("search", torch.nn.Conv2d(3, 4, 3).eval(), example, ("x",), ("y",))
        self.network = runtimes.load(self._part, Execution(runtime, precision, threads=threads))

    def initialize(self, image: Image, region: Region) -> None:
        self.box = region

    def crop(self, image: Image) -> tuple[NDArray[Any], ...]:
        return (np.ascontiguousarray(image[:16, :16].transpose(2, 0, 1)[None], dtype=np.float32),)

    def locate(self, response: tuple[NDArray[Any], ...]) -> Prediction:
        return Prediction(Box(0, 0, 1, 1), float(response[0].max()))

    def update(self, image: Image) -> Prediction:
        return self.locate(self.network(*self.crop(image)))

    def sibling(self) -> Split:
        return self

    def parts(self) -> tuple[NetworkPart, ...]:
        return (self._part,)


class Whole:
    def initialize(self, image: Image, region: Region) -> None:
        self.region = region

    def update(self, image: Image) -> Prediction:
        return Prediction(self.region)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(latency.RULES, "quick", Rules("quick", warmup=1, queries=10, seconds=0.0))
    with registry.tracker.temporarily(TrackerEntry("split", Split, ""), TrackerEntry("whole", Whole, "")):
        yield


def profile(tracker: str, *runtimes: str) -> list[Cost]:
    return profiling.profile_trackers([tracker], [Execution(runtime) for runtime in runtimes or ("torch",)])


def by_name(costs: list[Cost], runtime: str = "torch") -> dict[tuple[str, str], Cost]:
    return {(cost.quantity, cost.convention): cost for cost in costs if cost.runtime == runtime}


def test_a_split_tracker_is_timed_stage_by_stage() -> None:
    table = by_name(profile("split"))
    stages = {convention for quantity, convention in table if quantity == "latency_p50"}
    assert stages == {"decode", "crop", "network", "locate", "tracking", "end-to-end"}
    assert {convention for quantity, convention in table if quantity == "fps"} == {"network", "tracking", "end-to-end"}
    ranks = [table[f"latency_p{rank}", "network"].value for rank in (50, 90, 99)]
    assert ranks == sorted(ranks)  # type: ignore[type-var]
    assert table["macs", "conv"].value == 14 * 14 * 4 * 27
    assert table["queries", "quick"].value == 10
    assert table["latency_p50", "network"].input == "640x480"


def test_a_tracker_without_stages_is_timed_as_a_whole_and_has_no_operations() -> None:
    costs = profile("whole", "torch", "torch-channels-last")
    stages = {cost.convention for cost in costs if cost.quantity == "latency_p50"}
    assert stages == {"decode", "update", "tracking", "end-to-end"}
    assert {cost.runtime for cost in costs} == {""}
    assert not any("macs" in cost.quantity for cost in costs)


def test_several_runtimes_are_compared_with_torch_and_with_the_reference() -> None:
    costs = profile("split", "torch", "torch-channels-last")
    table = by_name(costs, "torch-channels-last")
    assert table["cpu_speedup", "network"].unit == "torch"
    assert by_name(costs)["cpu_speedup", "network"].value == 1.0
    assert table["cpu_ratio", "network"].unit == "reference-1"
    parity = table["parity", "max difference over max"].value
    assert parity is not None
    assert parity < 1e-4
    assert ("parity", "max difference over max") not in by_name(costs)
    assert any(cost.convention == "reference-1" and cost.quantity == "cpu_time" for cost in costs)


def test_a_busy_machine_marks_wall_times_invalid_but_not_cpu_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency.Timing, "cpu_per_wall", property(lambda self: 0.4))
    table = by_name(profile("split"))
    for quantity in ("latency_p50", "latency_p90", "latency_p99", "fps"):
        assert table[quantity, "network"].not_counted == ("invalid: machine was busy (CPU/wall 0.40)",)
    for quantity in ("cpu_time", "cpu_ratio"):
        assert table[quantity, "network"].not_counted == ()
        assert table[quantity, "network"].value is not None


def test_all_lists_unsupported_runtimes_with_the_reason() -> None:
    only = [registry.runtime.find(name) for name in ("torch", "torch-cuda-graph")]
    with registry.runtime.temporarily(*only, instead=True):
        costs = profile("split", "all")
    refused = by_name(costs, "torch-cuda-graph")["latency_p50", "network"]
    assert refused.value is None
    assert "torch-cuda-graph does not run on cpu" in refused.not_counted[0]
    assert refused.tracker == "split"


@pytest.mark.parametrize(
    ("execution", "rules", "message"),
    [
        (Execution("tf"), "quick", "no runtime is named 'tf'"),
        (Execution(), "slow", "no such rules"),
        (Execution(threads=4096), "quick", "invalid number of threads"),
        (Execution("all", device="tpu"), "quick", "no runtime supports this here .found .* does not run on tpu"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_built(execution: Execution, rules: str, message: str) -> None:
    def explode() -> None:
        raise AssertionError

    with (
        registry.tracker.temporarily(TrackerEntry("explosive", explode, "")),
        pytest.raises(EvalkitError, match=message),
    ):
        profiling.profile_trackers(["explosive"], [execution], rules=rules)
