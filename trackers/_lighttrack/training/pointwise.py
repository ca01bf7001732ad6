"""Faster convolutions with a kernel of 1x1 for training on one core of a CPU.

For fewer than 16 images and one thread, PyTorch does not compute them by oneDNN but by a general routine that takes
twice as long. They are a quarter of a training step. Output and gradient of the input are computed by oneDNN here; the
results agree up to the order of summation.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_ONEDNN_BATCH = 16
"""Images from which on PyTorch uses oneDNN itself."""


def use_fast_pointwise(network: nn.Module) -> None:
    """Use the fast computation in a network's 1x1 convolutions without bias; tensors and names do not change.

    Nothing is done where PyTorch has no oneDNN.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and _is_pointwise(module):
            module.__class__ = _FastPointwise


def _is_pointwise(module: nn.Conv2d) -> bool:
    shape = module.kernel_size, module.stride, module.padding, module.groups
    return shape == ((1, 1), (1, 1), (0, 0), 1) and module.bias is None


class _FastPointwise(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        # A single pixel, as in squeeze-and-excitation, is faster in the general routine.
        is_small = x.shape[0] >= _ONEDNN_BATCH or x.shape[2] * x.shape[3] == 1
        is_plain = x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
        if not is_plain or is_small or not torch.is_grad_enabled():
            return super().forward(x)
        output: Tensor = _Convolution.apply(x, self.weight)  # type: ignore[no-untyped-call]
        return output


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor) -> Tensor:
        context.save_for_backward(x, weight)
        return _multiply(x, weight)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = context.saved_tensors
        to_input = _multiply(gradient, weight.transpose(0, 1).contiguous()) if context.needs_input_grad[0] else None
        to_weight = None
        if context.needs_input_grad[1]:
            rows = gradient.permute(0, 2, 3, 1).reshape(-1, gradient.shape[1])
            columns = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
            to_weight = (rows.transpose(0, 1) @ columns)[:, :, None, None]
        return to_input, to_weight


def _multiply(x: Tensor, weight: Tensor) -> Tensor:
    product: Tensor = torch.mkldnn_convolution(x, weight, None, [0, 0], [1, 1], [1, 1], 1)
    return product
