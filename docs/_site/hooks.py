"""MkDocs hooks: add pages from outside docs/ and generated pages, and rewrite the repository's links for the site.

Links in the sources are valid in the repository; ``on_page_markdown`` rewrites them to the page's path on the site.
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

OUTSIDE_DOCS = {
    "README.md": "index.md",
    "README.zh-CN.md": "zh-CN.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "trackers/README.md": "reference/trackers.md",
    "datasets/README.md": "reference/datasets.md",
    "reports/README.md": "reference/reports.md",
    "reports/published/README.md": "published.md",
    "trackers/_weights/lighttrack-m.md": "weights.md",
    "benchmarks/README.md": "speed.md",
}
"""Pages outside docs/, and their paths on the site."""

HIDDEN_SIDEBARS = {"index.md": ("navigation", "toc"), "published.md": ("toc",)}
"""Pages with wide tables, and the sidebars that each hides to make room for them."""

_LINK = re.compile(r"(?<=\]\()(?P<target>[^)#\s:]+)(?P<anchor>#[^)\s]*)?(?=\))")
_FENCED = re.compile(r"(^ *```.*?^ *```\s*?$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the navigation's list of decisions with their titles."""
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    internals = next(part["Internals"] for part in config.nav or [] if "Internals" in part)
    decisions = next(part for part in internals if "Decisions" in part)
    decisions["Decisions"] = [{title: f"decisions/{path.name}"} for path, title in decision_titles()]
    return config


def decision_titles() -> Iterator[tuple[Path, str]]:
    """Yield each decision note with its title, such as ``0040 A score is ...``."""
    for path in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        heading = path.read_text(encoding="utf-8").partition("\n")[0]
        yield path, re.sub(r"^# (\d+)[:.]?", r"\1", heading)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages outside docs/ and the generated page of commands."""
    for source, path in OUTSIDE_DOCS.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        text += published_table() if path == "published.md" else ""
        sidebars = "".join(f"\n  - {one}" for one in HIDDEN_SIDEBARS.get(path, ()))
        hide = f"---\nhide:{sidebars}\n---\n" if sidebars else ""
        files.append(File.generated(config, path, content=hide + text))
    files.append(File.generated(config, "reference/commands.md", content=commands_page()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite links that are valid in the repository to links that are valid on the site."""
    site_path = page.file.src_uri
    source = next((one for one, target in OUTSIDE_DOCS.items() if target == site_path), f"docs/{site_path}")

    def rewritten(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link["target"]))
        target_path = OUTSIDE_DOCS.get(target, target.removeprefix("docs/"))
        if files.get_file_from_path(target_path) is None:
            raise PluginError(f"{source}: the site has no page for the link to {link['target']}")
        return posixpath.relpath(target_path, posixpath.dirname(site_path) or ".") + (link["anchor"] or "")

    # Odd parts are code, whose brackets are no links.
    parts = _FENCED.split(markdown)
    return "".join(part if number % 2 else _LINK.sub(rewritten, part) for number, part in enumerate(parts))


def commands_page() -> str:
    """Return a page with the ``--help`` text of every command."""
    parts = ["# Commands\n\nThe output of `--help` for each command.\n", help_section("evalkit", cli, None)]
    for words, command, context in all_commands(cli, click.Context(cli, info_name="evalkit", **cli.context_settings)):
        parts.append(help_section(words, command, context))
    return "\n".join(parts)


def help_section(words: str, command: click.Command, context: click.Context | None) -> str:
    """Return a heading and the help text of one command."""
    context = context or click.Context(command, info_name=words, **command.context_settings)
    context.max_content_width = context.terminal_width = 100
    return f"## `{words}`\n\n```text\n{command.get_help(context)}\n```\n"


def all_commands(group: click.Group, parent: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield the full name, command and context of every command, including those in groups."""
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        if command is None:
            continue
        context = click.Context(command, parent=parent, info_name=name)
        if isinstance(command, click.Group):
            yield from all_commands(command, context)
        else:
            yield context.command_path, command, context


def published_table() -> str:
    """Return the table of all published numbers, which is appended to the page that explains its columns."""
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
