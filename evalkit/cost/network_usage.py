"""What the manifest of an export says about networks that evalkit does not know: what was stated, measured, or neither.

A tracker or a module can state what only its author knows, in an attribute ``usage``::

    usage = {
        "inputs": {"x": {"colours": "RGB", "normalisation": "(pixel / 255 - mean) / deviation"}},
        "outputs": {"score": {"meaning": "one logit per cell", "unit": "logit"}},
    }

For a tracker, frames of one colour tell colour order and normalisation of those inputs that are images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.cost.network_calls import UsedNetworks, observe_inputs
from evalkit.errors import EvalkitError
from evalkit.runtimes import Arrays
from evalkit.types import Floats, NetworkPart, Tracker

UNKNOWN = "unknown"
INPUT_FIELDS = ("layout", "colours", "range", "normalisation")
OUTPUT_FIELDS = ("meaning", "unit")
_COLOURS = {"black": (0, 0, 0), "red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
_NOT_KNOWN = (
    "evalkit did not write this network: fields that say `unknown` were neither stated by its author, in an attribute"
    " `usage`, nor could they be measured. How the outputs become a box is not known."
)


def describe_bare(parts: Sequence[NetworkPart], stated: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the description of networks that belong to no tracker.

    Args:
        parts: The networks; their examples are the author's.
        stated: What the author states.
    """
    return _describe(parts, {}, stated, "the example inputs")


def describe_used(tracker: Tracker, used: UsedNetworks) -> dict[str, Any]:
    """Return the description of the networks that a tracker executes itself."""
    stated = next((one.usage for one in _owners(tracker) if isinstance(getattr(one, "usage", None), Mapping)), None)
    return _describe(used.parts, _measured(tracker, used), stated, "a rendered frame")


def _owners(tracker: Any) -> list[Any]:
    """Return the objects that may state the usage: the tracker, the one that it adapts, their networks."""
    inner = getattr(tracker, "tracker", None)
    return [one for owner in (tracker, inner) for one in (owner, getattr(owner, "network", None)) if one is not None]


def _describe(
    parts: Sequence[NetworkPart],
    measured: Mapping[tuple[str, str], Mapping[str, str]],
    stated: Mapping[str, Any] | None,
    observed_on: str,
) -> dict[str, Any]:
    given = {} if stated is None else _checked(stated, "usage")
    inputs, outputs = (_fields(given, kind) for kind in ("inputs", "outputs"))
    described = {
        part.name: {
            "inputs": {
                name: {
                    **dict.fromkeys(INPUT_FIELDS, UNKNOWN), "observed_range": _range(value), "observed_on": observed_on,
                    **measured.get((part.name, name), {}), **inputs.get(name, {}),
                }
                for name, value in zip(part.inputs, part.example, strict=True)
            },
            "outputs": {name: {**dict.fromkeys(OUTPUT_FIELDS, UNKNOWN), **outputs.get(name, {})}
                        for name in part.outputs},
        }
        for part in parts
    }  # fmt: skip
    return {"parts": described, "stated_by_the_author": dict(given), "note": _NOT_KNOWN}


def _fields(stated: Mapping[str, Any], kind: str) -> dict[str, Mapping[str, Any]]:
    where = f"usage[{kind!r}]"
    named = _checked(stated.get(kind, {}), where)
    return {name: _checked(fields, f"{where}[{name!r}]") for name, fields in named.items()}


def _checked(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise EvalkitError(
            "what is stated about the network is not a dict", where=where, found=type(value).__name__,
            expected='{"inputs": {NAME: {FIELD: TEXT}}, "outputs": {NAME: {FIELD: TEXT}}}',
        )  # fmt: skip
    return value


def _range(value: NDArray[Any]) -> list[float]:
    return [float(value.min()), float(value.max())] if value.size else []


def _measured(tracker: Tracker, used: UsedNetworks) -> dict[tuple[str, str], dict[str, str]]:
    """Return layout, colours and normalisation of the inputs that are images, by network and input.

    The tracker sees frames of one colour, whose crops have the same colour: what a channel of an input becomes for
    black, red, green and blue tells where each colour goes, and the factor and the offset.
    """
    seen = {name: observe_inputs(tracker, np.full((480, 640, 3), colour, np.uint8))
            for name, colour in _COLOURS.items()}  # fmt: skip
    found = {}
    for part in used.parts:
        for index, name in enumerate(part.inputs):
            values = [inputs[index] for colour in _COLOURS if (inputs := _like(seen[colour], part)) is not None]
            description = _describe_image(values)
            if description is not None:
                found[part.name, name] = description
    return found


def _like(seen: Mapping[str, Arrays], part: NetworkPart) -> Arrays | None:
    """Return the inputs of the same network on another frame; None where it was not called at these shapes."""
    inputs = seen.get(part.name)
    same = inputs is not None and [one.shape for one in inputs] == [one.shape for one in part.example]
    return inputs if same else None


def _describe_image(values: Sequence[NDArray[Any]]) -> dict[str, str] | None:
    """Return the description of an input, given its values for black, red, green and blue; None if it is no image."""
    if len(values) != len(_COLOURS) or values[0].ndim != 4 or 3 not in (values[0].shape[1], values[0].shape[3]):
        return None
    axis = 1 if values[0].shape[1] == 3 else 3
    mapping = _measured_mapping(values, axis)
    if mapping is None:
        return None
    source, factors, offsets = mapping
    pairs = list(zip(factors, offsets, strict=True))
    lines = [f"channel {index}: pixel * {factor:.6g} + {offset:.6g}" for index, (factor, offset) in enumerate(pairs)]
    return {
        "layout": "NCHW: batch, channel, row, column" if axis == 1 else "NHWC: batch, row, column, channel",
        "colours": "".join("RGB"[index] for index in source),
        "range": ", ".join(f"{offset:.4g}..{offset + 255 * factor:.4g}" for factor, offset in pairs),
        "normalisation": "; ".join(lines) + ", for pixels 0..255",
        "source": "measured with frames of one colour",
    }


def _measured_mapping(values: Sequence[NDArray[Any]], axis: int) -> tuple[list[int], Floats, Floats] | None:
    colours = [one for value in values if (one := _channels(value, axis)) is not None]
    return _colour_mapping(*colours) if len(colours) == len(_COLOURS) else None


def _colour_mapping(black: Floats, *primaries: Floats) -> tuple[list[int], Floats, Floats] | None:
    """Return for each channel of an input which colour it shows, the factor and the offset of its values.

    None where a channel shows several colours, or two channels the same one.
    """
    steps = np.array(primaries) - black  # row: red, green, blue; column: channel of the input
    source = np.abs(steps).argmax(axis=0)
    shown = steps[source, range(3)]
    others = np.abs(steps).sum(axis=0) - np.abs(shown)
    if sorted(source) != [0, 1, 2] or (others > 1e-3 * np.abs(shown)).any():
        return None
    return [int(index) for index in source], shown / 255, black


def _channels(value: NDArray[Any], axis: int) -> Floats | None:
    """Return the value of each channel of an image of one colour; None if it is not of one colour."""
    channels = np.moveaxis(value.astype(np.float64), axis, 0).reshape(3, -1)
    middle: Floats = np.median(channels, axis=1)
    spread = np.abs(channels - middle[:, None]).max()
    return middle if spread <= 0.02 * max(1.0, float(np.abs(middle).max())) else None
