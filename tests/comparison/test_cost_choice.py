"""The convention by which MACs are shown in tables."""

from __future__ import annotations

import pytest

from evalkit.comparison.cost_choice import MACS_CONVENTIONS, chosen_cost
from evalkit.types import Cost


def macs(convention: str, millions: float, shape: str = "update, 640x480") -> Cost:
    return Cost("mine", "macs", convention, millions * 1e6, "MACs", shape)


@pytest.mark.parametrize("conventions", [None, MACS_CONVENTIONS])
def test_a_transformer_is_shown_with_its_matrix_products(conventions: tuple[str, ...] | None) -> None:
    ostrack = [macs("conv", 1_845), macs("all", 22_640), macs("thop-2020", 1_846)]
    chosen = chosen_cost(ostrack, "mine", "macs", conventions)
    assert chosen is not None
    assert (chosen.convention, chosen.value) == ("all", 22_640e6)


@pytest.mark.parametrize("whole", [macs("all", 512.2), macs("all", 5_000, "1x3x288x288")])
def test_a_convolutional_network_is_shown_as_papers_on_siamese_trackers_count_it(whole: Cost) -> None:
    chosen = chosen_cost([macs("thop-2020", 528.9), macs("conv", 510.6), whole], "mine", "macs")
    assert chosen is not None
    assert chosen.convention == "thop-2020"


def test_a_convention_that_was_asked_for_is_kept() -> None:
    chosen = chosen_cost([macs("conv", 1_845), macs("all", 22_640)], "mine", "macs", ("conv",))
    assert chosen is not None
    assert chosen.convention == "conv"
