"""What benchmarks' abbreviations of attributes stand for."""

from __future__ import annotations

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


def attribute_meaning(name: str) -> str:
    """Return what the abbreviation of an attribute stands for; empty if it is not a known abbreviation.

    >>> attribute_meaning("SV"), attribute_meaning("occlusion")
    ('scale variation', '')
    """
    return _ATTRIBUTES.get(name, "")
