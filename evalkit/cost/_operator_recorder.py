"""Record the operators that PyTorch executes. Imports torch, so only ``evalkit.cost.macs`` imports it, when needed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

from evalkit.cost.layers import Layer

aten = torch.ops.aten

_CONVOLUTIONS = {aten.convolution, aten._convolution, aten.cudnn_convolution, aten.convolution_overrideable}
_BATCH_NORMS = {aten.native_batch_norm, aten._native_batch_norm_legit_no_training, aten.cudnn_batch_norm}
_POOLS = {aten._adaptive_avg_pool2d, aten._adaptive_avg_pool3d, aten.mean}

_MATRIX_PRODUCTS: dict[Any, Callable[..., int]] = {
    # torch's own counter has no formula for these.
    aten.mv: lambda matrix, vector: matrix.numel(),
    aten.dot: lambda a, b: a.numel(),
    aten._scaled_dot_product_flash_attention_for_cpu: lambda query, key, value, *rest, **options: (
        sdpa_flop_count(query.shape, key.shape, value.shape) // 2  # type: ignore[no-untyped-call]
    ),
}

_DATA_MOVEMENT = {
    "alias", "arange", "as_strided", "as_strided_", "as_strided_copy", "cat", "clone", "constant_pad_nd",
    "copy_", "copy", "detach", "empty", "empty_like", "expand_copy", "fill_", "fill", "full", "full_like",
    "gather", "index", "index_select", "lift_fresh", "lift_fresh_copy", "linspace", "new_empty", "new_full",
    "new_ones", "new_zeros", "ones", "ones_like", "repeat", "scalar_tensor", "select_copy", "slice_copy",
    "stack", "_to_copy", "_unsafe_view", "unsqueeze_copy", "view_copy", "zeros", "zeros_like",
}  # fmt: skip
"""Operators that move or create numbers without computing."""


def record_layers(module: torch.nn.Module, inputs: Sequence[torch.Tensor | NDArray[Any]]) -> tuple[Layer, ...]:
    """Execute the module once and return the operations of each of its submodules.

    Raises:
        ValueError: The module does not accept the inputs.
    """
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    tensors = [torch.as_tensor(value, device=device) for value in inputs]
    training = [child for child in module.modules() if child.training]
    module.eval()
    recorder = _OperatorRecorder(module)
    try:
        with torch.no_grad(), recorder.tracking_modules(), recorder:
            module(*tensors)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"{type(module).__name__} does not accept these inputs: {error}") from error
    finally:
        for child in training:
            child.training = True
    return recorder.layers()


def record_call(networks: Mapping[str, torch.nn.Module], call: Callable[[], object]) -> tuple[tuple[Layer, ...], int]:
    """Record what is executed by a call that uses networks, inside and outside of them.

    Args:
        networks: Networks by name.
        call: Executed once, as it is.

    Returns:
        The operations of each submodule, those outside of all networks under an empty name; and the number of distinct
        parameters of the networks.
    """
    container = torch.nn.Module()
    for number, (name, network) in enumerate(networks.items()):  # the number tells a.b from a_b
        container.add_module(f"{number}-{name.replace('.', '-')}", network)
    recorder = _OperatorRecorder(container)
    with recorder.tracking_modules(), recorder:
        call()
    return recorder.layers(), sum(parameter.numel() for parameter in container.parameters())


class _OperatorRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts every executed operator for the innermost module that is running."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.module = module
        self.running: list[tuple[str, torch.nn.Module]] = [("", module)]
        self.operations: dict[str, Counter[str]] = {}
        self.calls: dict[str, Counter[str]] = {}
        self.storages = {_storage(parameter) for parameter in module.parameters()}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Nothing is compiled here. To exclude this code from compilation PyTorch would load the compiler: a second.
        return False

    @contextmanager
    def tracking_modules(self) -> Iterator[None]:
        """Keep ``running`` up to date by hooks, which are removed afterwards."""
        handles = []
        for name, child in self.module.named_modules():
            if name:
                handles.append(child.register_forward_pre_hook(self._enter(name)))
                handles.append(child.register_forward_hook(self._leave, always_call=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, name: str) -> Callable[[torch.nn.Module, Any], None]:
        def enter(module: torch.nn.Module, _: Any) -> None:
            self.running.append((name, module))

        return enter

    def _leave(self, *_: Any) -> None:
        self.running.pop()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        with self:
            # In inference mode composite operators are dispatched undivided; otherwise they are decomposed already.
            parts = func.decompose(*args, **kwargs)
        if parts is not NotImplemented:
            return parts
        result = func(*args, **kwargs)
        self._record(func, args, kwargs, result)
        return result

    def _record(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> None:
        name = self.running[-1][0]
        operations = self._operations(func.overloadpacket, args, kwargs, result)
        if operations:
            self.operations.setdefault(name, Counter()).update(operations)
        elif not func.is_view and func.overloadpacket.__name__ not in _DATA_MOVEMENT:
            self.calls.setdefault(name, Counter())[func.overloadpacket.__name__.strip("_")] += 1

    def _operations(
        self, operator: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any
    ) -> dict[str, int]:
        if operator in _CONVOLUTIONS:
            macs = flop_registry[operator](*args, **kwargs, out_val=result) // 2
            bias = {"bias": result.numel()} if args[2] is not None else {}
            return {"conv" if self._is_weight(args[1]) else "correlation": macs, **bias}
        if operator in _MATRIX_PRODUCTS:
            return {"matmul": _MATRIX_PRODUCTS[operator](*args, **kwargs)}
        if operator in flop_registry:
            return {"matmul": flop_registry[operator](*args, **kwargs, out_val=result) // 2}
        if operator in _BATCH_NORMS:
            return {"norm": 2 * result[0].numel()}
        if operator in _POOLS and _is_spatial(args[0], result):
            return {"pool": _pool_operations(args[0], result)}
        return {}

    def _is_weight(self, kernel: torch.Tensor) -> bool:
        # A layer may normalise or quantise its weight first, so any kernel inside a convolution layer counts as one.
        inside = isinstance(self.running[-1][1], torch.nn.modules.conv._ConvNd)
        return inside or _storage(kernel) in self.storages

    def layers(self) -> tuple[Layer, ...]:
        """Return the modules that executed an operator or hold parameters, in the order of the module tree."""
        modules = dict(self.module.named_modules())
        executed = dict.fromkeys((*self.operations, *self.calls))
        order = [name for name in modules if name in executed or any(True for _ in modules[name].parameters(False))]
        return tuple(
            Layer(
                name,
                dict(self.operations.get(name, {})),
                dict(self.calls.get(name, {})),
                sum(parameter.numel() for parameter in modules[name].parameters(recurse=False)),
            )
            for name in order
        )


def _storage(tensor: torch.Tensor) -> int:
    # The data pointer does not identify tensors on the meta device, where it is always 0.
    return int(tensor.untyped_storage()._cdata)


def _is_spatial(image: torch.Tensor, pooled: torch.Tensor) -> bool:
    """Return whether the dimensions after batch and channels were averaged, as by an adaptive pooling."""
    if image.ndim < 3 or pooled.shape[:2] != image.shape[:2]:
        return False
    return pooled.ndim == 2 or (pooled.ndim == image.ndim and pooled.shape[2:] != image.shape[2:])


def _pool_operations(image: torch.Tensor, pooled: torch.Tensor) -> int:
    # Along a side whose size stays the same, an adaptive pooling averages windows of one element.
    target = pooled.shape[2:] if pooled.ndim == image.ndim else (1,) * (image.ndim - 2)
    window = math.prod(have // want for have, want in zip(image.shape[2:], target, strict=True))
    return (window + 1) * pooled.numel()
