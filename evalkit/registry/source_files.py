"""Find the files that a Python file or a script is made of: the modules of its own project, and the files it names.

Nothing is executed: imports and string constants are read from the syntax tree. Files of the standard library, of
installed packages and of evalkit are not part of a project.
"""

from __future__ import annotations

import ast
import re
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

WEIGHT_SUFFIXES = frozenset(
    {
        *(".pth", ".pt", ".tar", ".ckpt", ".onnx", ".safetensors", ".npz", ".npy", ".bin", ".pkl", ".h5", ".engine"),
        *(".tflite", ".pte", ".param", ".caffemodel", ".pb"),
    }
)
"""Suffixes of files of weights."""

DATA_SUFFIXES = WEIGHT_SUFFIXES | {".yaml", ".yml", ".json", ".toml", ".ini", ".cfg", ".xml", ".prototxt", ".mat"}
"""Suffixes of files that a tracker may read: weights and settings."""

_NAMED_SUFFIXES = DATA_SUFFIXES - {".json"}  # a file named in the source, which may be a log

SCRIPT_SUFFIXES = frozenset([".py", ".sh", ".bash", ".pl", ".rb", ".lua", ".m", ".js", ".r", ".jl"])
"""Suffixes of programs in interpreted languages."""

_PACKAGE = Path(__file__).resolve().parents[1]
_PLUGIN_FOLDERS = ("trackers", "datasets", "reports")  # symbolic links in a checkout
_SYSTEM_FOLDERS = tuple(
    Path(f"/{name}")
    for name in (
        *("proc", "sys", "dev", "etc", "run", "bin", "lib", "lib64"),
        *("usr/bin", "usr/lib", "usr/lib64", "usr/share", "usr/local/bin", "usr/local/lib"),
    )
)
_DYNAMIC = frozenset({"import_module", "__import__", "spec_from_file_location", "load_source", "run_path"})
_MODULE_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_FILE_NAME = re.compile(rb"[\w./~+-]+")
_LARGEST_SCRIPT = 1_000_000


def project_files(start: Path, further: Iterable[Path] = ()) -> list[Path]:
    """Return a file, the modules that it imports from its own project, and the files that they name, sorted.

    Names of files are string constants in Python, and words in other scripts; they are relative to the file that names
    them or to the current folder.

    Args:
        start: The file.
        further: Files that start the program together with it; modules next to them are found as well.
    """
    found: set[Path] = set()
    pending = [start.resolve()]
    folders = tuple(dict.fromkeys([start.resolve().parent, *(path.resolve().parent for path in further)]))
    while pending:
        path = pending.pop()
        if path in found:
            continue
        found.add(path)
        if path.suffix == ".py":
            pending += _of_python(path, folders)
        elif path == start.resolve() or path.suffix in SCRIPT_SUFFIXES:
            pending += _of_script(path)
    return sorted(found)


def loaded_project_files(start: Path) -> list[Path]:
    """Return the files of ``project_files`` of an imported file, with modules whose names are computed.

    These cannot be read from the source: where there are such imports, all loaded modules in the file's folder or below
    count, except installed ones.
    """
    found = project_files(start)
    if not _imports_by_computed_name(found):
        return found
    folder = start.resolve().parent
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    # Modules without a file may give a mere name, as torch._classes does.
    loaded = {Path(file).resolve() for file in files if file and Path(file).is_absolute()}
    near = {path for path in loaded if path.is_relative_to(folder) and path.is_file() and not is_installed(path)}
    return sorted({*found, *near})


def _imports_by_computed_name(paths: Iterable[Path]) -> bool:
    nodes = (node for path in paths if path.suffix == ".py" for node in ast.walk(_tree(path)))
    names = (getattr(node, "id", None) or getattr(node, "attr", None) for node in nodes)
    return not _DYNAMIC.isdisjoint(name for name in names if isinstance(name, str))


def is_installed(path: Path) -> bool:
    """Return whether a file is of the operating system, the standard library, an installed package or evalkit."""
    return any(path.is_relative_to(folder) for folder in (*_SYSTEM_FOLDERS, *library_folders()))


@cache
def library_folders() -> tuple[Path, ...]:
    """Return the folders of the standard library, of installed packages and of evalkit."""
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")]
    paths += [*site.getsitepackages(), site.getusersitepackages()]
    plugins = (_PACKAGE / name for name in _PLUGIN_FOLDERS)
    return tuple({place.resolve() for place in (*map(Path, paths), _PACKAGE, *plugins)})


