from __future__ import annotations

from pathlib import Path

from evalkit import registry

README = Path(__file__).resolve().parents[2] / "trackers" / "README.md"


def test_the_readme_lists_every_registered_tracker_with_its_summary():
    text = README.read_text(encoding="utf-8")
    expected = [f"| `{entry.name}` | {entry.summary} |" for entry in registry.tracker.entries()]
    assert [line for line in text.splitlines() if line in expected] == expected


def test_the_readme_names_every_public_file_and_folder():
    text = README.read_text(encoding="utf-8")
    for path in README.parent.iterdir():
        if path.name not in ("README.md", "__pycache__", "_weights"):
            assert path.name in text, path.name
