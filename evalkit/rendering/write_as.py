"""Write the synthetic benchmark in the layout of another benchmark: complete and valid folders to test loaders with.

Frames are JPEG files of quality 95. Numbers have the format of the benchmark, so boxes are read back as exactly as it
allows. Where a layout cannot represent something, as OTB's an absent target, the benchmark's own convention is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evalkit import registry
from evalkit.errors import EvalkitError, suggestion
from evalkit.io.regions import format_record
from evalkit.io.rows import format_lines
from evalkit.rendering.layout_names import (
    GOT10K,
    LASOT,
    LASOT_EXT,
    NAMES,
    OTB,
    TRACKINGNET,
    VOT,
    VOT_LONGTERM,
    VOT_MULTISTART,
)
from evalkit.rendering.recipes import BENCHMARK, benchmark_scene
from evalkit.rendering.scene import Scene
from evalkit.types import Annotation, Boxes, Image, Mask

_JPEG_QUALITY = 95
OTB_NAMES = (
    *("Biker", "Couple", "Crossing", "Dancer2", "Human8", "Ironman"),
    *("Jump", "Man", "Matrix", "MotorRolling", "Skater", "Trans"),
)
TRACKINGNET_NAMES = (
    *("-Dz7OIf54b0_0", "-FCJqWfi9Wo_0", "0-6LB4FqxoE_0", "07Ysk1C0ZX0_0", "0GER2Qd0vFw_0", "0HBDWix1LAk_0"),
    *("0HBDWix1LAk_1", "0JOSlkhPOdA_0", "0PRjEMNkNUs_0", "0ZzhXi15dvo_0", "0av1Erdno4A_0", "0cP2LRl88qM_0"),
)
"""Names of official sequences, because the loaders of these benchmarks accept no others."""

_TAGS = ("camera_motion", "illum_change", "motion_change", "occlusion", "size_change")
_LASOT_ATTRIBUTES = ("IV", "POC", "DEF", "MB", "CM", "ROT", "BC", "VC", "SV", "FOC", "FM", "OV", "LR", "ARC")
_SAME_ATTRIBUTE = {"POC": "OCC", "ROT": "IPR", "VC": "OPR"}
"""Abbreviations of LaSOT and the corresponding ones of OTB."""
_ANCHOR_DISTANCE = 50


@dataclass(frozen=True)
class DatasetLayout:
    """The layout of a benchmark on disk.

    Attributes:
        write_sequence: Writes one sequence, given the benchmark's folder, the sequence's name, scene and annotation.
        write_lists: Writes the files that concern all sequences, given the benchmark's folder and the names.
        name: Returns the name of a sequence, given its number, counted from 0, and its scene.
    """

    write_sequence: Callable[[Path, str, Scene, Annotation], None]
    write_lists: Callable[[Path, list[str]], None]
    name: Callable[[int, Scene], str]


def write_dataset(layout: str, output: Path, *, seed: int = 0, sequences: Sequence[str] | None = None) -> list[str]:
    """Write the synthetic benchmark into an empty or new folder.

    Args:
        layout: One of ``layout_names.NAMES``, or the name of a dataset that is registered with a layout.
        output: The benchmark's own folder, which ``--data`` can name afterwards.
        seed: Seed of the scenes.
        sequences: Names of the scenes to write; all twelve if None.

    Returns:
        Names of the sequences in the folder, in order.

    Raises:
        EvalkitError: There is no such layout or scene, the folder is not empty, or a file cannot be written.
    """
    _check_request(output, sequences)
    names: list[str] = []
    chosen = _find_layout(layout)
    try:
        for number, recipe in enumerate(BENCHMARK):
            if sequences is None or recipe.name in sequences:
                scene = benchmark_scene(recipe, seed)
                names.append(chosen.name(number, scene))
                chosen.write_sequence(output, names[-1], scene, scene.annotation())
        chosen.write_lists(output, names)
    except OSError as error:
        raise EvalkitError(f"cannot write here: {error.strerror}", where=error.filename or output) from error
    return names


def _find_layout(name: str) -> DatasetLayout:
    if name in LAYOUTS:
        return LAYOUTS[name]
    described = {entry.name: entry.layout for entry in registry.dataset.entries() if entry.layout is not None}
    if name not in described:
        known = (*NAMES, *described)
        raise EvalkitError(
            f"no layout is named {name!r}", where="--layout", expected=", ".join(known), hint=suggestion(name, known)
        )
    layout: DatasetLayout = described[name]()
    return layout


def _check_request(output: Path, sequences: Sequence[str] | None) -> None:
    scenes = [recipe.name for recipe in BENCHMARK]
    for name in sequences or ():
        if name not in scenes:
            raise EvalkitError(
                f"no scene is named {name!r}", where="--sequences", expected=", ".join(scenes),
                hint=suggestion(name, scenes),
            )  # fmt: skip
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise EvalkitError("not an empty folder", where=output, hint="Choose a new folder with --output")


def _write_frames(scene: Scene, folder: Path, pattern: str, *, first: int = 1) -> None:
    folder.mkdir(parents=True)
    for index in range(scene.length):
        (folder / (pattern % (first + index))).write_bytes(encode_frame(scene.frame(index)))


def encode_frame(image: Image) -> bytes:
    """Return an image as a JPEG file."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return data.tobytes()


