"""What a profile reports, of trackers made for the purpose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from evalkit import registry, runtimes
from evalkit.cost import latency, profiling
from evalkit.cost.latency import Rules
from evalkit.errors import EvalkitError
from evalkit.types import Box, Cost, Image, NetworkPart, Prediction, Region


class Split:
    """A split tracker with one convolution as its network."""

    card: dict[str, Any] = {}  # noqa: RUF012  the protocol's name

    def __init__(self, runtime: str = "torch", precision: str = "fp32", threads: int = 1) -> None:
        torch.manual_seed(0)
        example = (np.zeros((1, 3, 16, 16), np.float32),)
        self._part = NetworkPart("search", torch.nn.Conv2d(3, 4, 3).eval(), example, ("x",), ("y",))
        self.network = runtimes.load(runtime, self._part, precision=precision, threads=threads)

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


def create(name: str, **offered: Any) -> Any:
    return registry.Entry(name, {"split": Split, "whole": Whole}[name], "").build(**offered)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(latency.RULES, "quick", Rules("quick", warmup=1, queries=10, seconds=0.0))


def by_name(costs: list[Cost], runtime: str = "torch") -> dict[tuple[str, str], Cost]:
    return {(cost.quantity, cost.convention): cost for cost in costs if cost.runtime == runtime}


def test_a_split_tracker_is_timed_stage_by_stage() -> None:
    table = by_name(profiling.profile(["split"], create))
    stages = {convention for quantity, convention in table if quantity == "latency_p50"}
    assert stages == {"decode", "crop", "network", "locate", "tracking", "end-to-end"}
    assert {convention for quantity, convention in table if quantity == "fps"} == {"network", "tracking", "end-to-end"}
    ranks = [table[f"latency_p{rank}", "network"].value for rank in (50, 90, 99)]
    assert ranks == sorted(ranks)  # type: ignore[type-var]
    assert table["macs", "conv"].value == 14 * 14 * 4 * 27
    assert table["queries", "quick"].value == 10
    assert table["latency_p50", "network"].input == "640x480"


def test_a_tracker_without_stages_is_timed_as_a_whole_and_has_no_operations() -> None:
    costs = profiling.profile(["whole"], create, runtimes=("torch", "torch-channels-last"))
    stages = {cost.convention for cost in costs if cost.quantity == "latency_p50"}
    assert stages == {"decode", "update", "tracking", "end-to-end"}
    assert {cost.runtime for cost in costs} == {""}
    assert not any("macs" in cost.quantity for cost in costs)


def test_several_runtimes_are_compared_with_torch_and_with_the_reference() -> None:
    costs = profiling.profile(["split"], create, runtimes=("torch", "torch-channels-last"))
    table = by_name(costs, "torch-channels-last")
    assert table["cpu_speedup", "network"].unit == "torch"
    assert by_name(costs)["cpu_speedup", "network"].value == 1.0
    assert table["cpu_ratio", "network"].unit == "reference-1"
    parity = table["parity", "max difference over max"].value
    assert parity is not None
    assert parity < 1e-4
    assert ("parity", "max difference over max") not in by_name(costs)
    assert any(cost.convention == "reference-1" and cost.quantity == "cpu_time" for cost in costs)


def test_a_busy_machine_marks_wall_numbers_and_spares_cpu_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency.Timing, "cpu_per_wall", property(lambda self: 0.4))
    table = by_name(profiling.profile(["split"], create))
    for quantity in ("latency_p50", "latency_p90", "latency_p99", "fps"):
        assert table[quantity, "network"].not_counted == ("invalid: machine was busy (CPU/wall 0.40)",)
    for quantity in ("cpu_time", "cpu_ratio"):
        assert table[quantity, "network"].not_counted == ()
        assert table[quantity, "network"].value is not None


def test_all_runtimes_lists_those_that_cannot_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    only = {name: runtimes.RUNTIMES[name] for name in ("torch", "torch-cuda-graph")}
    monkeypatch.setattr("evalkit.runtimes.listing", lambda: tuple(only.values()))
    costs = profiling.profile(["split"], create, runtimes=("all",))
    refused = by_name(costs, "torch-cuda-graph")["latency_p50", "network"]
    assert refused.value is None
    assert "torch-cuda-graph does not run on cpu" in refused.not_counted[0]
    assert refused.tracker == "split"


def test_a_wrong_request_is_refused_before_anything_is_built() -> None:
    def explode(name: str, **offered: Any) -> Any:
        raise AssertionError

    with pytest.raises(EvalkitError, match="no such runtime"):
        profiling.profile(["split"], explode, runtimes=("tf",))
    with pytest.raises(EvalkitError, match="no such rules"):
        profiling.profile(["split"], explode, rules="slow")
    with pytest.raises(EvalkitError, match="this number of threads cannot be had"):
        profiling.profile(["split"], explode, threads=4096)
