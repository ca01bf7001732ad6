"""Trackers, datasets and reports by name.

A decorated factory in a file of ``trackers/``, ``datasets/`` or ``reports/`` is all it takes to add one; installed
packages register through the entry-point groups ``evalkit.trackers``, ``evalkit.datasets`` and ``evalkit.reports``.
The files are imported by name when a name is first asked for: this is the only way the engine reaches them.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from evalkit.adapters import adapt
from evalkit.errors import EvalkitError, suggestion
from evalkit.types import Tracker

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Entry:
    """One registered factory.

    Attributes:
        name: As typed on the command line. A trailing colon marks a family, ``lighttrack:<variant>``.
        factory: Builds the thing; it receives, by keyword, those of the offered arguments that it names.
        summary: One line for ``evalkit list``.
        facts: What the registering file says about it besides (``aliases``, ``weights``, ``paper``, ...).
    """

    name: str
    factory: Callable[..., Any]
    summary: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def module(self) -> str:
        return str(self.factory.__module__)

    def build(self, **offered: Any) -> Any:
        """Call the factory with the offered arguments that its signature names."""
        wanted = inspect.signature(self.factory).parameters
        return self.factory(**{name: value for name, value in offered.items() if name in wanted})


class Registry:
    """Names of one kind of thing; names are matched without regard to case."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.package = f"evalkit.{kind}s"
        self._entries: dict[str, Entry] = {}
        self._aliases: dict[str, str] = {}
        self._discovered = False

    def __call__(self, name: str, *, summary: str, aliases: tuple[str, ...] = (), **facts: Any) -> Callable[[F], F]:
        """Register the decorated factory under ``name``.

        Raises:
            ValueError: The name or an alias is taken, by whom is said.
        """

        def register(factory: F) -> F:
            self.add(Entry(name, factory, summary, facts), aliases)
            return factory

        return register

    def add(self, entry: Entry, aliases: tuple[str, ...] = ()) -> None:
        for name in (entry.name, *aliases):
            key = name.casefold()
            taken = self._entries.get(self._aliases.get(key, key))
            if taken is not None:
                raise ValueError(
                    f"{self.kind} name {name!r} is registered by {taken.module} and again by {entry.module}"
                )
        self._entries[entry.name.casefold()] = entry
        self._aliases.update({alias.casefold(): entry.name.casefold() for alias in aliases})

    def names(self) -> list[str]:
        self._discover()
        return sorted(entry.name for entry in self._entries.values())

    def entries(self) -> Iterator[Entry]:
        self._discover()
        for key in sorted(self._entries):
            yield self._entries[key]

    def find(self, name: str) -> tuple[Entry, str | None]:
        """The entry for a name, and the variant after a family's colon.

        Raises:
            EvalkitError: Nothing has that name; near names are suggested.
        """
        self._discover()
        key = name.casefold()
        key = self._aliases.get(key, key)
        if key in self._entries and not key.endswith(":"):
            return self._entries[key], None
        family, colon, _ = key.partition(":")
        if colon and family + ":" in self._entries:
            return self._entries[family + ":"], name[len(family) + 1 :]
        raise EvalkitError(f"no {self.kind} is named {name!r}", hint=self._suggestion(key))

    def has_family(self, name: str) -> bool:
        """Whether what stands before the first colon of a name is a registered family."""
        self._discover()
        family, colon, _ = name.casefold().partition(":")
        return bool(colon) and family + ":" in self._entries

    def _suggestion(self, key: str) -> str:
        known = [name for name in (*self._entries, *self._aliases) if not name.endswith(":")]
        file = "A tracker in a file is named path/to/file.py:MyTracker" if ":" in key else None
        near = suggestion(key, known) or file
        listing = f"`evalkit list {self.kind}s` shows them all"
        return f"{near}{'' if near.endswith('?') else '.'} {listing}" if near else listing

    def _discover(self) -> None:
        if self._discovered:
            return
        self._discovered = True
        for module in _public_modules(self.package):
            importlib.import_module(module)
        for point in metadata.entry_points(group=self.package):
            try:
                point.load()
            except Exception as error:
                raise EvalkitError(
                    f"an installed package's {self.kind}s cannot be loaded: {type(error).__name__}: {error}",
                    where=f"{point.name} = {point.value}",
                    hint="Mend or uninstall that package",
                ) from error


def _public_modules(package: str) -> list[str]:
    directory = Path(__file__).parent / package.rpartition(".")[2]
    if directory.is_file():
        raise EvalkitError(
            "this checkout has no symbolic links (Windows, or a zip download)",
            where=directory,
            hint="Install with pip from git, or set core.symlinks=true and check out again",
        )
    return [
        f"{package}.{info.name}" for info in pkgutil.iter_modules([str(directory)]) if not info.name.startswith("_")
    ]


