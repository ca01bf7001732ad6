"""TOML files that people write: the configuration, suites of the regression gate, device files."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError, suggestion

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MAX_DEPTH = 32
_LARGEST_NUMBER = 1e300
_TYPE_NAMES = {
    bool: "true or false",
    dict: "a table",
    float: "a number",
    int: "an integer",
    list: "a list",
    str: "text in quotes",
}


class StrictTable:
    """A TOML table in which a key that the program does not read is an error.

    The caller reads every key that it knows, then calls ``reject_unknown_keys``. All methods raise ``EvalkitError``
    with the file, the table and the key where a value is missing or has the wrong type.

    Args:
        content: The table as ``tomllib`` returns it.
        where: The file and the table, for error messages.
        hint: What to do about an invalid table; the end of every error message.

    >>> table = StrictTable({"name": "mosse", "thread": 2}, "suite.toml")
    >>> table.require("name", str), table.get("threads", int, 1)
    ('mosse', 1)
    >>> table.reject_unknown_keys()
    Traceback (most recent call last):
        ...
    evalkit.errors.EvalkitError: suite.toml: unknown key 'thread'. Did you mean 'threads'? Valid keys: name, threads
    """

    def __init__(self, content: Mapping[str, Any], where: str, *, hint: str | None = None) -> None:
        self._unread = dict(content)
        self._valid_keys: list[str] = []
        self._where = where
        self._hint = hint

    def has(self, key: str, kind: type = object) -> bool:
        """Return whether an unread key exists with a value of that type."""
        return key in self._unread and isinstance(self._unread[key], kind)

    def get(self, key: str, kind: type, default: Any = None) -> Any:
        """Read the value of an optional key; an integer is accepted as a float, a boolean is not a number."""
        self._valid_keys.append(key)
        if key not in self._unread:
            return default
        value = self._unread.pop(key)
        accepted = (float, int) if kind is float else (kind,)
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            raise self.invalid(key, value, _TYPE_NAMES[kind])
        return value

    def require(self, key: str, kind: type) -> Any:
        """Read the value of a key that must be there."""
        if key not in self._unread:
            found = ", ".join(self._unread) or None
            raise EvalkitError(f"missing key {key!r}", where=self._where, found=found, hint=self._hint)
        return self.get(key, kind)

    def number(self, key: str, default: float = 0.0) -> float:
        """Read a finite number >= 0."""
        value = self.get(key, float, default)
        if not 0 <= value < _LARGEST_NUMBER:
            raise self.invalid(key, value, "a finite number that is not negative")
        return float(value)

    def names(self, key: str) -> tuple[str, ...] | None:
        """Read a list of at least one name; None where the key is missing."""
        value = self.get(key, list)
        if value is None:
            return None
        if not value or not all(isinstance(item, str) for item in value):
            raise self.invalid(key, value, "a list of names")
        return tuple(value)

    def all_numbers(self) -> dict[str, float]:
        """Read every key that is left as a finite number >= 0; for tables whose keys are not fixed."""
        return {key: self.number(key) for key in tuple(self._unread)}

    def all_texts(self) -> dict[str, str]:
        """Read every key that is left as text; for tables whose keys are not fixed."""
        return {key: self.get(key, str) for key in tuple(self._unread)}

    def table(self, key: str) -> StrictTable:
        """Read the table ``[key]``; an empty one where it is missing."""
        return StrictTable(self.get(key, dict, {}), f"{self._where} [{key}]", hint=self._hint)

    def tables(self, key: str) -> list[StrictTable]:
        """Read the tables ``[[key]]``, of which there must be at least one."""
        entries = self.get(key, list, [])
        if not entries or not all(isinstance(entry, dict) for entry in entries):
            raise EvalkitError(f"at least one [[{key}]] table is needed", where=self._where, hint=self._hint)
        return [
            StrictTable(entry, f"{self._where} [[{key}]] {number}", hint=self._hint)
            for number, entry in enumerate(entries, 1)
        ]

    def reject_unknown_keys(self) -> None:
        """Raise an error if a key was not read; the message lists the valid keys and suggests the nearest one."""
        if not self._unread:
            return
        unknown = list(self._unread)
        valid = f"Valid keys: {', '.join(sorted(set(self._valid_keys)))}"
        near = suggestion(unknown[0], self._valid_keys)
        raise EvalkitError(
            f"unknown key{'s' if len(unknown) > 1 else ''} {', '.join(map(repr, unknown))}", where=self._where,
            hint=f"{near} {valid}" if near else valid,
        )  # fmt: skip

    def invalid(self, key: str, value: object, expected: str) -> EvalkitError:
        """Return the error for a value that the caller cannot accept.

        Args:
            expected: The values that would be valid, e.g. "a list of names".
        """
        return EvalkitError(
            f"invalid value for {key}", where=self._where, found=f"{value!r:.80}", expected=expected, hint=self._hint
        )


def _check_depth(content: object) -> None:
    level = [content]
    for _ in range(_MAX_DEPTH):
        nested = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [item for items in nested for item in items]
    if level:
        raise ValueError(f"it is nested deeper than {_MAX_DEPTH} tables")


def load_table(path: Path, *, missing: str, hint: str) -> StrictTable:
    """Read a TOML file as a table.

    Args:
        missing: The error message where the file does not exist.
        hint: What to do about an invalid file; the end of every error message.

    Raises:
        EvalkitError: The file does not exist, cannot be read, or is not TOML.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        _check_depth(content)
    except FileNotFoundError:
        raise EvalkitError(missing, where=path, hint=hint) from None
    except OSError as error:
        raise EvalkitError(f"cannot read this file: {error.strerror}", where=path, hint=hint) from error
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise EvalkitError(f"not valid TOML: {error}", where=path, hint=hint) from error
    return StrictTable(content, str(path), hint=hint)
