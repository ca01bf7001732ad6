"""Evaluate single-object visual trackers: accuracy, robustness, cost and whether a change made them worse.

>>> import evalkit
>>> evalkit.__version__.count(".")
2
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from evalkit.api import run, score
    from evalkit.errors import EvalkitError
    from evalkit.types import Box, Boxes, Image, Mask, Polygon, Prediction, Region, Tracker

_HOME = {
    "evalkit.api": ("run", "score"),
    "evalkit.errors": ("EvalkitError",),
    "evalkit.types": ("Box", "Boxes", "Image", "Mask", "Polygon", "Prediction", "Region", "Tracker"),
}

__all__ = [
    "Box",
    "Boxes",
    "EvalkitError",
    "Image",
    "Mask",
    "Polygon",
    "Prediction",
    "Region",
    "Tracker",
    "run",
    "score",
]


def __getattr__(name: str) -> Any:
    # Imported on first use: `evalkit --help` must not pay for NumPy.
    from importlib import import_module

    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'evalkit' has no attribute {name!r}")