def _format_boxes(boxes: Boxes, number: str, *, origin: int = 0, missing: str = "0,0,0,0") -> str:
    """Return one line per box.

    Args:
        boxes: Shape (N, 4), 0-based.
        number: Printf format of the values.
        origin: Coordinate of the top left pixel in the file.
        missing: Text of a NaN row.
    """
    shifted = boxes + np.array([origin, origin, 0, 0])
    lines = (missing if np.isnan(row).any() else ",".join(number % value for value in row) for row in shifted)
    return format_lines(lines)


def _format_flags(flags: NDArray[np.generic]) -> str:
    return format_lines(int(flag) for flag in flags)


def _scene_name(number: int, scene: Scene) -> str:
    return scene.name


def _write_otb(root: Path, name: str, scene: Scene, annotation: Annotation) -> None:
    _write_frames(scene, root / name / "img", "%04d.jpg")
    # OTB's files have different separators; here every third one has tabs.
    text = _format_boxes(annotation.boxes, "%.2f", origin=1)
    tabs = OTB_NAMES.index(name) % 3 == 2
    (root / name / "groundtruth_rect.txt").write_text(text.replace(",", "\t") if tabs else text, encoding="ascii")


def _write_vot(root: Path, name: str, scene: Scene, regions: str) -> None:
    place = root / name
    _write_frames(scene, place / "color", "%08d.jpg")
    (place / "groundtruth.txt").write_text(regions, encoding="ascii")
    width, height = scene.size
    fields = {
        "channels.color": "color/%08d.jpg", "format": "default", "fps": 30, "name": name,
        "length": scene.length, "width": width, "height": height,
    }  # fmt: skip
    (place / "sequence").write_text(format_lines(f"{key}={value}" for key, value in fields.items()), encoding="ascii")


def _write_tags(place: Path, annotation: Annotation) -> None:
    for tag in _TAGS:
        (place / f"{tag}.tag").write_text(_format_flags(annotation.flags[tag]), encoding="ascii")


def _write_supervised(root: Path, name: str, scene: Scene, annotation: Annotation) -> None:
    corners = (scene.truth(index).polygon.ravel() for index in range(scene.length))
    _write_vot(root, name, scene, format_lines(",".join(f"{value:.3f}" for value in row) for row in corners))
    _write_tags(root / name, annotation)


def _write_multistart(root: Path, name: str, scene: Scene, annotation: Annotation) -> None:
    masks = (_cropped_mask(scene.truth(index).visible) for index in range(scene.length))
    _write_vot(root, name, scene, format_lines(format_record(mask) for mask in masks))
    _write_tags(root / name, annotation)
    (root / name / "anchor.value").write_text(_format_flags(anchors(annotation)), encoding="ascii")


