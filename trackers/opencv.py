"""OpenCV's own trackers, unmodified; some need ONNX files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from evalkit import checkpoints, registry
from evalkit.checkpoints.catalogue import cache_directory
from evalkit.errors import EvalkitError
from evalkit.trackers import _inputs
from evalkit.types import Box, Image, Prediction, Region

ZOO = "https://github.com/opencv/opencv_zoo"
EXTRA = "https://github.com/opencv/opencv_extra/blob/4.x/testdata/dnn/download_models.py"

SMALLEST_SIDE = 8
"""Smallest width and height of a start region, in pixels; with a smaller target MIL never returns."""


@dataclass(frozen=True)
class LibraryTracker:
    """One tracker of the OpenCV library.

    Attributes:
        title: Its name in the library, ``cv2.Tracker<title>``.
        summary: One line for ``evalkit list``.
        files: ONNX files it needs: field of ``cv2.Tracker<title>_Params`` to the usual file name.
        page: Web page of these files.
        contrib: Only builds with the contrib modules have this tracker.
        deterministic: False if the library seeds its random numbers with the time.
    """

    title: str
    summary: str
    files: Mapping[str, str]
    page: str = ""
    contrib: bool = False
    deterministic: bool = True


LIBRARY_TRACKERS = {
    "opencv-mil": LibraryTracker(
        "MIL", "OpenCV's MIL: boosted features, learned while it tracks; no weights", {}, deterministic=False
    ),
    "opencv-kcf": LibraryTracker(
        "KCF", "OpenCV's KCF, a kernelized correlation filter (contrib build)", {}, contrib=True
    ),
    "opencv-csrt": LibraryTracker(
        "CSRT", "OpenCV's CSRT, a correlation filter with a mask (contrib build)", {}, contrib=True
    ),
    "opencv-nano": LibraryTracker(
        "Nano",
        "OpenCV's NanoTrack v2, given its two ONNX files",
        {"backbone": "nanotrack_backbone_sim.onnx", "neckhead": "nanotrack_head_sim.onnx"},
        "https://github.com/HonglinChu/SiamTrackers/tree/master/NanoTrack/models/nanotrackv2",
    ),
    "opencv-vit": LibraryTracker(
        "Vit",
        "OpenCV's VitTrack, given its ONNX file",
        {"net": "object_tracking_vittrack_2023sep.onnx"},
        f"{ZOO}/tree/main/models/object_tracking_vittrack",
    ),
    "opencv-dasiamrpn": LibraryTracker(
        "DaSiamRPN",
        "OpenCV's DaSiamRPN, given its three ONNX files",
        {
            "model": "dasiamrpn_model.onnx",
            "kernel_r1": "dasiamrpn_kernel_r1.onnx",
            "kernel_cls1": "dasiamrpn_kernel_cls1.onnx",
        },
        EXTRA,
    ),
}


class OpenCVTracker:
    """Adapts a tracker of the OpenCV library to evalkit's interface.

    OpenCV uses whole pixels: start regions are rounded, and its boxes have whole numbers.

    Args:
        create: Creates a tracker of the library; called once per sequence.
        seed: Seed of OpenCV's random numbers, set at the start of every sequence.
        card: See ``SplitTracker.card``.
    """

    def __init__(self, create: Callable[[], Any], *, seed: int, card: Mapping[str, Any]) -> None:
        self._create, self._seed, self.card = create, seed, card

    def initialize(self, image: Image, region: Region) -> None:
        """Start a new tracker of the library.

        Raises:
            EvalkitError: The image is not an 8-bit image, or OpenCV cannot start from the region.
        """
        cv2.setRNGSeed(self._seed)
        self._tracker = self._create()
        rectangle = _rectangle(region, image)
        try:
            self._tracker.init(_bgr(image), rectangle)
        except cv2.error as error:
            raise EvalkitError(
                f"OpenCV's tracker cannot start from this region: {error.err}", where="initialize", found=rectangle,
                exit_code=1,
            ) from error  # fmt: skip

    def update(self, image: Image) -> Prediction:
        """Return the library's box; no region if it reports that the target was not found."""
        found, box = self._tracker.update(_bgr(image))
        if not found:
            return Prediction(None, 0.0)
        score = getattr(self._tracker, "getTrackingScore", lambda: float("nan"))
        return Prediction(Box(*(float(value) for value in box)), float(score()))


