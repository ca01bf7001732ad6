"""The import direction between packages as a table, and the absence of import cycles."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A layer imports from lower layers; within a layer only what the second table allows.
LAYERS = (
    (
        "types",
        "errors",
        "names",
        "signals",
        "compiled",
        "geometry",
        "adapters",
        "registry",
        "io",
        "arguments",
        "dataframes",
        "progress",
    ),
    ("config", "factories", "rendering", "checkpoints", "metrics", "protocols", "results"),
    ("runtimes", "cost"),
    ("engine",),
    ("stored", "infer_dataset"),
    ("scoring",),
    ("score_report",),
    ("comparison", "search"),
    ("plot",),
    ("trackers", "datasets", "reports"),
    ("regression", "run_diff", "doctor", "data_check", "running", "own_video", "api"),
    ("cli",),
)
WITHIN_A_LAYER = {
    ("protocols", "metrics"),  # the supervised protocol resets at zero overlap, by VOT's own rule
    ("checkpoints", "config"),  # the cache folder
    ("results", "config"),  # the cache folder
    ("comparison", "search"),  # a report shows searches
    ("cost", "runtimes"),  # latency is that of a runtime
    ("registry", "types"),
    ("registry", "errors"),
    ("adapters", "geometry"),
    ("adapters", "types"),
    ("factories", "config"),  # where a dataset's files are
    ("api", "regression"),
    ("api", "run_diff"),
    ("api", "doctor"),
    ("api", "data_check"),
    ("api", "running"),
    ("api", "own_video"),
    ("types", "errors"),
    ("types", "names"),
    ("geometry", "types"),
    ("dataframes", "types"),
    ("io", "types"),
    ("io", "errors"),
    ("io", "compiled"),
    ("io", "geometry"),
}
HEAVY = ("torch", "pandas", "matplotlib", "scipy", "shapely", "got10k", "pymoo")
FREE_OF_NUMPY = ("numpy", "cv2")


def layers() -> dict[str, int]:
    return {name: layer for layer, names in enumerate(LAYERS) for name in names}


def modules() -> list[tuple[str, Path]]:
    """Every module with the package or top-level module it belongs to."""
    found = []
    for path in sorted((ROOT / "evalkit").rglob("*.py")):
        relative = path.relative_to(ROOT / "evalkit")
        if len(relative.parts) == 1 and relative.stem in ("__init__", "__main__"):
            continue
        found.append((relative.parts[0].removesuffix(".py"), path))
    for room in ("trackers", "datasets", "reports"):
        found += [(room, path) for path in sorted((ROOT / room).rglob("*.py"))]
    return found


def walk_executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node outside ``if TYPE_CHECKING``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from walk_executed(node)


def imported(tree: ast.AST) -> list[str]:
    """Dotted names of everything imported anywhere in a module, outside ``if TYPE_CHECKING``."""
    names: list[str] = []
    for node in walk_executed(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def imported_at_the_top(tree: ast.Module) -> list[str]:
    return imported(ast.Module([node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))], []))


def test_every_module_is_in_the_table() -> None:
    missing = {str(path.relative_to(ROOT)) for name, path in modules() if name not in layers()}
    assert not missing, f"these modules are in no layer of the table: {sorted(missing)}"


def test_nothing_imports_from_a_higher_layer() -> None:
    layer = layers()
    offenders = []
    for package, path in modules():
        for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
            parts = name.split(".")
            if parts[0] != "evalkit" or len(parts) < 2 or parts[1] not in layer or parts[1] == package:
                continue
            allowed = layer[parts[1]] < layer[package] or (package, parts[1]) in WITHIN_A_LAYER
            if not allowed:
                offenders.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not offenders, "\n".join(offenders)


def test_plugins_are_reached_by_name_only() -> None:
    plugins = ("evalkit.trackers", "evalkit.datasets", "evalkit.reports")
    offenders = [
        f"{path.relative_to(ROOT)} imports {name}"
        for package, path in modules()
        if package not in ("trackers", "datasets", "reports")
        for name in imported(ast.parse(path.read_text(encoding="utf-8")))
        if name.startswith(plugins)
    ]
    assert not offenders, "\n".join(offenders)


def test_nothing_is_imported_under_a_name_that_belongs_to_others() -> None:
    offenders = [
        f"{path.relative_to(ROOT)} imports {name}"
        for _, path in modules()
        for name in imported(ast.parse(path.read_text(encoding="utf-8")))
        if name.split(".")[0] in ("trackers", "datasets", "reports")
    ]
    assert not offenders, "\n".join(offenders)


def module_name(path: Path) -> str:
    relative = path.relative_to(ROOT)
    parts = relative.parts if relative.parts[0] == "evalkit" else ("evalkit", *relative.parts)
    return ".".join(parts).removesuffix(".py").removesuffix(".__init__")


def dependencies() -> dict[str, set[str]]:
    """Modules by name, with the modules that each imports anywhere, also inside functions."""
    paths = {module_name(path): path for _, path in modules()}
    found: dict[str, set[str]] = {}
    for name, path in paths.items():
        targets = set()
        for full in imported(ast.parse(path.read_text(encoding="utf-8"))):
            # `from package import module` depends on the module, `from package import name` on the package.
            target = full if full in paths else full.rpartition(".")[0]
            if target in paths and target != name:
                targets.add(target)
        found[name] = targets
    return found


def test_no_modules_import_one_another_in_a_circle_even_inside_functions() -> None:
    remaining = dependencies()
    while leaves := {name for name, targets in remaining.items() if not targets & remaining.keys()}:
        for name in leaves:
            del remaining[name]
    circle = {name: sorted(targets & remaining.keys()) for name, targets in remaining.items()}
    # What only leads into a circle is no part of one.
    while users := {name for name in circle if not any(name in targets for targets in circle.values())}:
        for name in users:
            del circle[name]
    assert not circle, "\n".join(f"{name} -> {', '.join(targets)}" for name, targets in sorted(circle.items()))


def test_heavy_packages_are_imported_where_they_are_used() -> None:
    offenders = [
        f"{path.relative_to(ROOT)} imports {name} at its top"
        for _, path in modules()
        if not any(part.startswith("_") and part != "__init__.py" for part in path.relative_to(ROOT).parts)
        for name in imported_at_the_top(ast.parse(path.read_text(encoding="utf-8")))
        if name.split(".")[0] in HEAVY
    ]
    assert not offenders, "\n".join(offenders)


def loaded_by(code: str) -> set[str]:
    command = [sys.executable, "-c", f"{code}\nimport sys; print('modules:', *sys.modules, sep='\\n')"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(answer.stdout.rpartition("modules:\n")[2].split())


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], *([name, "--help"] for name in ("run", "score", "import", "convert", "list"))],
)
def test_help_loads_nothing_slow(arguments: list[str]) -> None:
    code = f"from evalkit.cli import main\ntry: main({arguments!r})\nexcept SystemExit as end: assert not end.code"
    loaded = loaded_by(code)
    assert "evalkit.cli" in loaded
    assert not loaded & {*HEAVY, *FREE_OF_NUMPY}


def test_scoring_and_listing_do_without_torch() -> None:
    code = (
        "from evalkit import api, registry\nregistry.tracker.names(); registry.dataset.names(); registry.report.names()"
    )
    assert "torch" not in loaded_by(code)


def test_counting_operations_does_without_torchs_compiler() -> None:
    code = (
        "import torch\nfrom evalkit.cost import macs\nmacs.count(torch.nn.Linear(2, 2), [torch.ones(1, 2)]).macs('all')"
    )
    loaded = loaded_by(code)
    assert "evalkit.cost._operator_recorder" in loaded
    assert "torch._dynamo" not in loaded


@pytest.mark.parametrize("room", ["trackers", "datasets", "reports"])
def test_the_plugin_directories_are_links_to_the_top_level(room: str) -> None:
    link = ROOT / "evalkit" / room
    assert link.is_symlink()
    assert link.readlink() == Path("..") / room
    assert not (ROOT / room / "__init__.py").exists(), "a package here would hide other projects' packages"
