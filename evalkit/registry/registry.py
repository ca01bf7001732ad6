"""A registry: named objects of one kind, from files of evalkit, installed packages, or a file given by its path."""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Generic, TypeVar

from evalkit.errors import EvalkitError, UnknownName, suggestion
from evalkit.registry.entries import Entry
from evalkit.registry.files import is_superseded, load_from_file, split_file_name

E = TypeVar("E", bound=Entry)
F = TypeVar("F", bound=Callable[..., Any])

_HOME = Path(__file__).resolve().parents[1]


class Registry(Generic[E]):
    """Entries of one kind by name; names are compared without regard to case.

    Calling the registry returns a decorator that registers a factory.

    Args:
        kind: Singular name of the kind, for messages.
        entry_type: Dataclass of its entries; its fields are the keyword arguments of the decorator.
        package: Package whose public modules register entries when they are imported.
        group: Group of entry points through which installed packages register entries.
        plain_factories: True where an undecorated function or class of a file can be used as ``path.py:Name``.
    """

    def __init__(
        self, kind: str, entry_type: type[E], *, package: str, group: str | None = None, plain_factories: bool = False
    ) -> None:
        self.kind = kind
        self.package = package
        self.group = group or f"evalkit.{kind}s"
        self._entry_type = entry_type
        self._plain_factories = plain_factories
        self._entries: dict[str, E] = {}
        self._aliases: dict[str, str] = {}
        self._discovered = False
        self._discovering = threading.RLock()

    def __call__(self, name: str, *, summary: str, aliases: tuple[str, ...] = (), **fields: Any) -> Callable[[F], F]:
        """Return a decorator that registers the decorated factory under ``name``.

        Args:
            **fields: The other fields of the entry type.

        Raises:
            TypeError: The entry type has no such field, or a required one is missing.
            ValueError: The name or an alias is taken; the message names the module that has it.
        """

        def register(factory: F) -> F:
            self.add(self._entry_type(name, factory, summary, aliases=aliases, **fields))
            return factory

        return register

    def add(self, entry: E) -> None:
        """Register an entry.

        Raises:
            ValueError: The name or an alias is taken; the message names the module that has it.
        """
        for name in (entry.name, *entry.aliases):
            key = name.casefold()
            taken = self._entries.get(self._aliases.get(key, key))
            if taken is not None and not is_superseded(taken.factory):
                raise ValueError(
                    f"{self.kind} name {name!r} is registered by {taken.module} and again by {entry.module}"
                )
        self._entries[entry.name.casefold()] = entry
        self._aliases.update({alias.casefold(): entry.name.casefold() for alias in entry.aliases})

    @contextmanager
    def temporarily(self, *entries: E, instead: bool = False) -> Iterator[None]:
        """Register entries, also in place of existing ones, until the context ends.

        Args:
            instead: Hide all other entries meanwhile.
        """
        self._discover()
        before = dict(self._entries), dict(self._aliases)
        try:
            if instead:
                self._entries.clear()
                self._aliases.clear()
            for entry in entries:
                self._entries.pop(entry.name.casefold(), None)
                self.add(entry)
            yield
        finally:
            self._entries, self._aliases = before

    def names(self) -> list[str]:
        """Return all registered names, sorted."""
        self._discover()
        return sorted(entry.name for entry in self._entries.values())

    def entries(self) -> Iterator[E]:
        """Yield all entries, sorted by name."""
        self._discover()
        for key in sorted(self._entries):
            yield self._entries[key]

    def find(self, name: str) -> E:
        """Return the entry for a name or for ``path/to/file.py:Name``.

        Raises:
            UnknownName: Nothing has that name; similar names are suggested.
            EvalkitError: The file or the name in it does not exist, or the file fails while it is imported.
        """
        return self.find_variant(name)[0]

    def find_variant(self, name: str) -> tuple[E, str | None]:
        """Return the entry for a name, and the variant that follows a family's colon (None without a family).

        Raises:
            EvalkitError: See ``find``.
        """
        if not self.has_family(name):  # before files: a file may follow a family's colon
            path, attribute = split_file_name(name, self.kind)
            if path is not None:
                return self._entry_from_file(path, attribute), None
            for entry in self._entries.values():
                suffix = getattr(entry, "file_suffix", "")
                if suffix and name.casefold().rpartition(":")[0].endswith(suffix):
                    return entry, name
        key = name.casefold()
        key = self._aliases.get(key, key)
        if key in self._entries and not key.endswith(":"):
            return self._entries[key], None
        family, colon, _ = key.partition(":")
        if colon and family + ":" in self._entries:
            return self._entries[family + ":"], name[len(family) + 1 :]
        raise UnknownName(f"no {self.kind} is named {name!r}", hint=self._suggestion(key))

    def has_family(self, name: str) -> bool:
        """Return whether the part of a name before its first colon is a registered family."""
        self._discover()
        family, colon, _ = name.casefold().partition(":")
        return bool(colon) and family + ":" in self._entries

    def is_builtin(self, entry: Entry) -> bool:
        """Return whether an entry is evalkit's own."""
        return entry.module.startswith(f"{self.package}.")

    def _entry_from_file(self, path: Path, attribute: str) -> E:
        factory = load_from_file(path, attribute, self.kind)
        for entry in self._entries.values():
            if entry.factory is factory:
                return entry
        if not self._plain_factories:
            raise EvalkitError(
                f"{attribute} is not registered as a {self.kind}", where=path,
                hint=f'Decorate it with @registry.{self.kind}("NAME", summary="...", ...)',
            )  # fmt: skip
        summary = (factory.__doc__ or "").strip().partition("\n")[0]
        return self._entry_type(attribute, factory, summary, file=path)

    def _suggestion(self, key: str) -> str:
        known = [name for name in (*self._entries, *self._aliases) if not name.endswith(":")]
        file = f"A {self.kind} in a file is named path/to/file.py:My{self.kind.title()}" if ":" in key else None
        near = suggestion(key, known) or file
        listing = f"`evalkit list {self.kind}s` shows them all"
        return f"{near}{'' if near.endswith('?') else '.'} {listing}" if near else listing

    def _discover(self) -> None:
        # Another thread waits until all entries are there; modules that ask while they are imported do not.
        with self._discovering:
            if not self._discovered:
                self._discovered = True
                self._import_all()

    def _import_all(self) -> None:
        for module in _public_modules(self.package):
            importlib.import_module(module)
        for point in metadata.entry_points(group=self.group):
            try:
                point.load()
            except Exception as error:
                raise EvalkitError(
                    f"the {self.kind}s of an installed package cannot be loaded: {type(error).__name__}: {error}",
                    where=f"{point.name} = {point.value}",
                    hint="Fix or uninstall that package",
                ) from error


def _public_modules(package: str) -> list[str]:
    directory = _HOME.joinpath(*package.split(".")[1:])
    if directory.is_file():
        raise EvalkitError(
            "this checkout has no symbolic links (Windows, or a zip download)",
            where=directory,
            hint="Install with pip from git, or set core.symlinks=true and check out again",
        )
    return [
        f"{package}.{info.name}"
        for info in pkgutil.iter_modules([str(directory)])
        if not info.name.startswith("_") and not info.ispkg
    ]