def _cropped_mask(visible: NDArray[np.bool_]) -> Mask:
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    if rows.size == 0:
        return Mask(np.zeros((1, 1), dtype=np.bool_))
    part = visible[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Mask(part, int(columns[0]), int(rows[0]))


def anchors(annotation: Annotation) -> NDArray[np.int64]:
    """Return the anchors of a multi-start benchmark: shape (N,), 1 forwards, -1 backwards, 0 for other frames.

    There is an anchor about every 50 frames, where most of the target is visible, in the direction of the longer part.
    """
    length = len(annotation.boxes)
    good = np.flatnonzero(annotation.flags["cover"] >= 6)
    values = np.zeros(length, dtype=np.int64)
    for wanted in range(0, length, _ANCHOR_DISTANCE):
        frame = int(good[np.abs(good - wanted).argmin()])
        values[frame] = 1 if length - frame > frame else -1
    return values


def _write_longterm(root: Path, name: str, scene: Scene, annotation: Annotation) -> None:
    _write_vot(root, name, scene, _format_boxes(annotation.boxes, "%.3f", missing="nan,nan,nan,nan"))


def _write_list(root: Path, names: list[str]) -> None:
    (root / "list.txt").write_text(format_lines(names), encoding="ascii")


def _write_got10k(root: Path, name: str, scene: Scene, annotation: Annotation) -> None:
    place = root / "val" / name
    _write_frames(scene, place, "%08d.jpg")
    missing = ",".join(["0.0000"] * 4)
    (place / "groundtruth.txt").write_text(
        _format_boxes(annotation.boxes, "%.4f", origin=1, missing=missing), encoding="ascii"
    )
    for label, flag in (("absence", "absent"), ("cut_by_image", "cut_by_image"), ("cover", "cover")):
        (place / f"{label}.label").write_text(_format_flags(annotation.flags[flag]), encoding="ascii")
    width, height = scene.size
    fields = {
        "url": "rendered", "begin": "00:00:00", "end": "00:00:04", "anno_fps": "30Hz", "object_class": scene.name,
        "motion_class": "moving", "major_class": "object", "root_class": "object", "motion_adverb": "smoothly",
        "resolution": f"({width}, {height})",
    }  # fmt: skip
    text = "[METAINFO]\n" + format_lines(f"{key}: {value}" for key, value in fields.items())
    (place / "meta_info.ini").write_text(text, encoding="ascii")


def _write_trackingnet(root: Path, name: str, scene: Scene, annotation: Annotation) -> None:
    # One half is the test split, whose files contain only the first box, the other half the training split.
    testing = TRACKINGNET_NAMES.index(name) < len(TRACKINGNET_NAMES) // 2
    part = root / ("TEST" if testing else "TRAIN_0")
    _write_frames(scene, part / "frames" / name, "%d.jpg", first=0)
    (part / "anno").mkdir(exist_ok=True)
    boxes = annotation.boxes[:1] if testing else annotation.boxes
    missing = ",".join(["0.00"] * 4)
    (part / "anno" / f"{name}.txt").write_text(_format_boxes(boxes, "%.2f", missing=missing), encoding="ascii")


def _write_lasot(root: Path, name: str, scene: Scene, annotation: Annotation) -> None:
    place = root / name.rpartition("-")[0] / name
    _write_frames(scene, place / "img", "%08d.jpg")
    # Boxes in whole pixels, as in LaSOT.
    (place / "groundtruth.txt").write_text(_format_boxes(annotation.boxes.round(), "%d", origin=1), encoding="ascii")
    for flag in ("full_occlusion", "out_of_view"):
        text = ",".join(str(int(value)) for value in annotation.flags[flag])
        (place / f"{flag}.txt").write_text(text, encoding="ascii")
    (place / "nlp.txt").write_text(f"textured thing that shows {scene.name} over a textured ground", encoding="ascii")
    values = [_SAME_ATTRIBUTE.get(one, one) in scene.attributes for one in _LASOT_ATTRIBUTES]
    toolkit = root / "annos"
    for folder in (toolkit / "absent", toolkit / "att"):
        folder.mkdir(parents=True, exist_ok=True)
    (toolkit / f"{name}.txt").write_text((place / "groundtruth.txt").read_text(encoding="ascii"), encoding="ascii")
    absent = annotation.flags["full_occlusion"] | annotation.flags["out_of_view"]
    (toolkit / "absent" / f"{name}.txt").write_text(_format_flags(absent), encoding="ascii")
    (toolkit / "att" / f"{name}.txt").write_text(",".join(str(int(one)) for one in values) + "\n", encoding="ascii")


def _lasot_name(number: int, scene: Scene) -> str:
    return f"{scene.name}-1"


def _lasot_list_writer(file: str) -> Callable[[Path, list[str]], None]:
    def write(root: Path, names: list[str]) -> None:
        folder = root / "sequence_evaluation_config"
        folder.mkdir()
        # The toolkit's list has no newline at its end either.
        (folder / file).write_text("\n".join(names), encoding="ascii")

    return write


def _write_no_lists(root: Path, names: list[str]) -> None:
    """Write nothing: the layout has no files that concern all sequences."""


LAYOUTS = {
    OTB: DatasetLayout(_write_otb, _write_no_lists, lambda number, scene: OTB_NAMES[number]),
    VOT: DatasetLayout(_write_supervised, _write_list, _scene_name),
    VOT_MULTISTART: DatasetLayout(_write_multistart, _write_list, _scene_name),
    VOT_LONGTERM: DatasetLayout(_write_longterm, _write_list, _scene_name),
    GOT10K: DatasetLayout(
        _write_got10k,
        lambda root, names: _write_list(root / "val", names),
        lambda number, scene: f"GOT-10k_Val_{number + 1:06d}",
    ),
    TRACKINGNET: DatasetLayout(_write_trackingnet, _write_no_lists, lambda number, scene: TRACKINGNET_NAMES[number]),
    LASOT: DatasetLayout(_write_lasot, _lasot_list_writer("testing_set.txt"), _lasot_name),
    LASOT_EXT: DatasetLayout(_write_lasot, _lasot_list_writer("extension_test_set.txt"), _lasot_name),
}
"""Layouts by name."""
