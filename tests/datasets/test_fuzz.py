"""Damaged dataset files are reported as errors or read with the number of rows that they contain."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalkit import registry
from evalkit.errors import EvalkitError

ROWS = "10,10,5,5\n" * 3
# One undamaged sequence of three rows in each annotation form; each of its files is damaged in turn.
TREES = {
    "otb100": {"Deer.txt": "10,10,5,5\n" * 71},
    "vot2018": {
        "list.txt": "one\n", "one/groundtruth.txt": "0,0,4,0,4,4,0,4\n" * 3, "one/occlusion.tag": "0\n1\n0\n",
        "one/sequence": "fps=30\nwidth=64\nheight=48\n", "one/color/00000001.jpg": "x",
    },
    "vot2020": {"list.txt": "one\n", "one/groundtruth.txt": "m0,0,2,2,0,4\n" * 3, "one/anchor.value": "1\n0\n-1\n"},
    "vot2019": {"VOT2019.json": '{"book": {"gt_rect": [[1,2,3,4],[1,2,3,4],[1,2,3,4]], "occlusion": [0,1]}}'},
    "got10k-val": {
        "list.txt": "one\n", "one/groundtruth.txt": ROWS, "one/cover.label": "8\n8\n8\n",
        "one/absence.label": "0\n0\n0\n",
        "one/meta_info.ini": "[METAINFO]\nanno_fps: 10Hz\nresolution: (64, 48)\n",
    },
    "trackingnet-train": {"TRAIN_0/anno/one.txt": ROWS},
    "lasot-train": {
        "cat-2/groundtruth.txt": ROWS, "cat-2/full_occlusion.txt": "0,0,1", "cat-2/out_of_view.txt": "0,0,0",
        "cat-2/nlp.txt": "a cat",
    },
    "folder": {"groundtruth.txt": ROWS},
}  # fmt: skip
CASES = [(name, file) for name, files in TREES.items() for file in files]


def use(name: str, root: Path) -> list[int]:
    """Open a dataset, read all of it, and return the lengths of its sequences."""
    dataset = registry.dataset.find(name).build(root=root)
    lengths = []
    for sequence in dataset.sequences:
        assert all(len(flags) == len(sequence) for flags in sequence.flags.values())
        lengths.append(len(sequence))
        _ = sequence.size, sequence.region(0), sequence.meta
    return lengths


@pytest.mark.parametrize("name", TREES)
def test_the_undamaged_trees_are_read(name: str, tmp_path: Path) -> None:
    write(tmp_path, TREES[name])
    assert use(name, tmp_path) == [71 if name == "otb100" else 3]


def write(root: Path, files: dict[str, str]) -> None:
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)


DAMAGE = st.one_of(
    st.binary(max_size=60),
    st.text(alphabet="0123456789,.-nanNAm \t\r\n", max_size=60).map(str.encode),
    st.text(alphabet='[]{}",:0123456789gt_rectne', max_size=60).map(str.encode),
)


@pytest.mark.parametrize(("name", "file"), CASES)
@given(content=DAMAGE, keep=st.integers(0, 40), where=st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_an_error_or_read_with_the_rows_that_it_contains(
    name: str, file: str, content: bytes, keep: int, where: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("tree")
    write(root, TREES[name])
    intact = (root / file).read_bytes()
    damaged = intact[:keep] + content if where else content + intact[keep:]
    (root / file).write_bytes(damaged)
    try:
        lengths = use(name, root)
    except EvalkitError as error:
        assert str(error)
        return
    rows = TREES[name].get("one/groundtruth.txt") or ROWS
    if file.endswith("groundtruth.txt") or "anno/" in file:
        lines = damaged.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")
        assert lengths == [len(lines)]
    elif lengths and not file.endswith((".json", "list.txt", "Deer.txt")):
        assert lengths == [rows.count("\n")]
