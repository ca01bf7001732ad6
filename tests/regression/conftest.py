"""A dataset that takes milliseconds to track, and suites that use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from moving_square import moving_square, tiny_dataset

from evalkit.types import Dataset

HERE = Path(__file__).parent
TOYS = HERE / "toys.py"

WriteSuite = Callable[..., Path]


@pytest.fixture
def squares(register_dataset: Callable[[Dataset], None]) -> Dataset:
    """Register eight sequences of twenty frames as ``tiny``."""
    dataset = tiny_dataset(*(moving_square(f"square-{index}", 20) for index in range(8)))
    register_dataset(dataset)
    return dataset


@pytest.fixture
def write_suite(tmp_path: Path) -> WriteSuite:
    """Return a function that writes a suite of one toy tracker; all suites share one baseline."""

    def write(
        name: str = "suite",
        *,
        tracker: str = "Mover",
        settings: Mapping[str, float | str] | None = None,
        latency: str = "false",
        accuracy: str = "{auc = 0.005}",
        more: str = "",
        dataset: str = "tiny",
        sequences: str = "",
    ) -> Path:
        path = tmp_path / f"{name}.toml"
        table = ", ".join(f'{key} = "{value}"' for key, value in (settings or {}).items())
        path.write_text(
            f'baseline = "baseline.json"\n[gates]\nlatency = {latency}\naccuracy = {accuracy}\n'
            f'[[tracker]]\nname = "{TOYS}:{tracker}"\nlabel = "toy"\nsettings = {{{table}}}\n{more}\n'
            f'[[dataset]]\nname = "{dataset}"\n{sequences}\n',
            encoding="utf-8",
        )
        return path

    return write
