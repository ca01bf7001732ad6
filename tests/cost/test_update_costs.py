"""Operations of trackers that execute their networks themselves."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

from evalkit.adapters import adapt
from evalkit.cost.update_costs import find_networks, update_costs
from evalkit.types import Box, Prediction


class Network(torch.nn.Module):
    """A convolution of 4 * 3 * 3 * 3 weights, and an attention over 16 places."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 4, 3, padding=1, bias=False)

    def forward_all(self, image: torch.Tensor) -> torch.Tensor:
        x = self.layer(image).flatten(2).transpose(1, 2)
        return x @ x.transpose(1, 2)


class Own:
    """Calls a method of its network that is not ``forward``, as many trackers of the STARK/OSTrack family do."""

    def __init__(self) -> None:
        self.params = SimpleNamespace(net=SimpleNamespace(network=Network()))

    def initialize(self, image, region):
        self.box = region

    def update(self, image):
        with torch.no_grad():
            self.params.net.network.forward_all(torch.zeros(1, 3, 4, 4))
        return Prediction(self.box)


def values(records):
    return {(one.quantity, one.convention): one.value for one in records}


def test_an_update_is_counted_whatever_method_of_the_network_it_calls():
    found = values(update_costs(Own(), name="own"))
    assert found[("macs", "conv")] == 16 * 4 * 27
    assert found[("macs", "all")] == 16 * 4 * 27 + 16 * 16 * 4
    assert found[("parameters", "distinct")] == 4 * 27


def test_networks_are_found_in_attributes_and_behind_adapters():
    class Pytracking(Own):
        def track(self, image, info=None):
            return {"target_bbox": [1, 2, 3, 4]}

    Pytracking.update = None
    assert list(find_networks(Own())) == ["params.net.network"]
    adapted = adapt(Pytracking())
    assert list(find_networks(adapted)) == ["tracker.params.net.network"]


def test_names_of_networks_that_torch_would_take_for_one_another_are_counted_apart():
    tracker = Own()
    tracker.training, tracker.params_net_network = Network(), Network()
    assert values(update_costs(tracker))[("parameters", "distinct")] == 3 * 4 * 27


def test_a_tracker_without_a_network_has_no_operations():
    class Plain:
        def initialize(self, image, region):
            self.box = Box(1, 2, 3, 4)

        def update(self, image):
            return Prediction(self.box)

    assert update_costs(Plain()) == []


def test_a_failure_while_counting_is_a_record_with_the_reason():
    class Broken(Own):
        def update(self, image):
            raise RuntimeError("no camera")

    (record,) = update_costs(Broken())
    assert record.value is None
    assert record.not_counted == ("counting fails with RuntimeError: no camera",)


def test_counting_leaves_hooks_and_modes_as_they_were():
    tracker = Own()
    network = tracker.params.net.network
    network.train()
    update_costs(tracker)
    assert network.training
    assert not network.layer._forward_hooks
    assert not network.layer._forward_pre_hooks
    assert math.isfinite(float(network.layer.weight.detach().sum()))


@pytest.mark.parametrize("shared", [True, False])
def test_parameters_that_networks_share_count_once(shared: bool):
    tracker = Own()
    tracker.second = Network()
    if shared:
        tracker.second.layer = tracker.params.net.network.layer
    found = values(update_costs(tracker))
    assert found[("parameters", "distinct")] == 4 * 27 * (1 if shared else 2)
