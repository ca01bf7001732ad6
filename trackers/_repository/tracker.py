"""A tracker of a repository of the family, with evalkit's interface."""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.errors import EvalkitError
from evalkit.geometry import bounding_box, shifted
from evalkit.trackers._repository.repository import Repository
from evalkit.types import Box, FrameContext, Image, Prediction, Region

CONFIDENCES = ("best_score", "conf_score", "object_presence_score", "max_score")
"""Keys of a tracker's answer that hold its confidence: SUTrack and MCITrack, MixFormer, pytracking, others."""


class RepositoryTracker:
    """Adapts a tracker of the family to evalkit's interface.

    The family passes boxes as they are in the files of the benchmark, without subtracting 1 where the first pixel is 1,
    and stores the tracker's boxes as they are. This adapter does the same, so that its boxes equal those of the
    repository's own ``tracking/test.py``.

    Args:
        tracker: Has ``initialize(image, info)`` and ``track(image, info)``.
        card: What made it: configuration, checkpoint, code.
        device: ``cpu``, or ``cuda:0`` and its like.

    Attributes:
        network: Its ``torch.nn.Module``; None where it has no attribute ``network``.
    """

    def __init__(self, tracker: Any, card: Mapping[str, Any], device: str) -> None:
        self.tracker = tracker
        self.card = card
        self.network = getattr(tracker, "network", None)
        self._device = device
        self._origin = 0
        self._language: str | None = None
        self._name: str | None = None

    def before_frame(self, context: FrameContext) -> None:
        """Keep the benchmark's origin, and the name and the description of the sequence."""
        self._origin = context.origin
        self._language = context.sequence.language
        self._name = context.sequence.name

    def initialize(self, image: Image, region: Region) -> None:
        """Pass the image and the bounding box of the region, in the coordinates of the benchmark's files."""
        box = bounding_box(shifted(region, self._origin, self._origin))
        info: dict[str, Any] = {"init_bbox": box.array().tolist()}
        if self._language is not None:
            info["init_nlp"] = self._language
        if self._name is not None:
            info["seq_name"] = self._name
        with on_device(self._device):
            self._output = self.tracker.initialize(image, info) or {}

    def update(self, image: Image) -> Prediction:
        """Return ``target_bbox`` and the confidence.

        Raises:
            EvalkitError: The answer has no ``target_bbox`` of four numbers.
        """
        with on_device(self._device):
            self._output = self.tracker.track(image, {"previous_output": self._output}) or {}
        values = np.asarray(_plain(self._output.get("target_bbox", ())), dtype=np.float64).ravel()
        if values.size != 4:
            raise EvalkitError(
                "the tracker's answer has no target_bbox of four numbers", found=", ".join(map(str, self._output)),
                hint="track(image, info) returns {'target_bbox': [x, y, width, height], ...}", exit_code=1,
            )  # fmt: skip
        box = Box(*values.tolist())
        return Prediction(shifted(box, -self._origin, -self._origin), self._confidence())

    def _confidence(self) -> float:
        for key in CONFIDENCES:
            value = self._output.get(key)
            if value is not None:
                numbers = np.asarray(_plain(value), dtype=np.float64).ravel()
                return float(numbers[0]) if numbers.size == 1 and math.isfinite(numbers[0]) else math.nan
        return math.nan


def _plain(value: Any) -> Any:
    """Return a tensor as an array, other values as they are."""
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


@contextmanager
def on_device(device: str) -> Iterator[None]:
    """Execute the repository's code on a device.

    The family's code calls ``.cuda()`` on networks and tensors. On ``cpu``, these calls are ignored until the context
    ends, so that the code runs unchanged on a machine without a GPU, or apart from its GPU.
    """
    import torch

    if device.startswith("cuda"):
        with torch.cuda.device(device):
            yield
        return
    replaced = [(torch.Tensor, "cuda"), (torch.nn.Module, "cuda"), (torch.cuda, "is_available")]
    before = [(owner, name, getattr(owner, name)) for owner, name in replaced]
    torch.Tensor.cuda = torch.nn.Module.cuda = lambda self, *_, **__: self  # type: ignore[assignment, method-assign]
    torch.cuda.is_available = lambda: False
    try:
        yield
    finally:
        for owner, name, function in before:
            setattr(owner, name, function)


def describe(repository: Repository, name: str, configuration: str, params: Any, dataset: str) -> dict[str, Any]:
    """Return the card of a tracker: configuration text, SHA-256 of its checkpoint and of the repository's code in use.

    A changed yaml, checkpoint or source file changes the card, so that its results are not mixed with older ones.
    """
    card: dict[str, Any] = {
        "tracker": name,
        "configuration": configuration,
        "dataset_name": dataset,
        "code_sha256": _code_hash(repository),
    }
    text = repository.root / "experiments" / name / f"{configuration}.yaml"
    if text.is_file():
        card["yaml"] = text.read_text(encoding="utf-8")
    checkpoint = getattr(params, "checkpoint", None)
    if isinstance(checkpoint, str | Path) and (path := repository.root / checkpoint).is_file():
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256") if sys.version_info >= (3, 11) else _digest(file)
        card["weights"] = {
            "file": path.name, "sha256": digest.hexdigest(), "identity": "named by the configuration"
        }  # fmt: skip
    return card


def _digest(file: Any) -> Any:
    digest = hashlib.sha256()
    for block in iter(lambda: file.read(1 << 20), b""):
        digest.update(block)
    return digest


def _code_hash(repository: Repository) -> str:
    """Return 16 digits that change with the repository's modules that are imported."""
    files = {
        Path(file).resolve()
        for module in list(sys.modules.values())
        if (file := getattr(module, "__file__", None)) and Path(file).is_absolute()
    }
    digest = hashlib.sha256()
    for path in sorted(path for path in files if path.is_relative_to(repository.root)):
        digest.update(str(path.relative_to(repository.root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
