"""Every command, program and file that README and docs show is run, written and compared with what they show for it.

``EVALKIT_REWRITE_DOCS=1 pytest tests/docs`` writes what comes out into the pages instead.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

import click
import pytest
from fenced import ROOT, Block, Command, blocks, commands, named_file
from transcript import Shell, difference

from evalkit.cli import cli

PAGES = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("**/*.md"))]
ROOMS = ["trackers/README.md", "datasets/README.md", "reports/README.md", "CONTRIBUTING.md"]
CHINESE = "README.zh-CN.md"

SLOW = {"README.md", "docs/find-a-tracker.md"}
"""Pages whose commands track real sequences with a real network."""

LANGUAGES = {"bash", "console", "python", "toml", "yaml", "json", "text", "ini"}
RUN = {"bash", "console", "python"}
ASK = "echo $?"


def found_tracker() -> str:
    """Return the tracker in the first row of the front that docs/find-a-tracker.md shows."""
    page = (ROOT / "docs" / "find-a-tracker.md").read_text(encoding="utf-8")
    row = re.search(r"^ +1 .* (back_\S+)$", page, re.MULTILINE)
    assert row is not None
    return f"lighttrack:{row[1]}"


FOUND = found_tracker()

EXEMPT: dict[tuple[str, str], str] = {
    ("README.md", "pip install --constraint constraints.txt ."): "a step of .ci/run of its own",
    ("README.md", "pip install tox"): "a step of .ci/run of its own",
    (
        "docs/benchmarks.md",
        "evalkit import vitb_256 --layout pytracking --dataset uav123 --data UAV123",
    ): "needs results of a tracker",
    (
        "docs/benchmarks.md",
        "evalkit results fetch uav123/arcf uav123/autotrack --data UAV123",
    ): "downloads from the internet",
    (
        "docs/find-a-tracker.md",
        "evalkit search --within lighttrack-m --limit latency=7ms --runtime onnxruntime --output fast",
    ): "takes minutes",
    (
        "docs/find-a-tracker.md",
        f"evalkit run --tracker {FOUND} --weights out/front/1.safetensors",
    ): "the path is the one that the search found",
    (
        "docs/find-a-tracker.md",
        f"evalkit train {FOUND} --weights out/front/1.safetensors \\",
    ): "the path is the one that the search found",
    (
        "docs/find-a-tracker.md",
        "evalkit search --within lighttrack:back_04502514044521000000+cls_211000022+reg_100000111_ops_32 --radius 0 "
        "--supernet supernet.safetensors --output cut",
    ): "needs a supernet",
    ("docs/track-a-video.md", "evalkit track 0 --tracker nanotrack-v2 --show"): "needs a camera and a screen",
    (
        "docs/train-a-tracker.md",
        "evalkit train lighttrack-m --output runs/m --photographs /usr/share/backgrounds --teacher mobilenet_v2.pt",
    ): "takes hours",
    (
        "docs/train-a-tracker.md",
        f"evalkit train {FOUND} --weights out/front/1.safetensors \\",
    ): "needs the weights of a search and takes hours",
    (
        "docs/train-a-tracker.md",
        "evalkit train lighttrack-m --output runs/gpu --photographs /usr/share/backgrounds "
        "--teacher mobilenet_v2.pt \\",
    ): "needs a GPU",
    ("CONTRIBUTING.md", "EVALKIT_REWRITE_DOCS=1 pytest tests/docs -k report"): "it would run itself",
}
"""By page and first line, the blocks that no test runs, and why; the page says so above the block."""


def runnable(page: str) -> list[Block]:
    return [block for block in blocks(page) if block.not_run is None]


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[pytest.mark.slow] if page in SLOW else []) for page in [*PAGES, *ROOMS]]
)
def test_a_page_does_what_it_says(page: str, shell_for: Callable[[str], Shell]) -> None:
    found = runnable(page)
    if not any(block.language in RUN for block in found):
        return
    shell, answers = shell_for(page), Answers(page)
    for block, after in zip(found, [*found[1:], None], strict=True):
        if block.language == "python" and not named_file(block):
            printed = shell.python(block.text)
            if after and after.language == "text" and after.follows:
                answers.compare(after.line, after.lines, printed)
        elif block.language in ("bash", "console"):
            run_commands(list(commands(block)), shell, answers)
        else:
            write_file(block, shell)
    answers.rewrite()


class Answers:
    """What a page shows against what came out; collects what is to be written into it."""

    def __init__(self, page: str) -> None:
        self.page = page
        self._new: dict[int, tuple[int, list[str]]] = {}

    def compare(self, line: int, shown: tuple[str, ...], printed: str) -> None:
        wrong = difference(shown, printed)
        if wrong is None:
            return
        if os.environ.get("EVALKIT_REWRITE_DOCS") != "1":
            pytest.fail(f"{self.page}:{line}:\n{wrong}\n\nin all it printed:\n{printed}", pytrace=False)
        self._new[line] = (len(shown), [one.rstrip() for one in printed.rstrip().split("\n")])

    def rewrite(self) -> None:
        """Replace the lines below each given one by what came out."""
        path = ROOT / self.page
        lines = path.read_text(encoding="utf-8").split("\n")
        for line in sorted(self._new, reverse=True):
            count, answer = self._new[line]
            lines[line : line + count] = answer
        if self._new:
            path.write_text("\n".join(lines), encoding="utf-8")


def run_commands(typed: list[Command], shell: Shell, answers: Answers) -> None:
    """Run them in order; one may fail only where the page asks for its exit code next."""
    for command, after in zip(typed, [*typed[1:], None], strict=True):
        answer = shell.run(command.text)
        may_fail = after is not None and after.text == ASK
        if answer.code != 0 and not may_fail:
            where = f"{answers.page}:{command.line}: {command.text}\nended with {answer.code}"
            pytest.fail(f"{where}\n{answer.out}{answer.err}", pytrace=False)
        if command.output is not None:
            answers.compare(command.line, command.output, answer.shown)


def write_file(block: Block, shell: Shell) -> None:
    """Write what a block shows where it says; a plugin in a checkout's room is found there."""
    name = named_file(block)
    if name is None:
        return
    path = shell.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(shell.real(block.text), encoding="utf-8")
    if name.startswith(("trackers/", "datasets/", "reports/")):
        module = f"evalkit.{name.removesuffix('.py').replace('/', '.')}"
        spec = importlib.util.spec_from_file_location(module, path)
        assert spec is not None and spec.loader is not None
        sys.modules[module] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(sys.modules[module])
        finally:
            del sys.modules[module]


