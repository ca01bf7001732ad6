"""The report for a terminal and as Markdown."""

from __future__ import annotations

from evalkit.regression.findings import GateFinding, Verdict
from evalkit.regression.text import conclusion, markdown_text, terminal_text

from .sample_report import ALL, SKIPPED, report


def test_the_text_names_changes_sequences_frames_differences_and_the_next_command() -> None:
    text = terminal_text(ALL)
    row = next(line for line in text.splitlines() if " auc " in line)
    assert row.split() == [
        "mosse", "otb100", "auc", "0.612", "0.598", "-0.014", "[-0.021,", "-0.008]", "0.005", "60", "fail",
    ]  # fmt: skip
    assert "Girl2 -0.300, boxes differ from frame 12" in text
    assert "Box|2 -0.100, boxes differ from frames 31 to 33" in text
    assert "threads 1 → 2" in text
    assert text.splitlines()[-1].strip() == "evalkit regress ci.toml --update"


def test_markdown_escapes_what_would_break_its_table() -> None:
    text = markdown_text(ALL)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {10}
    assert "cannot &lt;tell>" in text
    assert text.splitlines()[0] == "### evalkit regress ci: fail"
    assert "| **fail** |" in text


def test_a_gain_beyond_the_margin_is_followed_by_the_command_that_accepts_it() -> None:
    gain = GateFinding("accuracy", "mosse", "tiny", "auc", Verdict.PASS, "not worse", change=0.1, improved=True)
    assert conclusion(report(gain, SKIPPED)).splitlines() == [
        "pass: no gate failed (1 skipped). A value improved by more than its margin. To accept it:",
        "  evalkit regress ci.toml --update",
    ]
