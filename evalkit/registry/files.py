"""Load a function or class from a Python file that is named on the command line, ``path/to/file.py:Name``."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from evalkit.errors import EvalkitError, UnknownName, listed, suggestion


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
    name = f"evalkit_user_{path.resolve().stem}_{abs(hash(path.resolve())):x}"
    if name in sys.modules:
        return sys.modules[name]
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
    return module


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
