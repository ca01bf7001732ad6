"""Trackers that come with OpenCV, as OpenCV has them: some as they are, some given their ONNX files."""

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
"""Pixels. MIL looks for features in a smaller target for ever."""


@dataclass(frozen=True)
class Kind:
    """One of OpenCV's trackers.

    Attributes:
        title: Its name in the library, ``cv2.Tracker<title>``.
        summary: One line for people.
        files: Parameter of ``cv2.Tracker<title>_Params`` to the usual name of its ONNX file.
        page: Where these files are.
        contrib: Only builds with the contributed modules have it.
        deterministic: False where the library draws random numbers by the time of day.
    """

    title: str
    summary: str
    files: Mapping[str, str]
    page: str = ""
    contrib: bool = False
    deterministic: bool = True


KINDS = {
    "opencv-mil": Kind(
        "MIL", "OpenCV's MIL: boosted features, learned while it tracks; no weights", {}, deterministic=False
    ),
    "opencv-kcf": Kind("KCF", "OpenCV's KCF, a kernelized correlation filter (contrib build)", {}, contrib=True),
    "opencv-csrt": Kind("CSRT", "OpenCV's CSRT, a correlation filter with a mask (contrib build)", {}, contrib=True),
    "opencv-nano": Kind(
        "Nano",
        "OpenCV's NanoTrack v2, given its two ONNX files",
        {"backbone": "nanotrack_backbone_sim.onnx", "neckhead": "nanotrack_head_sim.onnx"},
        "https://github.com/HonglinChu/SiamTrackers/tree/master/NanoTrack/models/nanotrackv2",
    ),
    "opencv-vit": Kind(
        "Vit",
        "OpenCV's VitTrack, given its ONNX file",
        {"net": "object_tracking_vittrack_2023sep.onnx"},
        f"{ZOO}/tree/main/models/object_tracking_vittrack",
    ),
    "opencv-dasiamrpn": Kind(
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
    """One of OpenCV's trackers behind evalkit's interface.

    OpenCV counts in whole pixels: regions are rounded on their way in, and its answers are whole numbers.

    Args:
        create: Makes a fresh tracker of the library; it is called once a sequence.
        seed: Of OpenCV's random numbers, set anew for every sequence.
        card: See ``SplitTracker``.
    """

    def __init__(self, create: Callable[[], Any], *, seed: int, card: Mapping[str, Any]) -> None:
        self._create, self._seed, self.card = create, seed, card

    def initialize(self, image: Image, region: Region) -> None:
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
        found, box = self._tracker.update(_bgr(image))
        if not found:
            return Prediction(None, 0.0)
        score = getattr(self._tracker, "getTrackingScore", lambda: float("nan"))
        return Prediction(Box(*(float(value) for value in box)), float(score()))


def _bgr(image: Image) -> Image:
    return cv2.cvtColor(_inputs.rgb(image), cv2.COLOR_RGB2BGR)  # type: ignore[return-value]


def _rectangle(region: Region, image: Image) -> tuple[int, int, int, int]:
    """What of the region lies in the image, in whole pixels, and not smaller than OpenCV's trackers can bear."""
    x, y, width, height = _inputs.start(region)
    left, right = _span(x, width, image.shape[1])
    top, bottom = _span(y, height, image.shape[0])
    return left, top, right - left, bottom - top


def _span(center: float, extent: float, limit: int) -> tuple[int, int]:
    low, high = max(0, round(center - extent / 2)), min(limit, round(center + extent / 2))
    if high - low >= SMALLEST_SIDE:
        return low, high
    low = max(0, min(round(center - SMALLEST_SIDE / 2), limit - SMALLEST_SIDE))
    return low, min(limit, low + SMALLEST_SIDE)


def _factory(name: str, kind: Kind) -> Callable[..., OpenCVTracker]:
    def opencv(*, weights: Path | None = None, threads: int = 1, seed: int = 0) -> OpenCVTracker:
        maker = getattr(cv2, f"Tracker{kind.title}_create", None)
        if maker is None:
            package = "opencv-contrib-python" if kind.contrib else "a newer opencv-python"
            raise EvalkitError(
                f"this OpenCV ({cv2.__version__}) has no {kind.title}", where=name,
                hint=f"Install {package} in place of the OpenCV that is here",
            )  # fmt: skip
        files = _files(name, kind, weights)
        cv2.setNumThreads(threads)
        return OpenCVTracker(_creator(kind, maker, files), seed=seed, card=_card(files, threads))

    return opencv


def _creator(kind: Kind, maker: Callable[..., Any], files: Mapping[str, Path]) -> Callable[[], Any]:
    if not files:
        return maker
    parameters = getattr(cv2, f"Tracker{kind.title}_Params")()
    for field, path in files.items():
        setattr(parameters, field, str(path))
    return lambda: maker(parameters)


def _files(name: str, kind: Kind, given: Path | None) -> dict[str, Path]:
    """The ONNX files, from the named folder, ``$EVALKIT_WEIGHTS`` or the cache."""
    if not kind.files:
        return {}
    named = os.environ.get("EVALKIT_WEIGHTS")
    folders = [given] if given else [*([Path(named)] if named else []), cache_directory()]
    for folder in folders:
        place = folder.parent if folder.is_file() else folder
        found = {field: place / file for field, file in kind.files.items()}
        if all(path.is_file() for path in found.values()):
            return found
    raise EvalkitError(
        "its ONNX files are not at hand", where=name, expected=" and ".join(kind.files.values()),
        found=f"not all of them in {', '.join(map(str, folders))}",
        hint=f"They are at {kind.page}; put them into one folder and name it with --weights",
    )  # fmt: skip


def _card(files: Mapping[str, Path], threads: int) -> dict[str, Any]:
    digests = {field: {"file": path.name, "sha256": checkpoints.sha256(path)} for field, path in files.items()}
    return {"opencv": cv2.__version__, "threads": threads, **({"files": digests} if digests else {})}


for _name, _kind in KINDS.items():
    registry.tracker(_name, summary=_kind.summary, deterministic=_kind.deterministic)(_factory(_name, _kind))
