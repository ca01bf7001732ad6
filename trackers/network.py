"""Networks that belong to no tracker, ``--tracker network:path/to/file.py:factory`` or ``network:model.onnx``.

They cannot be run on a benchmark: ``evalkit profile`` counts and times them, ``evalkit export`` exports them. The
factory returns a ``torch.nn.Module`` with its example inputs: ``(module, example_inputs)``, or a module that has an
attribute ``example_input_array``, as those of Lightning. A third element, or an attribute ``usage``, says what is known
about inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalkit import registry
from evalkit.cost import network_calls, onnx_file
from evalkit.errors import EvalkitError
from evalkit.registry import TrackerEntry
from evalkit.registry.files import load_from_file, split_file_name
from evalkit.types import BareNetwork

_EXPECTED = "network:path/to/file.py:factory or network:path/to/model.onnx"


@registry.tracker(
    "network:",
    summary="a network of your own, for profile and export: network:file.py:factory or network:model.onnx",
)
def network(*, variant: str, weights: Path | None = None, settings: Mapping[str, str] | None = None) -> BareNetwork:
    """Load a network; ``--set INPUT=1x3x256x256`` gives the shape of an input of an ONNX file."""
    if variant.endswith(".onnx"):
        file = Path(variant)
        if not file.is_file():
            raise EvalkitError("no such file", where=file, hint="Give its path relative to the current folder")
        return BareNetwork((onnx_file.read_network(file, settings or {}),), file=file)
    path, attribute = split_file_name(variant, "network")
    if path is None:
        raise EvalkitError("no network is named", where=f"network:{variant}", expected=_EXPECTED)
    found = load_from_file(path, attribute, "network")
    built = found if _is_module(found) else _call(found, variant, weights=weights, settings=dict(settings or {}))
    module, inputs, usage = _split(built)
    if not _is_module(module):
        raise EvalkitError(
            "the factory did not return a network", where=f"network:{variant}", found=type(module).__name__,
            expected="a torch.nn.Module, or (module, example_inputs)",
        )  # fmt: skip
    if inputs is None:
        raise EvalkitError(
            "the network has no example inputs, whose shapes everything depends on", where=f"network:{variant}",
            found=type(module).__name__, hint="Return (module, example_inputs) from the factory",
        )  # fmt: skip
    return network_calls.network_of_module(module, inputs, usage)


def _call(factory: Any, variant: str, **offered: Any) -> Any:
    """Call a factory with those of the arguments that its signature names."""
    try:
        return TrackerEntry(variant, factory, "").build(**offered)
    except EvalkitError:
        raise
    except Exception as error:
        raise EvalkitError(
            f"building it fails with {type(error).__name__}: {error}", where=f"network:{variant}",
            hint="A network is built without arguments, or with `weights` and `settings`",
        ) from error  # fmt: skip


def _is_module(value: object) -> bool:
    import torch

    return isinstance(value, torch.nn.Module)


def _split(built: Any) -> tuple[Any, Any, Any]:
    """Return module, example inputs and usage of what a factory returned; None where there is none."""
    module, *rest = built if isinstance(built, tuple) and built else (built,)
    inputs, usage, *_ = *rest, None, None
    if inputs is None:
        inputs = getattr(module, "example_input_array", None)
    own = getattr(module, "usage", None)
    return module, inputs, own if usage is None and isinstance(own, Mapping) else usage
