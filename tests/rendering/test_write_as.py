"""Rendered datasets, read by the loaders of the benchmarks whose layout they have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.rendering import layout_names, write_as
from evalkit.rendering.fixed_point import RandomStream
from evalkit.rendering.recipes import BENCHMARK, Recipe, build_scene
from evalkit.rendering.scene import Scene
from evalkit.rendering.write_as import LAYOUTS, anchors, write_dataset
from evalkit.types import Dataset, Mask, Polygon

# layout, dataset, folder the tree is rendered into, coordinate of the first pixel, digits of a box's rounding error
CASES = (
    ("otb", "otb100", "OTB", 1, 0.005),
    ("vot", "vot2018", "VOT2018", 0, 0.0005),
    ("vot-multistart", "vot2020", "VOT2020", 0, None),
    ("vot-longterm", "vot2018-lt", "VOT2018-LT", 0, 0.0005),
    ("got10k", "got10k-val", "GOT-10k", 1, 0.00005),
    ("trackingnet", "trackingnet-train", "TrackingNet", 0, 0.005),
    ("lasot", "lasot", "LaSOT", 1, 0.5),
    ("lasot-ext", "lasot-ext", "LaSOT-ext", 0, None),
)


def small(recipe: Recipe, seed: int = 0) -> Scene:
    """The scene of a recipe in tiny frames, which are written quickly."""
    values = {**vars(recipe), "size": (64, 48), "magnify": 25, "length": 12, "clutter": 0, "camera": 0, "period": 24}
    return build_scene(Recipe(**values), RandomStream("small", seed, recipe.name))


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(write_as, "benchmark_scene", small)
    return tmp_path


def load(name: str, root: Path) -> Dataset:
    found: Dataset = registry.dataset.find(name).build(root=root)
    return found


@pytest.mark.parametrize(("layout", "name", "folder", "origin", "error"), CASES, ids=[case[0] for case in CASES])
def test_a_loader_reads_back_the_boxes_and_frames(
    tree: Path, layout: str, name: str, folder: str, origin: int, error: float | None
) -> None:
    names = write_dataset(layout, tree / folder, sequences=[recipe.name for recipe in BENCHMARK[4:8]])
    read = load(name, tree)
    for recipe, own in zip(BENCHMARK[4:8], names, strict=True):
        if layout == "trackingnet" and not (tree / folder / "TRAIN_0" / "anno" / f"{own}.txt").exists():
            continue
        scene, sequence = small(recipe), read.sequence(own)
        assert len(sequence) == len(sequence.frames or ()) == 12
        image = (sequence.frames or [])[3].astype(int)  # type: ignore[index]
        assert np.abs(image - scene.frame(3)).mean() < 12
        if error is not None and layout != "vot":
            boxes = scene.annotation().boxes
            seen = ~np.isnan(boxes).any(axis=1)
            shift = np.array([origin, origin, 0, 0])
            np.testing.assert_allclose(sequence.groundtruth[seen], boxes[seen] + shift, atol=error + 1e-9)


def test_got10k_labels_equal_the_flags(tree: Path) -> None:
    write_dataset("got10k", tree / "GOT-10k", sequences=["leaving"])
    sequence = load("got10k-val", tree).sequences[0]
    wanted = small(BENCHMARK[5]).annotation().flags
    for flag in ("absent", "cover", "cut_by_image"):
        np.testing.assert_array_equal(sequence.flags[flag], wanted[flag], err_msg=flag)


def test_vot_polygons_and_tags_are_read_back(tree: Path) -> None:
    write_dataset("vot", tree / "VOT2018", sequences=["rotation"])
    sequence, scene = load("vot2018", tree).sequences[0], small(BENCHMARK[2])
    region = sequence.region(5)
    assert isinstance(region, Polygon)
    np.testing.assert_allclose(region.points, scene.truth(5).polygon, atol=0.0006)
    np.testing.assert_array_equal(sequence.flags["size_change"], scene.annotation().flags["size_change"])


def test_multistart_masks_are_the_visible_pixels_and_anchors_are_read_back(tree: Path) -> None:
    write_dataset("vot-multistart", tree / "VOT2020", sequences=["occlusion"])
    sequence, scene = load("vot2020", tree).sequences[0], small(BENCHMARK[4])
    mask = sequence.region(4)
    assert isinstance(mask, Mask)
    assert mask.bitmap.sum() == scene.truth(4).visible.sum()
    np.testing.assert_array_equal(sequence.annotation.anchors, anchors(scene.annotation()))
    assert (np.flatnonzero(sequence.annotation.anchors) >= 0).any()


def test_an_absent_target_is_nan_in_the_long_term_layout(tree: Path) -> None:
    write_dataset("vot-longterm", tree / "VOT2018-LT", sequences=["leaving"])
    read = load("vot2018-lt", tree).sequences[0].groundtruth
    np.testing.assert_array_equal(np.isnan(read[:, 0]), small(BENCHMARK[5]).annotation().flags["absent"])


def test_lasot_s_toolkit_and_folders_agree(tree: Path) -> None:
    write_dataset("lasot", tree / "LaSOT", sequences=["scale", "leaving"])
    read = load("lasot", tree)
    assert read.expected == ("scale-1", "leaving-1")
    assert "SV" in read.sequences[0].attributes
    assert read.sequences[1].flags["absent"].sum() == small(BENCHMARK[5]).annotation().flags["absent"].sum()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_that_is_not_empty_is_refused(tree: Path, layout: str) -> None:
    (tree / "mine.txt").write_text("precious")
    with pytest.raises(EvalkitError, match="not an empty folder"):
        write_dataset(layout, tree)
    assert (tree / "mine.txt").read_text() == "precious"


def test_every_name_has_a_layout() -> None:
    assert tuple(LAYOUTS) == layout_names.NAMES


def test_unknown_layouts_and_scenes_are_named(tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match="no layout is named 'coco'"):
        write_dataset("coco", tmp_path / "new")
    with pytest.raises(EvalkitError, match="no scene is named 'sale'"):
        write_dataset("otb", tmp_path / "new", sequences=["sale"])
