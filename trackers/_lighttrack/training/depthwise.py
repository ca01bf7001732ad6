"""A faster weight gradient of depthwise convolutions on CPUs, where numba is installed.

PyTorch's gradient of a depthwise convolution with respect to its weights takes a third of a training step on one core.
The loop below takes a third to an eighth of that time; the results agree up to the order of summation.
"""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def use_fast_weight_gradient(network: nn.Module) -> None:
    """Use the fast gradient in a network's depthwise convolutions; tensors, names and outputs do not change.

    Nothing is done without numba, or if ``EVALKIT_COMPILE`` is 0.
    """
    if os.environ.get("EVALKIT_COMPILE") == "0" or importlib.util.find_spec("numba") is None:
        return
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.groups == module.in_channels == module.out_channels > 1:
            module.__class__ = _FastDepthwise


class _FastDepthwise(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu" or not torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"):
            return super().forward(x)
        output: Tensor = _Convolution.apply(x, self.weight, self.stride[0])  # type: ignore[no-untyped-call]
        return output


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor, stride: int) -> Tensor:
        context.save_for_backward(x, weight)
        context.stride = stride
        return functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=len(weight))

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        x, weight = context.saved_tensors
        stride, pad = [context.stride] * 2, [weight.shape[-1] // 2] * 2
        to_input, _, _ = torch.ops.aten.convolution_backward(
            gradient, x, weight, None, stride, pad, [1, 1], False, [0, 0], len(weight), [True, False, False]
        )
        return to_input, weight_gradient(x, gradient, weight.shape[-1], context.stride), None


def weight_gradient(x: Tensor, gradient: Tensor, kernel: int, stride: int) -> Tensor:
    """Return the gradient with respect to the weights of a depthwise convolution padded by half its kernel.

    Args:
        x: Input, shape (B, C, H, W), float32.
        gradient: Gradient with respect to the output, shape (B, C, h, w), float32.
        kernel: Kernel size.
        stride: Stride in both directions.

    Returns:
        Shape (C, 1, kernel, kernel).
    """
    # With channels last, neighbouring numbers are neighbouring channels, which a processor multiplies together.
    inputs, errors = (one.permute(0, 2, 3, 1).contiguous().numpy() for one in (x.detach(), gradient))
    sums = torch.zeros(kernel, kernel, inputs.shape[3])
    _compiled()(inputs, errors, sums.numpy(), stride)
    return sums.permute(2, 0, 1)[:, None].contiguous()


@cache
def _compiled() -> Any:
    import numba

    return numba.njit(cache=True, nogil=True, fastmath={"contract", "reassoc", "nsz"}, error_model="numpy")(_correlate)


def _correlate(inputs: Any, errors: Any, sums: Any, stride: int) -> None:
    batch, height, width, channels = inputs.shape
    kernel = sums.shape[0]
    for image in range(batch):
        for y in range(errors.shape[1]):
            for i in range(kernel):
                row = y * stride + i - kernel // 2
                if 0 <= row < height:
                    for x in range(errors.shape[2]):
                        for j in range(kernel):
                            column = x * stride + j - kernel // 2
                            if 0 <= column < width:
                                for channel in range(channels):
                                    sums[i, j, channel] += (
                                        inputs[image, row, column, channel] * errors[image, y, x, channel]
                                    )
