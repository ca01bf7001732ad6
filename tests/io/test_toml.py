"""Tables of TOML files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.errors import EvalkitError
from evalkit.io.toml import StrictTable, load_table


def table(**content: Any) -> StrictTable:
    return StrictTable(content, "file.toml", hint="See the manual")


def test_values_are_read_with_their_type_and_missing_ones_are_the_default() -> None:
    read = table(name="mosse", count=2, share=0.5, whole=3, names=["a", "b"], inner={"x": 1})
    assert read.require("name", str) == "mosse"
    assert read.get("count", int, 1) == 2
    assert read.get("threads", int, 1) == 1
    assert (read.number("share"), read.number("whole"), read.number("margin", 0.1)) == (0.5, 3.0, 0.1)
    assert (read.names("names"), read.names("others")) == (("a", "b"), None)
    assert (read.has("inner"), read.has("inner", str), read.has("missing")) == (True, False, False)
    assert read.table("inner").get("x", int) == 1
    assert read.table("missing").all_texts() == {}
    read.reject_unknown_keys()


def test_tables_without_fixed_keys_are_read_whole() -> None:
    assert table(auc=0.1, ao=0).all_numbers() == {"auc": 0.1, "ao": 0.0}
    assert table(root="/data", otb100="/otb").all_texts() == {"root": "/data", "otb100": "/otb"}


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda one: one.get("value", str), "value for value (found 1, expected text in quotes). See the manual"),
        (lambda one: one.get("value", bool), "expected true or false"),
        (lambda one: one.get("flag", int), "invalid value for flag (found True, expected an integer)"),
        (lambda one: one.number("flag"), "invalid value for flag (found True, expected a number)"),
        (lambda one: one.number("negative"), "found -1, expected a finite number that is not negative"),
        (lambda one: one.number("nan"), "found nan, expected a finite number that is not negative"),
        (lambda one: one.names("empty"), "found [], expected a list of names"),
        (lambda one: one.table("value"), "invalid value for value (found 1, expected a table)"),
        (lambda one: one.tables("empty"), "at least one [[empty]] table is needed. See the manual"),
        (lambda one: one.tables("tables")[1].require("name", str), "file.toml [[tables]] 2: missing key 'name'"),
        (lambda one: one.tables("tables")[1].require("name", str), "(found nmae). See the manual"),
    ],
)  # fmt: skip
def test_an_invalid_value_is_named_with_file_table_and_key(read: Callable[[StrictTable], Any], message: str) -> None:
    content: dict[str, Any] = {"value": 1, "flag": True, "negative": -1, "nan": float("nan"), "empty": []}
    with pytest.raises(EvalkitError) as caught:
        read(table(**content, tables=[{"name": "a"}, {"nmae": "b"}]))
    assert message in str(caught.value)
    assert str(caught.value).startswith("file.toml")


def test_unknown_keys_are_errors_that_list_the_valid_ones() -> None:
    read = table(thread=1, colour="red")
    read.get("threads", int)
    read.get("device", str)
    with pytest.raises(EvalkitError) as caught:
        read.reject_unknown_keys()
    assert str(caught.value) == (
        "file.toml: unknown keys 'thread', 'colour'. Did you mean 'threads'? Valid keys: device, threads"
    )


def test_a_file_is_read_and_a_missing_or_damaged_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    with pytest.raises(EvalkitError, match=r"a\.toml: no such file here\. Write one"):
        load_table(path, missing="no such file here", hint="Write one")
    path.write_text("[inner]\nx = 1\n")
    assert load_table(path, missing="", hint="").table("inner").get("x", int) == 1
    path.write_text("[inner\n")
    with pytest.raises(EvalkitError, match=r"a\.toml: not valid TOML: .*\. Fix it"):
        load_table(path, missing="", hint="Fix it")
    with pytest.raises(EvalkitError, match="cannot read this file"):
        load_table(tmp_path, missing="", hint="")
