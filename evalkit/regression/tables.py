"""TOML tables of a suite, taken apart so that nothing in them is passed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import EvalkitError, suggestion

EXAMPLE = 'A suite is a TOML file with [[tracker]] and [[dataset]] tables, each with a name, e.g. name = "mosse"'


class Table:
    """A TOML table that is taken apart key by key, so that what nobody took is a mistake.

    Args:
        content: As TOML gives it.
        where: File and table, named in complaints; every method complains with an ``EvalkitError``.
    """

    def __init__(self, content: Mapping[str, Any], where: str) -> None:
        self._left = dict(content)
        self._known: list[str] = []
        self._where = where

    def holds(self, key: str, kind: type = object) -> bool:
        """Whether a key is there, with a value of that kind."""
        return key in self._left and isinstance(self._left[key], kind)

    def take(self, key: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        """The value of a key, or the default; ``bool`` is no ``int`` here."""
        self._known.append(key)
        value = self._left.pop(key, default)
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wrong_bool = isinstance(value, bool) and bool not in kinds
        if value is not default and (wrong_bool or not isinstance(value, kinds)):
            names = " or ".join(one.__name__ for one in kinds)
            raise EvalkitError(
                f"{key} has the wrong kind of value", where=self._where, found=repr(value), expected=names
            )
        return value

    def demand(self, key: str, kind: type) -> Any:
        """The value of a key that must be there."""
        value = self.take(key, kind)
        if value is None:
            raise EvalkitError(f"{key} is missing", where=self._where, hint=EXAMPLE)
        return value

    def number(self, key: str, default: float = 0.0) -> float:
        """A finite number that is not negative."""
        value = self.take(key, (float, int), default)
        if not 0 <= value < float("inf"):
            raise EvalkitError(f"{key} cannot be negative or infinite", where=self._where, found=value)
        return float(value)

    def numbers(self) -> dict[str, float]:
        """All keys that are left, each with its number."""
        return {key: self.number(key) for key in tuple(self._left)}

    def strings(self, key: str) -> tuple[str, ...] | None:
        """A list of names with at least one in it; None where the key is missing."""
        value = self.take(key, list)
        if value is not None and (not value or not all(isinstance(item, str) for item in value)):
            raise EvalkitError(f"{key} must be a list of names", where=self._where, found=repr(value))
        return None if value is None else tuple(value)

    def table(self, key: str) -> Table:
        """The table of that name, empty where there is none."""
        return Table(self.take(key, dict, {}), f"{self._where} [{key}]")

    def tables(self, key: str) -> list[Table]:
        """The tables of that name, at least one."""
        entries = self.take(key, list, [])
        if not entries or not all(isinstance(entry, dict) for entry in entries):
            raise EvalkitError(f"a suite needs at least one [[{key}]]", where=self._where, hint=EXAMPLE)
        return [Table(entry, f"{self._where} [[{key}]] {number}") for number, entry in enumerate(entries, 1)]

    def finish(self) -> None:
        """Refuse what nobody took."""
        if self._left:
            key = next(iter(self._left))
            hint = suggestion(key, self._known) or f"Known here: {', '.join(self._known)}"
            raise EvalkitError(f"{key!r} is not understood", where=self._where, hint=hint)