tracker = Registry("tracker")
dataset = Registry("dataset")
report = Registry("report")


def find_tracker(name: str) -> tuple[Entry, str | None]:
    """The entry for a registered name, or for ``path/to/file.py:Factory``.

    Raises:
        EvalkitError: The name, file or attribute does not exist, or the file fails while it is imported.
    """
    if tracker.has_family(name):  # before files: what follows its colon may be a file as well
        return tracker.find(name)
    path, separator, attribute = name.rpartition(":")
    if separator and path.endswith(".py"):
        return _entry_from_file(Path(path), attribute), None
    if name.endswith(".py"):
        raise EvalkitError("a file needs the name of the tracker in it", where=name, hint=f"Write {name}:MyTracker")
    return tracker.find(name)


def create_tracker(name: str, **offered: Any) -> Tracker:
    """Build a tracker by name.

    Args:
        name: A registered name, ``family:variant``, or ``path/to/file.py:Factory``.
        **offered: ``benchmark``, ``weights``, ``runtime``, ``device``, ``threads``, ``precision``, ``settings``,
            ``seed``; the factory receives those it names.

    Raises:
        EvalkitError: See ``find_tracker``; settings were given to a tracker that takes none; what was built is
            not a tracker.
    """
    entry, variant = find_tracker(name)
    settings = offered.get("settings")
    if settings and "settings" not in inspect.signature(entry.factory).parameters:
        raise EvalkitError(
            f"{name} has no settings", where="--set", found=", ".join(sorted(settings)), hint="Leave out --set"
        )
    built = _built(name, entry, variant=variant, **offered)
    adapted = adapt(built)
    if adapted is None:
        raise EvalkitError(
            "this is not a tracker", where=name, found=type(built).__name__,
            expected="an object with initialize(image, region) and update(image), or a got10k or pytracking tracker",
        )  # fmt: skip
    return adapted


def _built(name: str, entry: Entry, **offered: Any) -> Any:
    """What the factory makes; a stranger's that fails is the stranger's matter, one of evalkit's own is a defect."""
    try:
        return entry.build(**offered)
    except EvalkitError:
        raise
    except (Exception, SystemExit) as error:
        if entry.module.startswith(f"{tracker.package}."):
            raise
        line = _line_in(Path(str(entry.facts.get("file", ""))), error)
        known = ", ".join(key for key in offered if key != "variant")
        raise EvalkitError(
            f"building it fails with {type(error).__name__}: {error}", where=f"{name}{line and f' (line {line})'}",
            hint=f"A tracker is built without arguments, or with those of {known} that it names",
        ) from error  # fmt: skip


def _entry_from_file(path: Path, attribute: str) -> Entry:
    if not path.is_file():
        beside = [one.name for one in path.parent.glob("*.py")]
        raise EvalkitError(
            "no such file", where=path, found=", ".join(sorted(beside)[:8]) or f"no Python file in {path.parent}",
            hint=suggestion(path.name, beside) or "Give its path as seen from here",
        )  # fmt: skip
    module = _import_file(path)
    factory = getattr(module, attribute, None)
    if factory is None:
        own = [key for key, one in vars(module).items() if getattr(one, "__module__", None) == module.__name__]
        raise EvalkitError(
            f"nothing in it is named {attribute!r}", where=path, found=", ".join(own) or "no class",
            hint=suggestion(attribute, own) or f"Write {path}:{own[0] if own else 'MyTracker'}",
        )  # fmt: skip
    if not callable(factory):
        raise EvalkitError(
            f"{attribute} is not a class or function", where=path, found=type(factory).__name__,
            hint="Name the class of the tracker, or a function that builds it",
        )  # fmt: skip
    summary = (inspect.getdoc(factory) or "").partition("\n")[0]
    return Entry(attribute, factory, summary, {"file": str(path)})


def _import_file(path: Path) -> ModuleType:
    name = f"evalkit_user_{path.resolve().stem}_{abs(hash(path.resolve())):x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise EvalkitError("this file cannot be imported as Python", where=path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if (beside := str(path.resolve().parent)) not in sys.path:
        sys.path.insert(0, beside)  # as `python path` does, for the modules beside it
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        line = _line_in(path, error)
        raise EvalkitError(
            f"importing it fails with {type(error).__name__}: {error}", where=f"{path}{line and f':{line}'}",
            hint=_cure(path, error),
        ) from error  # fmt: skip
    return module


def _cure(path: Path, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"Install {error.name}, or start evalkit from the environment that has it"
    return f"`python {path}` shows the same"


def _line_in(path: Path, error: BaseException) -> str:
    """The last line of a file that an error passed through; nothing if none."""
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).resolve() == path.resolve():
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return str(lines[-1]) if lines else ""
