"""Benchmarks that ``_facts/benchmarks.toml`` describes: UAV123 and its like, NfS, TNL2K, DTB70, VastTrack and others.

Each has one annotation file per sequence, in the sequence's folder or in a folder of annotations. Another such
benchmark is another table in that file, and a list of its sequences in ``_facts/sequences/``.
"""

from __future__ import annotations

from pathlib import Path

from evalkit.datasets.building import register_benchmarks

register_benchmarks(Path(__file__).parent / "_facts" / "benchmarks.toml", __name__)
