"""What the site shows besides the pages of docs/: pages that stand elsewhere in the repository, and generated ones.

Links are written as they work in the repository; here they are turned to where the page stands on the site.
"""

from __future__ import annotations

import csv
import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from evalkit.cli import cli

ROOT = Path(__file__).resolve().parents[2]

ELSEWHERE = {
    "README.md": "index.md",
    "README.zh-CN.md": "zh-CN.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "trackers/README.md": "reference/trackers.md",
    "datasets/README.md": "reference/datasets.md",
    "reports/README.md": "reference/reports.md",
    "reports/published/README.md": "published.md",
    "trackers/_weights/lighttrack-m.md": "weights.md",
    "benchmarks/README.md": "benchmarks.md",
}
"""Pages that stand outside of docs/, and their place on the site."""

WIDE = {"index.md": "navigation", "published.md": "toc"}
"""Pages with wide tables, and what makes room for them."""

_LINK = re.compile(r"(?<=\]\()(?P<target>[^)#\s:]+)(?P<anchor>#[^)\s]*)?(?=\))")
_FENCED = re.compile(r"(^ *```.*?^ *```\s*?$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the decisions, by their titles."""
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    inside = next(part["Inside"] for part in config.nav or [] if "Inside" in part)
    decisions = next(part for part in inside if "Decisions" in part)
    decisions["Decisions"] = [{title: f"decisions/{path.name}"} for path, title in titles()]
    return config


def titles() -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        yield path, path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ").replace(": ", " ", 1)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for source, place in ELSEWHERE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        text += published_table() if place == "published.md" else ""
        room = f"---\nhide:\n  - {WIDE[place]}\n---\n" if place in WIDE else ""
        files.append(File.generated(config, place, content=room + text))
    files.append(File.generated(config, "reference/commands.md", content=commands_page()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links that hold in the repository into links that hold on the site."""
    place = page.file.src_uri
    source = next((one for one, there in ELSEWHERE.items() if there == place), f"docs/{place}")

    def turned(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link["target"]))
        there = ELSEWHERE.get(target, target.removeprefix("docs/"))
        if files.get_file_from_path(there) is None:
            raise PluginError(f"{source}: the site has nothing for the link to {link['target']}")
        return posixpath.relpath(there, posixpath.dirname(place) or ".") + (link["anchor"] or "")

    # Code keeps its brackets.
    parts = _FENCED.split(markdown)
    return "".join(part if number % 2 else _LINK.sub(turned, part) for number, part in enumerate(parts))


def commands_page() -> str:
    """Every command's ``--help``."""
    parts = ["# Commands\n\nWhat `--help` prints, command by command.\n", section("evalkit", cli, None)]
    for words, command, context in every(cli, click.Context(cli, info_name="evalkit", **cli.context_settings)):
        parts.append(section(words, command, context))
    return "\n".join(parts)


def section(words: str, command: click.Command, context: click.Context | None) -> str:
    context = context or click.Context(command, info_name=words, **command.context_settings)
    context.max_content_width = context.terminal_width = 100
    return f"## `{words}`\n\n```text\n{command.get_help(context)}\n```\n"


def every(group: click.Group, above: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    for name in group.list_commands(above):
        command = group.get_command(above, name)
        if command is None:
            continue
        context = click.Context(command, parent=above, info_name=name)
        if isinstance(command, click.Group):
            yield from every(command, context)
        else:
            yield context.command_path, command, context


def published_table() -> str:
    """The numbers themselves, below the page that says what their columns mean."""
    with (ROOT / "reports" / "published" / "numbers.csv").open(encoding="utf-8", newline="") as stream:
        rows: list[dict[str, Any]] = list(csv.DictReader(stream))
    lines = [
        "\n## The numbers\n",
        "| tracker | benchmark | metric | value | certainty | source | note |",
        "|" + "---|" * 7,
    ]
    for row in rows:
        value = f"{row['value']} {row['unit']}".removesuffix(" fraction")
        cells = [f"`{row['tracker']}`", row["benchmark"], row["metric"], value]
        cells += [row["certainty"], row["source"], row["note"] or ""]
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("*", "\\*") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
