"""The rendered benchmark as files, in every benchmark's own layout: complete, legal trees to test loaders on.

Frames are JPEG files of quality 95. Numbers are written as each benchmark writes them, so that a box comes back as
exactly as the format allows. What a layout cannot say (a target out of sight in OTB's) is written as in the benchmark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError
from evalkit.io.regions import format_record
from evalkit.io.rows import format_lines
from evalkit.rendering.catalogue import BENCHMARK, benchmark
from evalkit.rendering.scene import Scene
from evalkit.types import Annotation, Boxes, Mask

QUALITY = 95
OTB_NAMES = (
    *("Biker", "Couple", "Crossing", "Dancer2", "Human8", "Ironman"),
    *("Jump", "Man", "Matrix", "MotorRolling", "Skater", "Trans"),
)
TRACKINGNET_NAMES = (
    *("-Dz7OIf54b0_0", "-FCJqWfi9Wo_0", "0-6LB4FqxoE_0", "07Ysk1C0ZX0_0", "0GER2Qd0vFw_0", "0HBDWix1LAk_0"),
    *("0HBDWix1LAk_1", "0JOSlkhPOdA_0", "0PRjEMNkNUs_0", "0ZzhXi15dvo_0", "0av1Erdno4A_0", "0cP2LRl88qM_0"),
)
"""Benchmarks without a list of their own in the tree are known by their official names, so these are borrowed."""

_TAGS = ("camera_motion", "illum_change", "motion_change", "occlusion", "size_change")
_LASOT_ATTRIBUTES = ("IV", "POC", "DEF", "MB", "CM", "ROT", "BC", "VC", "SV", "FOC", "FM", "OV", "LR", "ARC")
_SAME_ATTRIBUTE = {"POC": "OCC", "ROT": "IPR", "VC": "OPR"}
"""OTB's abbreviations of what LaSOT calls otherwise."""
_ANCHOR_DISTANCE = 50


@dataclass(frozen=True)
class Layout:
    """How a benchmark lies on disk.

    Attributes:
        write: Writes one sequence: the tree's root, its name, the scene, its annotation.
        finish: Writes what concerns all: the root and the names.
        name: The name of the sequence with a number, counted from 0, that shows a scene.
    """

    write: Callable[[Path, str, Scene, Annotation], None]
    finish: Callable[[Path, list[str]], None]
    name: Callable[[int, Scene], str]


def render(layout: str, output: Path, *, seed: int = 0, sequences: Sequence[str] | None = None) -> list[str]:
    """Write the synthetic benchmark into an empty or new folder.

    Args:
        layout: A key of ``LAYOUTS``.
        output: The benchmark's own folder, what ``--data`` is to name afterwards.
        seed: Of the benchmark.
        sequences: Names of scenes to write; all twelve if None.

    Returns:
        The names the sequences have in the tree, in order.

    Raises:
        EvalkitError: No such layout or scene; the folder holds something; a file cannot be written.
    """
    if layout not in LAYOUTS:
        raise EvalkitError(f"no layout is named {layout!r}", where="--layout", expected=", ".join(LAYOUTS))
    known = [recipe.name for recipe in BENCHMARK]
    for wanted in sequences or ():
        if wanted not in known:
            raise EvalkitError(f"no scene is named {wanted!r}", where="--sequences", expected=", ".join(known))
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise EvalkitError("this is not an empty folder", where=output, hint="Name a new one with --output")
    form, names = LAYOUTS[layout], []
    try:
        for number, recipe in enumerate(BENCHMARK):
            if sequences is None or recipe.name in sequences:
                scene = benchmark(recipe, seed)
                names.append(form.name(number, scene))
                form.write(output, names[-1], scene, scene.annotation())
        form.finish(output, names)
    except OSError as error:
        raise EvalkitError(f"cannot write here: {error.strerror}", where=error.filename or output) from error
    return names


def _frames(scene: Scene, folder: Path, pattern: str, *, first: int = 1) -> None:
    folder.mkdir(parents=True)
    for index in range(scene.length):
        image = cv2.cvtColor(scene.frame(index), cv2.COLOR_RGB2BGR)
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        (folder / (pattern % (first + index))).write_bytes(data.tobytes())


