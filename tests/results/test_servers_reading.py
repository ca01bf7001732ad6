"""Submissions are checked as the servers read them: a table of archives."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from evalkit.api import check_archive, render_data

NAME = "-Dz7OIf54b0_0"
ROWS = "\n".join(["12,13,40,50"] * 120)
SPACES = ROWS.replace(",", ", ")

ARCHIVES = {
    "flat": ({f"{NAME}.txt": ROWS}, ""),
    "one folder": ({f"mine/{NAME}.txt": ROWS}, ""),
    "two folders": ({f"results/mine/{NAME}.txt": ROWS}, ""),
    "a Mac's file": ({f"{NAME}.txt": ROWS, ".DS_Store": "x"}, ""),
    "a readme": ({f"mine/{NAME}.txt": ROWS, "readme.txt": "my tracker"}, ""),
    "backslashes": ({f"mine\\{NAME}.txt": ROWS}, ""),
    "comma and space": ({f"{NAME}.txt": SPACES}, ""),
    "twice": ({f"{NAME}.txt": ROWS, f"old/{NAME}.txt": ROWS}, "2 members, the server takes the sequence for empty"),
    "in another name": ({f"{NAME}.txt": ROWS, f"old_{NAME}.txt": ROWS}, "2 members"),
    "missing": ({"other.txt": ROWS}, "no result"),
    "spaces": ({f"{NAME}.txt": ROWS.replace(",", " ")}, "separated by spaces"),
    "a row less": ({f"{NAME}.txt": ROWS.partition("\n")[2]}, "119 rows, expected 120"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tn") / "data"
    render_data("trackingnet", folder, sequences=["scale", "blur"])
    return folder


@pytest.mark.parametrize("kind", ARCHIVES)
def test_trackingnet(kind: str, root: Path, tmp_path: Path) -> None:
    members, problem = ARCHIVES[kind]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    found = check_archive(tmp_path / "a.zip", "trackingnet-test", data=root)
    assert (problem in " ".join(found)) if problem else found == []
