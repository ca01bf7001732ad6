"""Evaluate single-object visual trackers: accuracy, robustness, cost, and regressions.

The commands of the command line are functions here: ``evalkit.run``, ``score``, ``profile``, ``compare`` and
``report``, ``regress``, ``diff``, ...; ``evalkit.api`` has all of them. ``evalkit.plot`` draws on matplotlib axes.

>>> import evalkit
>>> evalkit.__version__.count(".")
2
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from evalkit import plot as plot
    from evalkit.api import (
        check_data,
        compare,
        convert,
        create_tracker,
        diff,
        export,
        frame,
        import_results,
        merge,
        pack,
        profile,
        regress,
        render_data,
        replay,
        report,
        report_figures,
        run,
        score,
        track,
        train,
    )
    from evalkit.errors import EvalkitError
    from evalkit.progress import listening
    from evalkit.types import Box, Boxes, Image, Mask, Polygon, Prediction, Region, Tracker

_HOME = {
    "evalkit.errors": ("EvalkitError",),
    "evalkit.progress": ("listening",),
    "evalkit.types": ("Box", "Boxes", "Image", "Mask", "Polygon", "Prediction", "Region", "Tracker"),
}

_MODULES = ("plot",)

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
    "check_data",
    "compare",
    "convert",
    "create_tracker",
    "diff",
    "export",
    "frame",
    "import_results",
    "listening",
    "merge",
    "pack",
    "plot",
    "profile",
    "regress",
    "render_data",
    "replay",
    "report",
    "report_figures",
    "run",
    "score",
    "track",
    "train",
]


def __getattr__(name: str) -> Any:
    # Imported on first use: `evalkit --help` must not pay for NumPy.
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module 'evalkit' has no attribute {name!r}")
    if name in _MODULES:
        return import_module(f"evalkit.{name}")
    home = next((module for module, names in _HOME.items() if name in names), "evalkit.api")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