def _rows(boxes: Boxes, number: str, *, origin: int = 0, missing: str = "0,0,0,0") -> str:
    """One line a box; ``number`` formats its values, ``missing`` stands for a NaN row."""
    shifted = boxes + np.array([origin, origin, 0, 0])
    lines = (missing if np.isnan(row).any() else ",".join(number % value for value in row) for row in shifted)
    return format_lines(lines)


def _values(flags: NDArray[np.generic]) -> str:
    return format_lines(int(flag) for flag in flags)


def _named(number: int, scene: Scene) -> str:
    return scene.name


def _write_otb(root: Path, name: str, scene: Scene, annotation: Annotation) -> None:
    _frames(scene, root / name / "img", "%04d.jpg")
    # OTB's files disagree about what stands between numbers; every third one has tabs here.
    text = _rows(annotation.boxes, "%.2f", origin=1)
    tabs = OTB_NAMES.index(name) % 3 == 2
    (root / name / "groundtruth_rect.txt").write_text(text.replace(",", "\t") if tabs else text, encoding="ascii")


def _write_vot(root: Path, name: str, scene: Scene, regions: str) -> None:
    place = root / name
    _frames(scene, place / "color", "%08d.jpg")
    (place / "groundtruth.txt").write_text(regions, encoding="ascii")
    width, height = scene.size
    facts = {
        "channels.color": "color/%08d.jpg", "format": "default", "fps": 30, "name": name,
        "length": scene.length, "width": width, "height": height,
    }  # fmt: skip
    (place / "sequence").write_text(format_lines(f"{key}={value}" for key, value in facts.items()), encoding="ascii")


def _write_tags(place: Path, annotation: Annotation) -> None:
    for tag in _TAGS:
        (place / f"{tag}.tag").write_text(_values(annotation.flags[tag]), encoding="ascii")


def _write_supervised(root: Path, name: str, scene: Scene, annotation: Annotation) -> None:
    corners = (scene.truth(index).polygon.ravel() for index in range(scene.length))
    _write_vot(root, name, scene, format_lines(",".join(f"{value:.3f}" for value in row) for row in corners))
    _write_tags(root / name, annotation)


def _write_multistart(root: Path, name: str, scene: Scene, annotation: Annotation) -> None:
    masks = (_mask(scene.truth(index).visible) for index in range(scene.length))
    _write_vot(root, name, scene, format_lines(format_record(mask) for mask in masks))
    _write_tags(root / name, annotation)
    (root / name / "anchor.value").write_text(_values(anchors(annotation)), encoding="ascii")


