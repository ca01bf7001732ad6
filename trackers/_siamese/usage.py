"""Describe how the exported networks of a Siamese tracker are used, for people and programs that have no evalkit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

from evalkit.trackers._siamese import decoding, rules
from evalkit.trackers._siamese.target_state import SMALL_TARGET, SMALLEST_SIDE

if TYPE_CHECKING:
    from evalkit.trackers._siamese.tracker import SiameseTracker

_ROUNDING: Mapping[Callable[[float], int], str] = {
    rules.round_half_to_even: "half to even",
    rules.round_half_up: "half up",
    rules.round_half_away_from_zero: "half away from zero",
}
_DISTANCES = (
    "distances in pixels of the search crop from the cell's point to the left, top, right and bottom of the box"
)
_DECODERS: Mapping[rules.Decode, tuple[str, tuple[str, ...]]] = {
    decoding.decode_distances: (
        "distances",
        ("one logit per cell; sigmoid(cls) is the score", _DISTANCES),
    ),
    decoding.decode_two_class_distances: (
        "two-class distances",
        ("logits of background and target, in this order; sigmoid(target - background) is the score", _DISTANCES),
    ),
    decoding.decode_aligned_distances: (
        "aligned distances",
        ("one logit per cell", _DISTANCES,
         "one logit per cell; the score is ratio * sigmoid(cls) + (1 - ratio) * sigmoid(this)"),
    ),
    decoding.decode_anchor_offsets: (
        "anchor offsets",
        ("logits of background for all anchors, then of target; sigmoid(target - background) is the score",
         "for each anchor: shift in x and y in units of its width and height, logarithms of the factors on them;"
         " 4 values times the anchors"),
    ),
}  # fmt: skip
"""Name of a decoder, and the meaning of the network's outputs, in their order."""


def describe_usage(tracker: SiameseTracker) -> dict[str, Any] | None:
    """Return the description for ``manifest.json``; None where the tracker has a decoder or rounding of its own."""
    own, values = tracker.rules, tracker.hyperparameters
    decoder = _DECODERS.get(own.decode)
    roundings = _ROUNDING.get(own.round_corner), _ROUNDING.get(own.round_side)
    if decoder is None or None in roundings or own.smoothing not in (rules.smooth_once, rules.smooth_twice):
        return None
    name, outputs = decoder
    sizes = search_sizes(tracker)
    image_format = tracker.image_format
    return {
        "input": {
            "layout": "NHWC: batch, row, column, channel", "type": "uint8", "colours": "RGB", "range": "0..255",
            "normalisation": _normalisation(image_format.bgr, image_format.normalized),
        },
        "outputs": {
            "layout": "NCHW: batch, channel, row of cells, column of cells",
            "meaning": dict(zip(tracker.parts()[0].outputs, outputs, strict=False)),
        },
        "template_size": values.template,
        "search": {str(size): {"folder": "search" if size == values.small else f"search-{size}",
                               "cells": own.cells(size)} for size in sizes},
        "stride": own.stride,
        "decode": name,
        "anchors": [list(size) for size in own.anchor_sizes],
        "round_corner": roundings[0],
        "round_side": roundings[1],
        "smoothing_power": 1 if own.smoothing is rules.smooth_once else 2,
        "start_offset": own.start_offset,
        "clip_corner": own.clip_corner,
        "small_target": SMALL_TARGET,
        "smallest_side": SMALLEST_SIDE,
        "hyperparameters": {**values.record(), "long_term": values.long_term},
        "steps": _steps(tracker),
    }  # fmt: skip


def search_sizes(tracker: SiameseTracker) -> list[int]:
    """Return the sides of all search crops that the tracker uses, the usual one first."""
    values = tracker.hyperparameters
    return list(dict.fromkeys(size for size in (values.small, values.big, values.lost_size) if size))


def reference_program() -> str:
    """Return the text of a program that tracks with the exported networks by OpenCV and ONNX Runtime alone."""
    return resources.files("evalkit.trackers._siamese").joinpath("reference_program.txt").read_text(encoding="utf-8")


def _normalisation(bgr: bool, normalized: bool) -> str:
    swap = "the graph swaps the channels to BGR itself" if bgr else "the graph expects RGB"
    scale = "and normalises by ImageNet's mean and deviation itself" if normalized else "and uses the values 0..255"
    return f"{swap} {scale}; give the crop as it is"


def _steps(tracker: SiameseTracker) -> list[str]:
    own, values = tracker.rules, tracker.hyperparameters
    power = "rate" if own.smoothing is rules.smooth_once else "rate squared"
    bigger = "" if values.big == values.small else (
        f" Where the first box covers less than {SMALL_TARGET:g} of the image, the search crop has"
        f" {values.big} pixels instead of {values.small}."
    )  # fmt: skip
    return [
        f"The state is centre and size of the target; the first centre is x + width / 2 + {own.start_offset:g}.",
        f"side = sqrt((w + {values.context:g} * (w + h)) * (h + {values.context:g} * (w + h))) pixels of the image are"
        f" the template crop, resized to {values.template}; a search crop of S pixels shows side * S / "
        f"{values.template} pixels around the last centre." + bigger,
        "Outside of the image, crops have the mean colour of the first image, truncated to whole numbers. The top left"
        " corner of a crop is centre - (side + 1) / 2, rounded.",
        "The template network runs once per target; its outputs are the first inputs of the search network.",
        f"The point of cell i of n is (i - n // 2) * {own.stride} pixels from the middle of the search crop.",
        f"value = score * penalty * {1 - values.window_influence:g} + window * {values.window_influence:g}; penalty ="
        f" exp((1 - s * r) * {values.penalty_k:g}), s and r being the changes of scale and of aspect, each >= 1; window"
        " is the outer product of two Hann windows. The cell with the highest value is taken.",
        f"The centre moves by the box's centre, divided by the crop's scale; the size moves towards the box's by"
        f" {power}, rate = penalty * score * {values.lr:g}. The centre is kept inside of the image, the size at least"
        f" {SMALLEST_SIDE:g} pixels.",
        "reference.py does these steps.",
    ]
