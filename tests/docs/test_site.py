"""The documentation site builds without a warning, holds what it has to, and asks for nothing outside its folder."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import click
import pytest
from fenced import ROOT
from headless_browser import Browser
from mkdocs.commands.build import build
from mkdocs.config import load_config

import evalkit
from evalkit.cli import cli


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        heard = Heard()
        logging.getLogger("mkdocs").addHandler(heard)
        try:
            config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder))
            config.plugins.on_startup(command="build", dirty=False)
            build(config)
        finally:
            logging.getLogger("mkdocs").removeHandler(heard)
    assert heard.warnings == []
    return folder


class Heard(logging.Handler):
    """Collects warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.warnings: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.warnings.append(record.getMessage())


def test_every_function_of_the_package_has_its_place_in_the_reference(site: Path) -> None:
    pages = "".join((site / "reference" / name).read_text(encoding="utf-8") for name in ("python.html", "types.html"))
    anchors = {anchor.rpartition(".")[2] for anchor in re.findall(r'id="(evalkit[\w.]*)"', pages)}
    renamed = {"collect" if name == "compare" else name for name in evalkit.__all__}
    assert renamed - anchors == set()


def test_every_command_has_its_help_in_the_reference(site: Path) -> None:
    page = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    for name in cli.list_commands(click.Context(cli)):
        assert f"<code>evalkit {name}" in page
    assert "Exit codes:" in page


def test_examples_in_docstrings_keep_their_lines(site: Path) -> None:
    pages = list((site / "reference").glob("*.html"))
    assert len(pages) > 3
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "<blockquote>" not in text, f"{page.name}: an example became a quotation"
        assert not re.search(r"<p>=====", text), f"{page.name}: a table lost its lines"


@pytest.mark.browser
def test_pages_open_from_the_folder_and_ask_for_nothing_else(site: Path, browser: Browser) -> None:
    browser.log("browser")
    browser.requests()
    for page in ("index.html", "zh-CN.html", "reference/python.html", "published.html"):
        browser.open(site / page)
        assert browser.run("return document.querySelectorAll('.md-nav__link').length") > 10
        assert [entry for entry in browser.log("browser") if entry["level"] == "SEVERE"] == []
        assert [asked for asked in browser.requests() if not asked.startswith(("file:", "data:"))] == []
