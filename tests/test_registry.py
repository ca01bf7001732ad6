from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evalkit import factories, registry
from evalkit.errors import EvalkitError
from evalkit.registry import Entry, Registry
from evalkit.registry.entries import TrackerEntry

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


def nothing() -> Registry[Entry]:
    things = Registry("nothing", Entry, package="evalkit.nothing")
    things._discovered = True
    return things


def test_a_factory_receives_what_it_names_and_nothing_else() -> None:
    things = nothing()

    @things("one", summary="takes one", aliases=("uno",))
    def one(benchmark: str) -> str:
        return f"for {benchmark}"

    entry, variant = things.find_variant("UNO")
    assert variant is None
    assert entry.build(benchmark="otb100", device="cpu") == "for otb100"


def test_a_name_registered_twice_is_an_error_naming_both() -> None:
    things = nothing()
    things("one", summary="")(len)
    with pytest.raises(ValueError, match=r"'One' is registered by builtins and again by builtins"):
        things("One", summary="")(repr)


def test_a_misspelt_field_of_a_registration_is_an_error() -> None:
    trackers = Registry("tracker", TrackerEntry, package="evalkit.nothing")
    with pytest.raises(TypeError, match="determinstic"):
        trackers("one", summary="", determinstic=False)(len)
    trackers("one", summary="", deterministic=False)(len)
    trackers._discovered = True
    assert not trackers.find("one").deterministic


def test_a_misspelt_field_in_a_file_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "typo.py"
    path.write_text(
        "from evalkit import registry\n@registry.tracker('typo', summary='', determinstic=False)\nclass T: ...\n"
    )
    with pytest.raises(EvalkitError, match=r"typo\.py:2: .*unexpected keyword argument 'determinstic'"):
        factories.create_tracker(f"{path}:T")


def test_entries_can_be_registered_for_a_while() -> None:
    things = nothing()
    things("one", summary="first")(len)
    with things.temporarily(Entry("one", repr, "second"), Entry("two", repr, "")):
        assert (things.find("one").summary, things.names()) == ("second", ["one", "two"])
    assert (things.find("one").summary, things.names()) == ("first", ["one"])


def test_what_must_be_registered_cannot_be_a_plain_function_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "profile.py"
    path.write_text("def mine(evaluation):\n    return []\n")
    with pytest.raises(EvalkitError, match=r"mine is not registered as a profile.*@registry\.profile"):
        registry.profile.find(f"{path}:mine")


def test_a_dataset_in_a_file_is_opened_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "parking.py"
    path.write_text(
        "from evalkit.types import Dataset\n"
        "def parking(root):\n"
        "    return Dataset('parking', 'PARKING', '1', 0, (), (), ('one_pass',), ('otb-matlab',), 'plain', root=root)\n"
    )
    dataset = factories.open_dataset(f"{path}:parking", tmp_path)
    assert (dataset.name, dataset.root) == ("parking", tmp_path)


def test_an_alias_cannot_take_a_name() -> None:
    things = nothing()
    things("one", summary="")(len)
    with pytest.raises(ValueError, match="'one' is registered"):
        things("two", summary="", aliases=("one",))(repr)


def test_a_family_hands_over_its_variant_with_case() -> None:
    things = nothing()
    things("family:", summary="")(len)
    assert things.find_variant("Family:Back_04")[1] == "Back_04"
    with pytest.raises(EvalkitError):
        things.find("family")


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(EvalkitError, match=r"no tracker is named 'mose'\. Did you mean 'mosse'\?"):
        factories.create_tracker("mose")


def test_a_tracker_in_a_file_needs_no_package(file: Path) -> None:
    tracker = factories.create_tracker(f"{file}:Still", settings={"a": "1"}, device="cpu")
    assert tracker.settings == {"a": "1"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("{file}", "Write .*:MyTracker"),
        ("{file}:Missing", "does not define 'Missing'.*Still"),
        ("{file}:number", "not a class"),
        ("{file}:NoTracker", "not a tracker"),
        ("gone.py:X", "no such file"),
    ],
)
def test_a_wrong_file_reference_is_explained(file: Path, name: str, complaint: str) -> None:
    with pytest.raises(EvalkitError, match=complaint):
        factories.create_tracker(name.format(file=file))


def test_a_file_that_fails_to_import_is_named_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("x = 1\nimport a_module_that_is_not_there\n")
    with pytest.raises(EvalkitError, match=r"broken\.py:2: .*ModuleNotFoundError"):
        factories.create_tracker(f"{path}:T")


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
    assert factories.create_tracker(f"{tmp_path / 'mine.py'}:Mine").card == {"step": 3}  # type: ignore[attr-defined]


def test_settings_for_a_tracker_without_any_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "plain.py"
    path.write_text(GOOD.replace("settings=None", "").replace("self.settings = settings", "pass"))
    with pytest.raises(EvalkitError, match="has no settings"):
        factories.create_tracker(f"{path}:Still", settings={"a": "1"})


def test_threads_that_ask_at_the_same_time_all_get_every_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh: Registry[TrackerEntry] = Registry("tracker", TrackerEntry, package="evalkit.trackers")
    asked = threading.Barrier(4)

    def import_slowly(module: str) -> None:
        if not fresh._entries:
            time.sleep(0.2)
            fresh.add(TrackerEntry("last", lambda: None, "registered by the last module"))

    monkeypatch.setattr("evalkit.registry.registry.importlib.import_module", import_slowly)

    def find(_: int) -> str:
        asked.wait()
        return fresh.find("last").name

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(find, range(4))) == ["last"] * 4
