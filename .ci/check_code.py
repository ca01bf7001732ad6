"""Check the size and complexity of the product's code; part of ``tox -e lint``.

- A function's complexity is 1, plus one for each if, conditional expression, loop, except clause, comprehension and
  case in it (nested functions included), plus the number of operands minus one of every ``and`` and ``or``.
  No function may exceed 15, and fewer than 30 may exceed 10.
- The median function has at most 8 lines, its signature and docstring excluded.
- No module has more than 350 lines.
- Every public function, class and method has a docstring: those whose names, classes and modules do not begin with an
  underscore. Overriding methods of a documented protocol are exempt through ``EXEMPT``.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("evalkit", "trackers", "datasets", "reports")
MAX_COMPLEXITY, HIGH_COMPLEXITY, MAX_HIGH = 15, 10, 30
MAX_MEDIAN_LINES, MAX_MODULE_LINES = 8, 350
EXEMPT = frozenset({"forward", "initialize", "update", "crop", "network", "locate", "parts", "sibling"})
"""Methods whose meaning the protocols of ``evalkit.types`` and torch document."""

BRANCHES = (ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.comprehension, ast.match_case)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def modules() -> Iterator[Path]:
    """Yield every product module once; the plugin folders are also reached through symbolic links."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not any(parent.is_symlink() for parent in path.relative_to(ROOT).parents if parent != Path()):
                yield path


def complexity(function: ast.AST) -> int:
    """Return the complexity of a function as the module docstring defines it."""
    nodes = list(ast.walk(function))
    operands = sum(len(node.values) - 1 for node in nodes if isinstance(node, ast.BoolOp))
    return 1 + operands + sum(isinstance(node, BRANCHES) for node in nodes)


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of lines of a function's body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def undocumented(path: Path, tree: ast.Module) -> Iterator[str]:
    """Yield the public names of a module that have no docstring."""
    if any(part.startswith("_") and part not in ("__init__.py",) for part in path.relative_to(ROOT).parts):
        return
    if ast.get_docstring(tree) is None:
        yield f"{path.relative_to(ROOT)}:1 module"
    for node, owner in public_definitions(tree):
        if ast.get_docstring(node) is None:
            yield f"{path.relative_to(ROOT)}:{node.lineno} {owner}{node.name}"


def public_definitions(
    tree: ast.Module | ast.ClassDef, owner: str = ""
) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, str]]:
    """Yield the public functions, classes and methods of a module, with the name of their class.

    Methods of classes that have a base class are left out: many override documented ones.
    """
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node, owner
            if not node.bases:
                yield from public_definitions(node, f"{owner}{node.name}.")
        elif isinstance(node, FUNCTIONS) and not node.name.startswith("_") and not (owner and node.name in EXEMPT):
            yield node, owner


def check_complexity(counted: list[tuple[int, str]]) -> Iterator[str]:
    """Yield the functions that are too complex, of counts and places sorted from the highest."""
    for count, place in counted:
        if count > MAX_COMPLEXITY:
            yield f"{place}: complexity {count}, at most {MAX_COMPLEXITY}"
    high = [(count, place) for count, place in counted if count > HIGH_COMPLEXITY]
    if len(high) >= MAX_HIGH:
        yield f"{len(high)} functions exceed a complexity of {HIGH_COMPLEXITY}, fewer than {MAX_HIGH} may"
        yield from (f"{place}: complexity {count}" for count, place in high)


def main() -> int:
    """Print what exceeds the limits; return 1 if anything does."""
    counted: list[tuple[int, str]] = []
    lengths: list[int] = []
    problems: list[str] = []
    for path in modules():
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        place = path.relative_to(ROOT)
        if (lines := len(text.splitlines())) > MAX_MODULE_LINES:
            problems.append(f"{place}: {lines} lines, at most {MAX_MODULE_LINES}")
        problems += [f"{name}: no docstring" for name in undocumented(path, tree)]
        functions = [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
        counted += [(complexity(node), f"{place}:{node.lineno} {node.name}") for node in functions]
        lengths += [body_lines(node) for node in functions]
    counted.sort(reverse=True)
    problems += check_complexity(counted)
    median = statistics.median(lengths)
    if median > MAX_MEDIAN_LINES:
        problems.append(f"median function: {median:g} lines, at most {MAX_MEDIAN_LINES}")
    high = sum(count > HIGH_COMPLEXITY for count, _ in counted)
    print(
        f"{len(counted)} functions, {high} above a complexity of {HIGH_COMPLEXITY}, highest {counted[0][0]}, "
        f"median {median:g} lines"
    )
    print(*problems, sep="\n", end="\n" if problems else "")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
