from __future__ import annotations

import sys
from pathlib import Path

import pytest

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.registry import Registry

GOOD = '''
from evalkit.types import Prediction

class Still:
    """Says nothing."""
    def __init__(self, settings=None):
        self.settings = settings
    def initialize(self, image, region):
        self.region = region
    def update(self, image):
        return Prediction(self.region)

class NoTracker:
    pass

number = 3
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(GOOD)
    return path


def test_a_factory_receives_what_it_names_and_nothing_else() -> None:
    things = Registry("nothing")
    things._discovered = True

    @things("one", summary="takes one", aliases=("uno",))
    def one(benchmark: str) -> str:
        return f"for {benchmark}"

    entry, variant = things.find("UNO")
    assert variant is None
    assert entry.build(benchmark="otb100", device="cpu") == "for otb100"


def test_a_name_registered_twice_is_an_error_naming_both() -> None:
    things = Registry("nothing")
    things("one", summary="")(len)
    with pytest.raises(ValueError, match=r"'One' is registered by builtins and again by builtins"):
        things("One", summary="")(repr)


def test_an_alias_cannot_take_a_name() -> None:
    things = Registry("nothing")
    things("one", summary="")(len)
    with pytest.raises(ValueError, match="'one' is registered"):
        things("two", summary="", aliases=("one",))(repr)


def test_a_family_hands_over_its_variant_with_case() -> None:
    things = Registry("nothing")
    things._discovered = True
    things("family:", summary="")(len)
    assert things.find("Family:Back_04")[1] == "Back_04"
    with pytest.raises(EvalkitError):
        things.find("family")


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(EvalkitError, match=r"no tracker is named 'mose'\. Did you mean 'mosse'\?"):
        registry.create_tracker("mose")


def test_a_tracker_in_a_file_needs_no_package(file: Path) -> None:
    tracker = registry.create_tracker(f"{file}:Still", settings={"a": "1"}, device="cpu")
    assert tracker.settings == {"a": "1"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("{file}", "Write .*:MyTracker"),
        ("{file}:Missing", "nothing in it is named 'Missing'.*Still"),
        ("{file}:number", "not a class"),
        ("{file}:NoTracker", "not a tracker"),
        ("gone.py:X", "no such file"),
    ],
)
def test_a_wrong_file_reference_is_explained(file: Path, name: str, complaint: str) -> None:
    with pytest.raises(EvalkitError, match=complaint):
        registry.create_tracker(name.format(file=file))


def test_a_file_that_fails_to_import_is_named_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("x = 1\nimport a_module_that_is_not_there\n")
    with pytest.raises(EvalkitError, match=r"broken\.py:2: .*ModuleNotFoundError"):
        registry.create_tracker(f"{path}:T")


def test_a_file_finds_the_modules_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "my_network_beside.py").write_text("STEP = 3\n")
    (tmp_path / "mine.py").write_text(
        "from my_network_beside import STEP\n"
        "class Mine:\n"
        "    card = {'step': STEP}\n"
        "    def initialize(self, image, region): ...\n"
        "    def update(self, image): ...\n"
    )
    assert registry.create_tracker(f"{tmp_path / 'mine.py'}:Mine").card == {"step": 3}  # type: ignore[attr-defined]


def test_settings_for_a_tracker_without_any_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "plain.py"
    path.write_text(GOOD.replace("settings=None", "").replace("self.settings = settings", "pass"))
    with pytest.raises(EvalkitError, match="has no settings"):
        registry.create_tracker(f"{path}:Still", settings={"a": "1"})
