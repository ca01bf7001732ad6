"""Load a function or class from a Python file that is named on the command line, ``path/to/file.py:Name``."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from evalkit.errors import EvalkitError, UnknownName, listed, suggestion
from evalkit.registry.source_files import loaded_project_files

_PREFIX = "evalkit_user_"
"""Beginning of the names of modules that were imported from a path."""


def split_file_name(name: str, kind: str) -> tuple[Path | None, str]:
    """Split ``path/to/file.py:Name`` into path and name; the path is None where ``name`` does not name a file.

    Raises:
        EvalkitError: The file is named without the object in it.
    """
    path, separator, attribute = name.rpartition(":")
    if separator and path.endswith(".py"):
        return Path(path), attribute
    if name.endswith(".py"):
        raise EvalkitError(
            f"a file needs the name of the {kind} in it", where=name, hint=f"Write {name}:My{kind.title()}"
        )
    return None, name


def load_from_file(path: Path, attribute: str, kind: str) -> Callable[..., Any]:
    """Import a file and return the function or class of that name in it.

    Raises:
        EvalkitError: There is no such file, it fails while it is imported, or the name is not a class or function.
        UnknownName: The file does not define that name.
    """
    if not path.is_file():
        siblings = [one.name for one in path.parent.glob("*.py")]
        raise EvalkitError(
            "no such file", where=path, found=listed(sorted(siblings)) if siblings else f"no .py in {path.parent}",
            hint=suggestion(path.name, siblings) or "Give its path relative to the current folder",
        )  # fmt: skip
    module = _import_file(path)
    found = getattr(module, attribute, None)
    if found is None:
        own = [key for key, one in vars(module).items() if getattr(one, "__module__", None) == module.__name__]
        raise UnknownName(
            f"it does not define {attribute!r}", where=path, found=", ".join(own) or "no class",
            hint=suggestion(attribute, own) or f"Write {path}:{own[0] if own else f'My{kind.title()}'}",
        )  # fmt: skip
    if not callable(found):
        raise EvalkitError(
            f"{attribute} is not a class or function", where=path, found=type(found).__name__,
            hint=f"Name the class of the {kind}, or a function that builds it",
        )  # fmt: skip
    return found  # type: ignore[no-any-return]


def _import_file(path: Path) -> ModuleType:
    """Import a file; again if it, or a module of its project, was edited since this process imported it."""
    name = f"{_PREFIX}{path.resolve().stem}_{abs(hash(path.resolve())):x}"
    if name in sys.modules:
        if not _is_edited(name):
            return sys.modules[name]
        _forget(name)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise EvalkitError("this file cannot be imported as Python", where=path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if (folder := str(path.resolve().parent)) not in sys.path:
        sys.path.insert(0, folder)  # as `python path` does, for modules in the same folder
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        line = line_in_file(path, error)
        raise EvalkitError(
            f"importing it fails with {type(error).__name__}: {error}", where=f"{path}{line and f':{line}'}",
            hint=_remedy(path, error),
        ) from error  # fmt: skip
    sources = [one for one in loaded_project_files(path) if one.suffix == ".py"]
    _imported[name] = {one: one.read_bytes() for one in sources}
    return module


_imported: dict[str, dict[Path, bytes]] = {}
"""Content of the source files of each imported file's project, by name of its module."""


def _is_edited(name: str) -> bool:
    return any(not path.is_file() or path.read_bytes() != content for path, content in _imported[name].items())


def _forget(name: str) -> None:
    """Forget the modules of an imported file's project, so that they are imported again."""
    paths = {str(path) for path in _imported.pop(name)}
    for path in paths:  # Python compares times in whole seconds, and may take the bytecode of the former version
        Path(importlib.util.cache_from_source(path)).unlink(missing_ok=True)
    importlib.invalidate_caches()
    for key, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if key == name or (file and str(Path(file).resolve()) in paths):
            del sys.modules[key]


def is_superseded(factory: Callable[..., Any]) -> bool:
    """Return whether a function or class of a file given by its path is of a version that was imported before."""
    module = str(factory.__module__)
    return module.startswith(_PREFIX) and getattr(sys.modules.get(module), factory.__name__, None) is not factory


def _remedy(path: Path, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"Install {error.name}, or start evalkit from the environment that has it"
    return f"`python {path}` shows the same"


def line_in_file(path: Path, error: BaseException) -> str:
    """Return the last line of a file that an exception passed through; an empty string if there is none."""
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).resolve() == path.resolve():
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return str(lines[-1]) if lines else ""
