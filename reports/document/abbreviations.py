"""What benchmarks' abbreviations of attributes stand for."""

from __future__ import annotations

from collections.abc import Iterable

_ATTRIBUTES = {
    "ARC": "aspect ratio change",
    "BC": "background clutter",
    "CM": "camera motion",
    "DEF": "deformation",
    "FM": "fast motion",
    "FOC": "full occlusion",
    "IPR": "in-plane rotation",
    "IV": "illumination variation",
    "LR": "low resolution",
    "MB": "motion blur",
    "OCC": "occlusion",
    "OPR": "out-of-plane rotation",
    "OV": "out of view",
    "POC": "partial occlusion",
    "ROT": "rotation",
    "SOB": "similar object",
    "SV": "scale variation",
    "VC": "viewpoint change",
}
"""Those of OTB, UAV123 and LaSOT, which other benchmarks share."""


def explained_attributes(names: Iterable[str]) -> tuple[str, ...]:
    """Return one sentence that explains the known abbreviations among these attributes; none if there are none.

    >>> explained_attributes(["SV", "occlusion"])
    ('SV: scale variation.',)
    """
    known = [f"{name}: {_ATTRIBUTES[name]}" for name in names if name in _ATTRIBUTES]
    return (f"{'; '.join(known)}.",) if known else ()
