"""The operators that a computation executes, for tests of what may wait for a device."""

from __future__ import annotations

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "item", "lift_fresh", "is_nonzero", "equal"}
"""Operators that wait for the device or copy a number to it."""


class RecordedOperators(TorchDispatchMode):
    """Records the names of the operators that this thread executes."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        self.names.add(function.overloadpacket.__name__)
        return function(*arguments, **(options or {}))
