"""Observe the calls of networks in foreign code. Imports torch, so it is imported only when calls are observed."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from numpy.typing import NDArray
from torch.utils import _pytree as pytree

from evalkit.types import NetworkPart

_CONSTANTS = (type(None), bool, int, float, str, torch.dtype, torch.device)


@dataclass(eq=False)
class ObservedCall:
    """One call of a module's method.

    Attributes:
        path: Path of the module and, unless it is ``forward``, the name of the method: ``network.head``.
        module: The module.
        method: Name of the method.
        arguments: Positional and named arguments.
        result: What the method returned.
        inner: The calls of other modules during this call.
    """

    path: str
    module: torch.nn.Module
    method: str
    arguments: tuple[tuple[Any, ...], dict[str, Any]]
    result: Any = None
    inner: list[ObservedCall] = field(default_factory=list)

    def tensors(self) -> list[torch.Tensor]:
        """Return the tensors among the arguments that are inputs; those without dimensions are constants."""
        return [leaf for leaf in pytree.tree_leaves(self.arguments) if _is_input(leaf)]

    @property
    def is_function_of_tensors(self) -> bool:
        """True where the arguments are tensors and constants, and a tensor is returned."""
        leaves = pytree.tree_leaves(self.arguments)
        known = all(isinstance(leaf, (torch.Tensor, *_CONSTANTS)) for leaf in leaves)
        returned = [leaf for leaf in pytree.tree_leaves(self.result) if isinstance(leaf, torch.Tensor)]
        return known and bool(self.tensors()) and bool(returned)

    def inputs(self) -> tuple[NDArray[Any], ...]:
        """Return the input tensors as arrays."""
        return tuple(tensor.detach().cpu().numpy().copy() for tensor in self.tensors())

    def part(self, name: str) -> NetworkPart:
        """Return the call as a network that is executed with tensors alone.

        Raises:
            Exception: The module cannot be copied.
        """
        module = CallOfTensors(self)
        return NetworkPart(
            name, module, self.inputs(), tuple(_names(self, self.arguments, "input")),
            tuple(_output_names(self.result)), fixed_shapes=True,
        )  # fmt: skip


class CallOfTensors(torch.nn.Module):
    """A call of a module's method in which only the tensors vary; other arguments are those of the observed call.

    Args:
        call: The observed call; its module is copied to the CPU, in evaluation mode.
    """

    def __init__(self, call: ObservedCall) -> None:
        super().__init__()
        self.network = copy.deepcopy(call.module).cpu().eval()
        self._method = call.method
        leaves, structure = pytree.tree_flatten(call.arguments)
        restore: Any = pytree.tree_unflatten
        # A function is not copied with the module.
        self._restore: Callable[[list[Any]], Any] = lambda leaves: restore(leaves, structure)
        self._description = f"{call.method}, {structure}"
        self._leaves = [None if _is_input(leaf) else _on_cpu(leaf) for leaf in leaves]
        self._inputs = [index for index, leaf in enumerate(leaves) if _is_input(leaf)]

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the tensors of the answer, in order."""
        leaves = list(self._leaves)
        for index, tensor in zip(self._inputs, tensors, strict=True):
            leaves[index] = tensor
        arguments, named = self._restore(leaves)
        answer = getattr(self.network, self._method)(*arguments, **named)
        return tuple(leaf for leaf in pytree.tree_leaves(answer) if isinstance(leaf, torch.Tensor))

    def extra_repr(self) -> str:
        """Return what else the outputs depend on; exports are cached by it."""
        return f"{self._description}, {self._leaves}"


def _is_input(leaf: object) -> bool:
    return isinstance(leaf, torch.Tensor) and leaf.ndim > 0


def _on_cpu(leaf: Any) -> Any:
    if isinstance(leaf, torch.device):
        return torch.device("cpu")
    return leaf.detach().cpu() if isinstance(leaf, torch.Tensor) else leaf


def _names(call: ObservedCall, arguments: Any, fallback: str) -> Iterator[str]:
    """Yield a name for each input: that of the parameter, with the key inside of it."""
    method = getattr(type(call.module), call.method)
    parameters = list(inspect.signature(method).parameters)[1:]  # without self
    for path, leaf in pytree.tree_flatten_with_path(arguments)[0]:
        if _is_input(leaf):
            argument, rest = path[1], path[2:]  # the first key tells positional from named arguments
            key = _key(argument)
            name = parameters[key] if isinstance(key, int) and key < len(parameters) else f"{key}"
            yield _plain(name if not name.isdecimal() else f"{fallback}_{name}", rest)


def _output_names(result: Any) -> Iterator[str]:
    """Yield a name for each tensor of an answer: its keys, ``output`` for a single one."""
    for path, leaf in pytree.tree_flatten_with_path(result)[0]:
        if isinstance(leaf, torch.Tensor):
            yield _plain("", path) or "output"


def _plain(name: str, path: Sequence[Any]) -> str:
    keys = [str(_key(one)) for one in path]
    joined = "_".join([*([name] if name else []), *keys])
    return f"output_{joined}" if joined[:1].isdecimal() else joined


def _key(entry: Any) -> Any:
    """Return the key, index or name of an entry of a path."""
    return next((getattr(entry, name) for name in ("key", "idx", "name") if hasattr(entry, name)), "")


class CallObserver:
    """Keeps the outermost calls of networks, each with the calls inside of it.

    Args:
        networks: Networks by name. Their own methods and ``forward`` of all their modules are observed.
    """

    def __init__(self, networks: Mapping[str, torch.nn.Module]) -> None:
        self._networks = networks
        self._running: list[ObservedCall] = []
        self.calls: list[ObservedCall] = []

    @contextmanager
    def observing(self) -> Iterator[None]:
        """Replace the methods by ones that keep their arguments, until the context ends."""
        changed: list[tuple[torch.nn.Module, str]] = []
        try:
            for name, network in self._networks.items():
                for path, module in network.named_modules(prefix=name):
                    methods = _methods(module) if module is network else ("forward",)
                    changed += [(module, method) for method in methods if self._replace(module, method, path)]
            yield
        finally:
            for module, method in changed:
                delattr(module, method)

    def _replace(self, module: torch.nn.Module, method: str, path: str) -> bool:
        original = getattr(module, method)
        if method in vars(module) or isinstance(module, torch.jit.ScriptModule):
            return False  # replaced already: the module is in the tree twice, or its owner did it
        label = path if method == "forward" else f"{path}.{method}"

        @functools.wraps(original)
        def observed(*arguments: Any, **named: Any) -> Any:
            return self._observe(ObservedCall(label, module, method, (arguments, named)), original)

        setattr(module, method, observed)
        return True

    def _observe(self, call: ObservedCall, original: Callable[..., Any]) -> Any:
        arguments, named = call.arguments
        call.arguments = pytree.tree_map(_kept, call.arguments)  # the network may write into its inputs
        self._running.append(call)
        try:
            answer = original(*arguments, **named)
        finally:
            self._running.pop()
        call.result = answer
        (self._running[-1].inner if self._running else self.calls).append(call)
        return answer


def _kept(leaf: Any) -> Any:
    return leaf.detach().clone() if isinstance(leaf, torch.Tensor) else leaf


def _methods(module: torch.nn.Module) -> Iterator[str]:
    """Yield the public methods that a network's own classes define, and ``forward``."""
    inherited = set(dir(torch.nn.Module)) - {"forward"}
    for name in dir(type(module)):
        own = not name.startswith("_") and name not in inherited
        if own and inspect.isfunction(inspect.getattr_static(type(module), name)):
            yield name
