"""Names of the layouts in which ``write_as`` writes the synthetic benchmark. Imports nothing, for the command line."""

from __future__ import annotations

OTB = "otb"
VOT = "vot"
VOT_MULTISTART = "vot-multistart"
VOT_LONGTERM = "vot-longterm"
GOT10K = "got10k"
TRACKINGNET = "trackingnet"
LASOT = "lasot"
LASOT_EXT = "lasot-ext"

NAMES = (OTB, VOT, VOT_MULTISTART, VOT_LONGTERM, GOT10K, TRACKINGNET, LASOT, LASOT_EXT)
"""Values of ``evalkit data render --layout``."""