def _bgr(image: Image) -> Image:
    return cv2.cvtColor(_inputs.as_rgb(image), cv2.COLOR_RGB2BGR)  # type: ignore[return-value]


def _rectangle(region: Region, image: Image) -> tuple[int, int, int, int]:
    """Return the part of the region inside of the image in whole pixels, at least ``SMALLEST_SIDE`` wide and high."""
    x, y, width, height = _inputs.start_box(region)
    left, right = _span(x, width, image.shape[1])
    top, bottom = _span(y, height, image.shape[0])
    return left, top, right - left, bottom - top


def _span(center: float, extent: float, limit: int) -> tuple[int, int]:
    low, high = max(0, round(center - extent / 2)), min(limit, round(center + extent / 2))
    if high - low >= SMALLEST_SIDE:
        return low, high
    low = max(0, min(round(center - SMALLEST_SIDE / 2), limit - SMALLEST_SIDE))
    return low, min(limit, low + SMALLEST_SIDE)


def _factory(name: str, kind: LibraryTracker) -> Callable[..., OpenCVTracker]:
    def opencv(*, weights: Path | None = None, threads: int = 1, seed: int = 0) -> OpenCVTracker:
        maker = getattr(cv2, f"Tracker{kind.title}_create", None)
        if maker is None:
            package = "opencv-contrib-python" if kind.contrib else "a newer opencv-python"
            raise EvalkitError(
                f"this OpenCV ({cv2.__version__}) has no {kind.title}", where=name,
                hint=f"Install {package} in place of the installed OpenCV",
            )  # fmt: skip
        files = _files(name, kind, weights)
        cv2.setNumThreads(threads)
        return OpenCVTracker(_creator(kind, maker, files), seed=seed, card=_card(files, threads))

    return opencv


def _creator(kind: LibraryTracker, maker: Callable[..., Any], files: Mapping[str, Path]) -> Callable[[], Any]:
    if not files:
        return maker
    parameters = getattr(cv2, f"Tracker{kind.title}_Params")()
    for field, path in files.items():
        setattr(parameters, field, str(path))
    return lambda: maker(parameters)


def _files(name: str, kind: LibraryTracker, given: Path | None) -> dict[str, Path]:
    """Return the ONNX files by field, from ``--weights``, ``$EVALKIT_WEIGHTS`` or the cache."""
    if not kind.files:
        return {}
    variable = os.environ.get("EVALKIT_WEIGHTS")
    folders = [given] if given else [*([Path(variable)] if variable else []), cache_directory()]
    for path in folders:
        folder = path.parent if path.is_file() else path
        found = {field: folder / file for field, file in kind.files.items()}
        if all(path.is_file() for path in found.values()):
            return found
    raise EvalkitError(
        "its ONNX files were not found", where=name, expected=" and ".join(kind.files.values()),
        found=f"not all of them in {', '.join(map(str, folders))}",
        hint=f"Download them from {kind.page} into one folder and pass it with --weights",
    )  # fmt: skip


def _card(files: Mapping[str, Path], threads: int) -> dict[str, Any]:
    digests = {field: {"file": path.name, "sha256": checkpoints.sha256(path)} for field, path in files.items()}
    return {"opencv": cv2.__version__, "threads": threads, **({"files": digests} if digests else {})}


for _name, _kind in LIBRARY_TRACKERS.items():
    registry.tracker(_name, summary=_kind.summary, deterministic=_kind.deterministic)(_factory(_name, _kind))
