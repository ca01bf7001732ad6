from __future__ import annotations

from pathlib import Path

import pytest

from evalkit import config
from evalkit.errors import EvalkitError


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder and a home without any configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("EVALKIT_DATA", raising=False)
    return tmp_path


def test_nobody_named_a_folder() -> None:
    assert config.data_root("otb100", None) is None


def test_the_option_wins_then_the_environment_then_the_file(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("option", "environment", "one", "all"):
        (alone / name).mkdir()
    (alone / "evalkit.toml").write_text('[data]\nroot = "all"\notb100 = "one"\n')
    assert config.data_root("lasot", None) == Path("all")
    assert config.data_root("otb100", None) == Path("one")
    monkeypatch.setenv("EVALKIT_DATA", "environment")
    assert config.data_root("otb100", None) == Path("environment")
    assert config.data_root("otb100", Path("option")) == Path("option")


def test_a_folder_that_is_not_there_is_traced_to_who_named_it(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (alone / "evalkit.toml").write_text('[data]\notb100 = "gone"\n')
    with pytest.raises(EvalkitError, match=r"\[data\] otb100 in evalkit\.toml gone: no such folder"):
        config.data_root("otb100", None)
    monkeypatch.setenv("EVALKIT_DATA", "nowhere")
    with pytest.raises(EvalkitError, match=r"\$EVALKIT_DATA nowhere"):
        config.data_root("otb100", None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[data", ": not valid TOML"),
        ("data = 3", ": invalid value for data .found 3, expected a table"),
        ("[data]\nroot = 7", r" \[data\]: invalid value for root .found 7, expected text in quotes"),
        ("[dat]\nroot = 'a'", ": unknown key 'dat'. Did you mean 'data'"),
    ],
)
def test_an_invalid_file_is_named(alone: Path, text: str, message: str) -> None:
    (alone / "evalkit.toml").write_text(text)
    with pytest.raises(EvalkitError, match=f"evalkit.toml{message}"):
        config.load()


def test_the_projects_file_wins_over_the_users(alone: Path) -> None:
    config.create(user=True)
    user = alone / "home" / "evalkit" / "evalkit.toml"
    user.write_text('[data]\nroot = "user"\n')
    assert config.load()["data"]["root"] == "user"
    (alone / "evalkit.toml").write_text('[data]\nroot = "project"\n')
    assert config.load()["data"]["root"] == "project"


def test_a_new_file_is_valid_and_an_old_one_is_not_replaced_unasked(alone: Path) -> None:
    assert config.create() == Path("evalkit.toml")
    assert config.load() == {"data": {}}
    with pytest.raises(EvalkitError, match="--force"):
        config.create()
    config.create(force=True)


def test_the_cache_follows_the_environment(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALKIT_CACHE", str(alone / "c"))
    assert config.cache_folder() == alone / "c"
