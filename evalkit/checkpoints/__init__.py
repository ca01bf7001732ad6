"""Checkpoints of networks: find the file for a name, read its tensors without executing code, download it.

What a tracker needs is exported here: ``find`` a file, ``read_state`` of it, ``fit`` the tensors into a module.
``catalogue`` knows the published checkpoints, ``loading`` reads files, ``fetching`` downloads them.
"""

from __future__ import annotations

from evalkit.checkpoints.catalogue import Checkpoint, FoundCheckpoint, bundle_directory, find, published, sha256
from evalkit.checkpoints.loading import fit, read_state

__all__ = ["Checkpoint", "FoundCheckpoint", "bundle_directory", "find", "fit", "published", "read_state", "sha256"]
