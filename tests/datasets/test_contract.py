"""Requirements for every registered dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit import protocols, registry
from evalkit.errors import EvalkitError
from evalkit.rendering import write_as as trees
from evalkit.results import layouts
from evalkit.results.layouts import WritableLayout

pytestmark = pytest.mark.contract

README = Path(__file__).resolve().parents[2] / "datasets" / "README.md"
FILES = [entry for entry in registry.dataset.entries() if entry.name != "synthetic"]


@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry.name)
def test_no_folder_and_an_empty_one_are_evalkit_errors(entry: registry.Entry, tmp_path: Path) -> None:
    with pytest.raises(EvalkitError, match="--data"):
        entry.build(root=None)
    with pytest.raises(EvalkitError, match=str(tmp_path)):
        entry.build(root=tmp_path)
    with pytest.raises(EvalkitError):
        entry.build(root=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        ("otb", "otb100"), ("vot", "vot2016"), ("vot", "vot2018"), ("vot", "vot2019"), ("vot-multistart", "vot2020"),
        ("vot-multistart", "vot2022-stb"), ("vot-longterm", "vot2018-lt"), ("got10k", "got10k-val"),
        ("trackingnet", "trackingnet-train"), ("lasot", "lasot"), ("lasot-ext", "lasot-ext"),
    ],
)  # fmt: skip
def test_a_rendered_tree_opens_with_names_that_exist(
    layout: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evalkit.rendering.fixed_point import RandomStream
    from evalkit.rendering.recipes import Recipe, build_scene

    def small(recipe: Recipe, seed: int = 0) -> object:
        changes = {"size": (64, 48), "magnify": 25, "length": 6, "clutter": 0, "camera": 0, "period": 24}
        return build_scene(Recipe(**{**vars(recipe), **changes}), RandomStream("small", seed, recipe.name))

    monkeypatch.setattr(trees, "benchmark_scene", small)
    trees.write_dataset(layout, tmp_path / "tree", sequences=["scale", "blur"])
    dataset = registry.dataset.find(name).build(root=tmp_path / "tree")
    assert dataset.name == name
    assert {sequence.name for sequence in dataset.sequences} <= set(dataset.expected)
    assert all(protocols.get(protocol) for protocol in dataset.protocols)
    assert isinstance(layouts.get(dataset.layout), WritableLayout)
    scored = {protocol for profile in dataset.profiles for protocol in registry.profile.find(profile).protocols}
    assert dataset.protocols[0] in scored
    for sequence in dataset.sequences:
        assert sequence.frames is not None and len(sequence.frames) == len(sequence) == 6
        assert sequence.frames[5].shape == (48, 64, 3)
        assert all(len(flags) == 6 for flags in sequence.flags.values())


def test_the_readme_lists_every_registered_benchmark_with_its_summary() -> None:
    text = README.read_text(encoding="utf-8")
    expected = [f"| `{entry.name}` | {entry.summary} |" for entry in registry.dataset.entries()]
    assert [line for line in text.splitlines() if line in expected] == expected


def test_the_readme_names_every_file() -> None:
    text = README.read_text(encoding="utf-8")
    for path in README.parent.iterdir():
        if path.name not in ("README.md", "__pycache__"):
            assert path.name in text, path.name