def _mask(visible: NDArray[np.bool_]) -> Mask:
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    if rows.size == 0:
        return Mask(np.zeros((1, 1), dtype=np.bool_))
    part = visible[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Mask(part, int(columns[0]), int(rows[0]))


def anchors(annotation: Annotation) -> NDArray[np.int64]:
    """Shape (N,): a start about every 50 frames where most of the target is seen, towards the longer end."""
    length = len(annotation.boxes)
    good = np.flatnonzero(annotation.flags["cover"] >= 6)
    values = np.zeros(length, dtype=np.int64)
    for wanted in range(0, length, _ANCHOR_DISTANCE):
        frame = int(good[np.abs(good - wanted).argmin()])
        values[frame] = 1 if length - frame > frame else -1
    return values


def _write_longterm(root: Path, name: str, scene: Scene, annotation: Annotation) -> None:
    _write_vot(root, name, scene, _rows(annotation.boxes, "%.3f", missing="nan,nan,nan,nan"))


def _list_names(root: Path, names: list[str]) -> None:
    (root / "list.txt").write_text(format_lines(names), encoding="ascii")


def _write_got10k(root: Path, name: str, scene: Scene, annotation: Annotation) -> None:
    place = root / "val" / name
    _frames(scene, place, "%08d.jpg")
    missing = ",".join(["0.0000"] * 4)
    (place / "groundtruth.txt").write_text(_rows(annotation.boxes, "%.4f", origin=1, missing=missing), encoding="ascii")
    for label, flag in (("absence", "absent"), ("cut_by_image", "cut_by_image"), ("cover", "cover")):
        (place / f"{label}.label").write_text(_values(annotation.flags[flag]), encoding="ascii")
    width, height = scene.size
    facts = {
        "url": "rendered", "begin": "00:00:00", "end": "00:00:04", "anno_fps": "30Hz", "object_class": scene.name,
        "motion_class": "moving", "major_class": "object", "root_class": "object", "motion_adverb": "smoothly",
        "resolution": f"({width}, {height})",
    }  # fmt: skip
    text = "[METAINFO]\n" + format_lines(f"{key}: {value}" for key, value in facts.items())
    (place / "meta_info.ini").write_text(text, encoding="ascii")


def _write_trackingnet(root: Path, name: str, scene: Scene, annotation: Annotation) -> None:
    # Half is the test split, whose files hold the first box only, half the training split with all of them.
    testing = TRACKINGNET_NAMES.index(name) < len(TRACKINGNET_NAMES) // 2
    part = root / ("TEST" if testing else "TRAIN_0")
    _frames(scene, part / "frames" / name, "%d.jpg", first=0)
    (part / "anno").mkdir(exist_ok=True)
    boxes = annotation.boxes[:1] if testing else annotation.boxes
    missing = ",".join(["0.00"] * 4)
    (part / "anno" / f"{name}.txt").write_text(_rows(boxes, "%.2f", missing=missing), encoding="ascii")


def _write_lasot(root: Path, name: str, scene: Scene, annotation: Annotation) -> None:
    place = root / name.rpartition("-")[0] / name
    _frames(scene, place / "img", "%08d.jpg")
    # Whole pixels, as LaSOT has them.
    (place / "groundtruth.txt").write_text(_rows(annotation.boxes.round(), "%d", origin=1), encoding="ascii")
    for flag in ("full_occlusion", "out_of_view"):
        text = ",".join(str(int(value)) for value in annotation.flags[flag])
        (place / f"{flag}.txt").write_text(text, encoding="ascii")
    (place / "nlp.txt").write_text(f"textured thing that shows {scene.name} over a textured ground", encoding="ascii")
    has = [_SAME_ATTRIBUTE.get(one, one) in scene.attributes for one in _LASOT_ATTRIBUTES]
    toolkit = root / "annos"
    for folder in (toolkit / "absent", toolkit / "att"):
        folder.mkdir(parents=True, exist_ok=True)
    (toolkit / f"{name}.txt").write_text((place / "groundtruth.txt").read_text(encoding="ascii"), encoding="ascii")
    absent = annotation.flags["full_occlusion"] | annotation.flags["out_of_view"]
    (toolkit / "absent" / f"{name}.txt").write_text(_values(absent), encoding="ascii")
    (toolkit / "att" / f"{name}.txt").write_text(",".join(str(int(one)) for one in has) + "\n", encoding="ascii")


def _finish_lasot(file: str) -> Callable[[Path, list[str]], None]:
    def finish(root: Path, names: list[str]) -> None:
        folder = root / "sequence_evaluation_config"
        folder.mkdir()
        # Like the toolkit's list, it ends without a line end.
        (folder / file).write_text("\n".join(names), encoding="ascii")

    return finish


LAYOUTS = {
    "otb": Layout(_write_otb, lambda root, names: None, lambda number, scene: OTB_NAMES[number]),
    "vot": Layout(_write_supervised, _list_names, _named),
    "vot-multistart": Layout(_write_multistart, _list_names, _named),
    "vot-longterm": Layout(_write_longterm, _list_names, _named),
    "got10k": Layout(
        _write_got10k,
        lambda root, names: _list_names(root / "val", names),
        lambda number, scene: f"GOT-10k_Val_{number + 1:06d}",
    ),
    "trackingnet": Layout(
        _write_trackingnet, lambda root, names: None, lambda number, scene: TRACKINGNET_NAMES[number]
    ),
    "lasot": Layout(_write_lasot, _finish_lasot("testing_set.txt"), lambda number, scene: f"{scene.name}-1"),
    "lasot-ext": Layout(_write_lasot, _finish_lasot("extension_test_set.txt"), lambda number, scene: f"{scene.name}-1"),
}
"""By the name that ``--layout`` takes."""
