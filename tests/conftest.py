"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from headless_browser import Browser
from hypothesis import settings
from moving_square import tiny_dataset

from evalkit import registry
from evalkit.registry import DatasetEntry
from evalkit.types import Dataset

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Let tests interrupt the commands they start, also where the suite itself runs in a shell's background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of real weights, sequences, results and golden outputs; see CONTRIBUTING."""
    folder = Path(os.environ.get("EVALKIT_TEST_DATA") or HERE.parents[1] / "shared" / "data")
    if not folder.is_dir():
        reason = f"the test data is not at {folder}; set EVALKIT_TEST_DATA"
        if os.environ.get("EVALKIT_REQUIRE_TEST_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        reason = "chromium and chromedriver are not on the path; Debian: apt install chromium chromium-driver"
        if os.environ.get("EVALKIT_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with Browser(chromium, driver) as opened:
        yield opened


@pytest.fixture
def register_dataset() -> Iterator[Callable[[Dataset], None]]:
    """Register a dataset by its name, also in place of another one, until the test ends."""
    with ExitStack() as stack:

        def register(dataset: Dataset) -> None:
            entry = DatasetEntry(dataset.name, lambda: dataset, "moving squares")
            stack.enter_context(registry.dataset.temporarily(entry))

        yield register


@pytest.fixture
def tiny(register_dataset: Callable[[Dataset], None]) -> Dataset:
    """A registered dataset named ``tiny``; tests may register another one in its place."""
    dataset = tiny_dataset()
    register_dataset(dataset)
    return dataset
