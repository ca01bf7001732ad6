"""Counts of small networks against closed forms, and of a larger one against torch's own counter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from evalkit.cost import macs
from evalkit.types import NetworkPart


class Function(nn.Module):
    """A network that is one function of its inputs."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)


class Twice(nn.Module):
    """One backbone for two images, as Siamese trackers have it."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Conv2d(3, 8, 3, bias=False)

    def forward(self, template: Tensor, search: Tensor) -> tuple[Tensor, Tensor]:
        return self.backbone(template), self.backbone(search)


class FunctionalConvolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.ones(4, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        return functional.conv2d(image, self.kernel)


def depthwise_correlation(search: Tensor, kernel: Tensor) -> Tensor:
    return functional.conv2d(search, kernel.transpose(0, 1), groups=kernel.shape[1])


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return functional.scaled_dot_product_attention(query, key, value)


# Each row: network, input shapes, then conv, all and thop-2020 as products that can be checked by hand.
SMALL = {
    "strided convolution with bias": (
        nn.Conv2d(3, 16, 3, stride=2, padding=1), [(1, 3, 32, 32)],
        16 * 16 * 16 * 27, 16 * 16 * 16 * 27, 16 * 16 * 16 * 27 + 16 * 16 * 16,
    ),
    "depthwise convolution": (
        nn.Conv2d(8, 8, 5, padding=2, groups=8, bias=False), [(1, 8, 10, 10)],
        8 * 100 * 25, 8 * 100 * 25, 8 * 100 * 25,
    ),
    "dilated convolution of two groups": (
        nn.Conv2d(4, 6, 3, dilation=2, groups=2, bias=False), [(1, 4, 9, 9)],
        6 * 25 * 9 * 2, 6 * 25 * 9 * 2, 6 * 25 * 9 * 2,
    ),
    "transposed convolution": (
        nn.ConvTranspose2d(4, 6, 2, stride=2, bias=False), [(1, 4, 5, 5)],
        25 * 4 * 6 * 4, 25 * 4 * 6 * 4, 25 * 4 * 6 * 4,
    ),
    "fully connected layer": (nn.Linear(10, 7), [(1, 10)], 0, 70, 0),
    "batch norm and global pooling": (
        nn.Sequential(nn.BatchNorm2d(5), nn.AdaptiveAvgPool2d(1)), [(1, 5, 6, 7)],
        0, 0, 2 * 5 * 42 + 5 * (42 + 1),
    ),
    "pooling to four cells": (nn.AdaptiveAvgPool2d(2), [(1, 3, 8, 8)], 0, 0, 3 * 4 * (16 + 1)),
    "pooling written as a mean": (Function(lambda x: x.mean((2, 3))), [(1, 3, 8, 8)], 0, 0, 3 * (64 + 1)),
    "one backbone for two images": (
        Twice(), [(1, 3, 6, 6), (1, 3, 10, 10)],
        8 * 27 * (16 + 64), 8 * 27 * (16 + 64), 8 * 27 * (16 + 64),
    ),
    "point-wise correlation": (
        Function(lambda z, x: torch.einsum("bcp,bcq->bpq", z, x)), [(1, 96, 64), (1, 96, 256)],
        0, 64 * 96 * 256, 0,
    ),
    "depthwise correlation by a computed kernel": (
        Function(depthwise_correlation), [(1, 6, 9, 9), (1, 6, 3, 3)],
        0, 6 * 49 * 9, 0,
    ),
    "convolution called as a function": (FunctionalConvolution(), [(1, 3, 5, 5)], 300, 300, 300),
    "attention": (
        Function(attention), [(1, 2, 5, 8), (1, 2, 7, 8), (1, 2, 7, 8)],
        0, 2 * 5 * 7 * 8 + 2 * 5 * 7 * 8, 0,
    ),
    "matrix by vector": (Function(torch.mv), [(3, 4), (4,)], 0, 12, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_a_small_network_has_its_closed_form_counts(name: str) -> None:
    network, sizes, conv, every, thop = SMALL[name]
    counted = macs.count(network, [torch.ones(size) for size in sizes])
    assert {convention: counted.macs(convention) for convention in macs.CONVENTIONS} == {
        "conv": conv,
        "all": every,
        "thop-2020": thop,
    }


def residual_network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)
    )


def test_all_equals_half_of_torchs_own_count() -> None:
    network, image = residual_network().eval(), torch.ones(2, 3, 16, 16)
    with FlopCounterMode(display=False) as official:
        network(image)
    assert macs.count(network, [image]).macs("all") == official.get_total_flops() / 2


def test_layers_add_up_to_the_total_and_carry_their_names() -> None:
    counted = macs.count(residual_network(), [np.ones((1, 3, 10, 10), np.float32)])
    assert {layer.name: layer.macs("thop-2020") for layer in counted.layers} == {
        "0": 8 * 64 * 27 + 8 * 64, "1": 2 * 8 * 64, "2": 0, "3": 8 * 65, "5": 0,
    }  # fmt: skip
    assert counted.macs("thop-2020") == sum(layer.macs("thop-2020") for layer in counted.layers)
    assert counted.input == "1x3x10x10"


def test_uncounted_kinds_are_listed() -> None:
    counted = macs.count(residual_network(), [torch.ones(1, 3, 10, 10)])
    assert counted.not_counted("conv") == ("bias 512", "norm 1,024", "pool 520", "matmul 40 MACs", "silu x1")
    assert counted.not_counted("thop-2020") == ("matmul 40 MACs", "silu x1")


def test_an_operator_without_a_formula_is_listed_under_every_convention() -> None:
    def warp(image: Tensor, grid: Tensor) -> Tensor:
        return functional.grid_sample(image, grid, align_corners=False).sigmoid()

    counted = macs.count(Function(warp), [torch.ones(1, 3, 4, 4), torch.zeros(1, 2, 2, 2)])
    for convention in macs.CONVENTIONS:
        assert counted.not_counted(convention) == ("grid_sampler_2d x1", "sigmoid x1")


def test_data_movement_is_neither_counted_nor_listed() -> None:
    counted = macs.count(Function(lambda x: torch.cat([x, x], 1).flatten(1).contiguous()), [torch.ones(1, 2, 3, 3)])
    assert counted.not_counted("all") == ()


def test_a_batch_of_two_costs_twice() -> None:
    network = residual_network()
    one, two = (macs.count(network, [torch.ones(batch, 3, 10, 10)]) for batch in (1, 2))
    for convention in macs.CONVENTIONS:
        assert two.macs(convention) == 2 * one.macs(convention)


def test_a_shared_parameter_counts_once() -> None:
    layer = nn.Linear(4, 4)
    assert macs.count(nn.Sequential(layer, layer), [torch.ones(1, 4)]).parameters == 20


def test_training_flags_and_hooks_are_restored() -> None:
    network = residual_network()
    network[1].eval()
    macs.count(network, [torch.ones(2, 3, 10, 10)])
    assert [child.training for child in network] == [True, False, True, True, True, True]
    assert not any(child._forward_hooks or child._forward_pre_hooks for child in network.modules())


def test_operators_are_counted_in_inference_mode_too() -> None:
    class Guarded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1, bias=False)

        def forward(self, image: Tensor) -> Tensor:
            with torch.inference_mode():
                return self.conv(image)

    assert macs.count(Guarded(), [torch.ones(1, 3, 5, 5)]).macs("conv") == 300


def test_inputs_of_a_wrong_shape_are_refused_and_leave_no_hooks() -> None:
    network = residual_network()
    with pytest.raises(ValueError, match="Sequential does not accept these inputs"):
        macs.count(network, [torch.ones(1, 4, 10, 10)])
    assert network.training
    assert not network[0]._forward_hooks


class TwoParts:
    """The part of a tracker whose costs are counted."""

    def __init__(self) -> None:
        self.backbone = nn.Conv2d(3, 8, 3, bias=False)

    def parts(self) -> tuple[NetworkPart, ...]:
        def example(size: int) -> tuple[np.ndarray, ...]:
            return (np.zeros((1, 3, size, size), np.float32),)

        return (
            NetworkPart("search", nn.Sequential(self.backbone, nn.ReLU()), example(10), ("x",), ("y",)),
            NetworkPart("template", self.backbone, example(6), ("z",), ("y",)),
        )


def test_the_template_network_is_listed_separately_and_shared_weights_once() -> None:
    records = macs.costs(TwoParts(), name="toy")  # type: ignore[arg-type]
    table = {(cost.quantity, cost.convention): cost for cost in records}
    assert table["macs", "conv"].value == 8 * 27 * 64
    assert table["template_macs", "conv"].value == 8 * 27 * 16
    assert table["parameters", "distinct"].value == 8 * 27
    assert table["macs", "all"].input == "1x3x10x10"
    assert table["macs", "all"].not_counted == ("relu x1",)
    assert {cost.tracker for cost in records} == {"toy"}