@pytest.mark.parametrize("page", [*PAGES, *ROOMS, CHINESE])
def test_blocks_say_what_they_are_so_that_no_command_escapes(page: str) -> None:
    for block in blocks(page):
        where = f"{page}:{block.line}"
        assert block.language in LANGUAGES, f"{where}: {block.language!r} is none of {sorted(LANGUAGES)}"
        if block.language == "text":
            assert not re.search(r"^(\$|evalkit|pip|python) ", block.text, re.MULTILINE), f"{where}: a command"
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.search(r"^ {4,}(\$ |evalkit )", text, re.MULTILINE), f"{page}: a command that is only indented"


def test_what_no_test_runs_is_listed_with_its_reason() -> None:
    found = {
        (page, block.lines[0]): block.not_run
        for page in [*PAGES, *ROOMS]
        for block in blocks(page)
        if block.not_run is not None
    }
    assert found == EXEMPT


@pytest.mark.parametrize("page", [*PAGES, *ROOMS, CHINESE])
def test_commands_inside_of_sentences_name_commands_and_options_that_exist(page: str) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    listed = [line for block in blocks(page) if block.language == "yaml" for line in block.lines]
    spans = re.findall(r"`(evalkit [^`]+)`", text) + re.findall(r"^ *- (evalkit .*)$", "\n".join(listed), re.MULTILINE)
    for span in spans:
        words = span.split()[1:]
        command: click.Command = cli
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            group, name = command, words.pop(0)
            found = group.get_command(click.Context(group), name)
            assert found is not None, f"{page}: `{span}`"
            command = found
        known = {option for parameter in command.params for option in parameter.opts} | {"--help", "--version"}
        named = {word.split("=")[0] for word in words if word.startswith("--")}
        assert named <= known, f"{page}: `{span}` names {sorted(named - known)}"


def test_the_table_of_trackers_in_the_readme_is_what_its_script_makes(data: Path) -> None:
    spec = importlib.util.spec_from_file_location("readme_table", ROOT / "benchmarks" / "readme_table.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = script.table(data / "annotations", data / "results")
    assert script.in_readme((ROOT / "README.md").read_text(encoding="utf-8"))[0].rstrip() == made


def test_the_chinese_page_gives_commands_that_the_english_pages_give() -> None:
    english = [block for page in PAGES for block in blocks(page)]
    for block in blocks(CHINESE):
        assert any(says_the_same(block, one) for one in english), f"{CHINESE}:{block.line}: no English page has this"


def says_the_same(one: Block, other: Block) -> bool:
    """Whether two blocks hold the same commands and show the same, but for what belongs to one machine."""
    if one.language != other.language or one.language != "console":
        return one.language == other.language and one.lines == other.lines
    pairs = list(zip_longest(commands(one), commands(other)))
    return all(
        a is not None
        and b is not None
        and a.text == b.text
        and difference(a.output or (), "\n".join(b.output or ())) is None
        for a, b in pairs
    )


def test_the_architecture_page_names_every_package() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = {name for cell in re.findall(r"^\| `([a-z0-9_ ]+)` \|", page, re.MULTILINE) for name in cell.split()}
    there = {
        path.stem for path in (ROOT / "evalkit").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert named == (there | {"trackers", "datasets", "reports"}) - {"__init__", "__main__"}


def test_a_difference_is_seen_and_rounding_is_not() -> None:
    head = "tracker  AUC ↑  fps ↑"
    assert difference((head, "mosse    0.381   86.0"), f"{head}\nmosse    0.382   12.5\n") is None
    assert difference((head, "mosse    0.381   86.0"), f"{head}\nmosse    0.391   86.0\n") is not None
    assert difference(("a", "...", "d"), "a\nb\nc\nd\n") is None
    assert difference(("a", "...", "d"), "a\nb\nc\n") is not None
    assert difference(("6 of 100",), "7 of 100\n") is not None
    assert difference((), "") is None
    assert difference((), "something\n") is not None
