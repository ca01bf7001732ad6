"""Damaged result files in every layout give an error message or are read with the number of rows they have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.results import layouts
from evalkit.types import Annotation, FrameState, Sequence, Trajectory

SEQUENCE = Sequence("walk", lambda: Annotation(np.ones((3, 4))))
DAMAGE = st.one_of(
    st.binary(max_size=60),
    st.text(alphabet="0123456789,.-nan \t\r\n", max_size=60).map(str.encode),
    st.text(alphabet='[]{}",:0123456789restyp', max_size=60).map(str.encode),
)


def write(folder: Path, name: str) -> list[Path]:
    """Write a valid result in a layout and return its files."""
    states = np.array([FrameState.INITIALIZED, FrameState.TRACKED, FrameState.TRACKED], dtype=np.int8)
    confidence = np.array([np.nan, 0.5, 0.25])
    boxes = np.arange(12.0).reshape(3, 4)
    protocol = "supervised" if name.startswith("vot") else "one_pass"
    answer = Trajectory("mine", "walk", protocol, boxes, None, confidence, np.array([0.1, 0.2, 0.3]), states)
    layouts.writer(name).write(folder, answer)
    return sorted(path for path in folder.parent.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", registry.layout.names())
@given(content=DAMAGE, keep=st.integers(0, 300), where=st.booleans(), which=st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_a_damaged_file_is_an_error_or_read_as_it_is(
    name: str, content: bytes, keep: int, where: bool, which: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("results") / "mine"
    files = write(folder, name)
    path = files[which % len(files)]
    valid = path.read_bytes()
    path.write_bytes(valid[:keep] + content if where else content + valid[keep:])
    try:
        found = layouts.get(name).read(folder, SEQUENCE, "supervised" if name.startswith("vot") else "one_pass")
    except EvalkitError as error:
        assert "walk" in str(error)
        return
    for one in found:
        assert len(one.boxes) == len(one.seconds) == len(one.confidence) == len(one.states)
        if (
            path.suffix == ".txt"
            and path.stem in ("walk", "walk_001")
            and path.parent.name not in ("times", "confidence")
        ):
            text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
            assert len(one) == len(text.strip().split("\n")) or not text.strip()
        elif path.suffix == ".txt" or path.suffix == ".value":
            assert len(one) == 3