def imported_files(source: str, folders: Iterable[Path]) -> list[Path]:
    """Return the files of the modules that a piece of Python code imports from folders, in the order of the code.

    >>> imported_files("import json", [Path("/nowhere")])
    []
    """
    places = [folder.resolve() for folder in folders]
    names = _imported_names(_parsed(source.encode()), Path.cwd() / "command")
    return list(dict.fromkeys(path for name in names for path in _module_files(name, places, None)))


def _of_python(path: Path, homes: tuple[Path, ...]) -> Iterator[Path]:
    tree = _tree(path)
    folders = [*homes, path.parent, _package_root(path), *_search_path()]
    own_package = _own_package(path)
    for name in _imported_names(tree, path):
        yield from _module_files(name, folders, own_package)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _named_file(node.value, (path.parent, *homes))
            if _MODULE_NAME.fullmatch(node.value) and "." in node.value:  # import_module("models.net")
                yield from _module_files(node.value, folders, own_package)


def _tree(path: Path) -> ast.Module:
    try:
        return _parsed(path.read_bytes())
    except OSError:
        return ast.Module([], [])


def _parsed(source: bytes) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _package_root(path: Path) -> Path:
    """Return the folder that contains a module's top-level package."""
    folder = path.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _own_package(path: Path) -> Path:
    """Return the folder of a module's top-level package; the module itself if it is in none."""
    root = _package_root(path)
    return root / path.relative_to(root).parts[0]


def _search_path() -> list[Path]:
    """Return the folders of ``sys.path`` that are a project's own."""
    folders = (Path(entry).resolve() for entry in sys.path)
    return [folder for folder in folders if folder.is_dir() and not is_installed(folder)]


def _imported_names(tree: ast.Module, path: Path) -> Iterator[str]:
    """Yield dotted names of modules, also of names that may be modules; relative ones are completed."""
    root = _package_root(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = [node.module] if node.module else []
            if node.level:
                folder = path.parents[node.level - 1] if node.level <= len(path.parents) else path.parent
                parts = [*(folder.relative_to(root).parts if folder.is_relative_to(root) else ()), *parts]
            yield ".".join(parts)
            yield from (".".join([*parts, alias.name]) for alias in node.names)


def _module_files(name: str, folders: Iterable[Path], own_package: Path | None) -> Iterator[Path]:
    """Yield the files of a module and of the packages that contain it, from the first folder that has it.

    Installed modules are left out, but for those of ``own_package``.
    """
    parts = name.split(".")
    for folder in dict.fromkeys(folders):
        found = [
            path
            for depth in range(1, len(parts) + 1)
            for path in _candidates(folder.joinpath(*parts[:depth]))
            if not is_installed(path) or (own_package is not None and path.is_relative_to(own_package))
        ]
        if found:
            yield from found
            return


def _candidates(module: Path) -> list[Path]:
    if not module.name:
        return []
    files = [module / "__init__.py", module.with_name(f"{module.name}.py")]
    if module.parent.is_dir() and module.name.isidentifier():
        files += [path for suffix in ("so", "pyd") for path in module.parent.glob(f"{module.name}.*{suffix}")]
    return [path.resolve() for path in files if path.is_file()]


def _named_file(name: str, folders: Iterable[Path]) -> Iterator[Path]:
    if len(name) > 255 or Path(name).suffix not in _NAMED_SUFFIXES:
        return
    for folder in (Path.cwd(), *folders):
        path = folder / expanded(name)
        if path.is_file() and not is_installed(path.resolve()):
            yield path.resolve()


def expanded(name: str) -> Path:
    """Return a path, with the home folder in place of a leading ``~/``; other leading ``~`` are a part of the name."""
    return Path(name).expanduser() if name.startswith("~/") else Path(name)


def _of_script(path: Path) -> Iterator[Path]:
    """Yield the scripts, weights and settings that a text file names; nothing for a binary file."""
    content = path.read_bytes() if path.stat().st_size <= _LARGEST_SCRIPT else b"\0"
    if b"\0" in content:
        return
    for word in {match.decode() for match in _FILE_NAME.findall(content)}:
        if Path(word).suffix not in _NAMED_SUFFIXES | SCRIPT_SUFFIXES:
            continue
        for folder in (Path.cwd(), path.parent):
            file = folder / expanded(word)
            if file.is_file() and not is_installed(file.resolve()):
                yield file.resolve()
