"""The report of the regression gate as text: for a terminal, and as Markdown for a summary page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evalkit.io.text_table import aligned_lines
from evalkit.regression.checks.exact import NAMED_SEQUENCES
from evalkit.regression.findings import FIRST_VALUE, AffectedSequence, GateFinding, RegressionReport, Verdict

HEADS = ("tracker", "dataset", "gate", "baseline", "now", "change [95 %]", "allowed", "n", "verdict")
_NUMERIC = range(3, len(HEADS) - 1)


def terminal_text(report: RegressionReport, width: int | None = None) -> str:
    """Format a report for a terminal: gates, reasons, sequences responsible, other differences, what to do next.

    Args:
        width: Largest number of characters in a line of the table; None for any number. Trackers and datasets are then
            headings where the lines would be wider, and bounds are left out where they still are.
    """
    findings = shown_findings(report)
    blocks = [
        f"{report.suite} compared with {report.baseline}",
        "\n".join(_table([_row(finding) for finding in findings], width)),
        "\n".join(_reasons(findings)),
        *(indented(head, lines) for head, lines in _responsible(report)),
        indented("Other differences:", report.differences),
        conclusion(report),
    ]
    return "\n\n".join(block for block in blocks if block)


def _table(rows: Sequence[tuple[str, ...]], width: int | None) -> list[str]:
    lines = aligned_lines([HEADS, *rows], right=_NUMERIC)
    if width is None or max(map(len, lines)) <= width:
        return lines
    short = [row[2:] for row in (HEADS, *rows)]
    lines = _right_aligned(short)
    if max(map(len, lines)) > width:
        lines = _right_aligned([tuple(cell.partition(" [")[0] for cell in row) for row in short])
    head, *body = lines
    found, subject = [head], ("", "")
    for row, line in zip(rows, body, strict=True):
        if row[:2] != subject:
            subject = (row[0], row[1])
            found.append(row[0] if row[1] == "-" else f"{row[0]} on {row[1]}")
        found.append(f"  {line}")
    found[0] = f"  {head}"
    return found


def _right_aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    return aligned_lines(rows, right=range(1, len(rows[0]) - 1))


def markdown_text(report: RegressionReport) -> str:
    """Format a report as Markdown, for a pull request or a job's summary page."""
    findings = shown_findings(report)
    rows = [_markdown_row(one) for one in findings]
    verdict, _, command = conclusion(report).partition("\n")
    parts = [
        f"### evalkit regress {_escaped(report.suite)}: {report.verdict.value}",
        "\n".join([f"| {' | '.join(HEADS)} |", "|---|---|---|--:|--:|--:|--:|--:|---|", *rows]),
        _bullets("", _reasons(findings)),
        *(_bullets(head, lines) for head, lines in _responsible(report)),
        _bullets("Other differences", report.differences),
        verdict,
        f"`{command.strip()}`" if command else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def indented(head: str, lines: Sequence[str]) -> str:
    """Return a head and the lines below it, indented; an empty text if there are no lines."""
    return "\n".join([head, *(f"  {line}" for line in lines)]) if lines else ""


def change_text(finding: GateFinding) -> str:
    """Format a change with its bounds, e.g. ``-0.014 [-0.021, -0.008]``.

    >>> change_text(GateFinding("accuracy", "t", "d", "auc", Verdict.PASS, "", change=-0.014, low=-0.021, high=-0.008))
    '-0.014 [-0.021, -0.008]'
    """
    if finding.change is None:
        return "-"
    bounds = None if finding.low is None or finding.high is None else (finding.low, finding.high)
    if finding.gate == "latency":
        return f"{finding.change:+.1%}" + ("" if bounds is None else f" [{bounds[0]:+.0%}, {bounds[1]:+.0%}]")
    if bounds is None:
        return f"{finding.change:+,.0f}"
    return f"{finding.change:+.3f} [{bounds[0]:+.3f}, {bounds[1]:+.3f}]"


def conclusion(report: RegressionReport) -> str:
    """Return the verdict and, where something changed, the command that accepts an intended change."""
    if report.updated:
        first = "; ".join(_first_values(report.findings))
        return f"The baseline {report.baseline} was {'written' if first else 'updated'}{f': {first}' if first else ''}."
    if report.verdict is not Verdict.PASS:
        gates = dict.fromkeys(
            f"{one.gate} ({one.quantity})" for one in report.findings if one.verdict is report.verdict
        )
        accept = f"To accept an intended change:\n  {report.command}"
        return f"{report.verdict.value}: {', '.join(gates)}. {accept}"
    skipped = sum(one.verdict is Verdict.SKIPPED for one in report.findings)
    passed = f"pass: no gate failed{f' ({skipped} skipped)' if skipped else ''}."
    if any(one.improved for one in report.findings):
        return f"{passed} A value improved by more than its margin. To accept it:\n  {report.command}"
    return passed


def shown_findings(report: RegressionReport) -> list[GateFinding]:
    """Return the findings that a person reads: after an update, not that a tracker was missing in the old baseline."""
    new = {one.tracker for one in report.findings if one.reason == FIRST_VALUE}
    return [
        one
        for one in report.findings
        if not (report.updated and one.verdict is Verdict.INCONCLUSIVE and one.tracker in new)
    ]


def _first_values(findings: Iterable[GateFinding]) -> list[str]:
    """Return the leading score of each tracker and dataset that the baseline did not have."""
    leading: dict[tuple[str, str | None], GateFinding] = {}
    for one in findings:
        if one.reason == FIRST_VALUE:
            leading.setdefault((one.tracker, one.dataset), one)
    return [
        f"{label} {one.quantity} {_value_text(one, one.now)} on {one.sequences} sequences of {dataset}"
        for (label, dataset), one in leading.items()
    ]


def _row(finding: GateFinding) -> tuple[str, ...]:
    quantity = finding.quantity if finding.gate == "accuracy" else f"{finding.gate}: {finding.quantity}"
    return (
        finding.tracker, finding.dataset or "-", quantity, _value_text(finding, finding.baseline),
        _value_text(finding, finding.now), change_text(finding), _margin_text(finding),
        "-" if finding.sequences is None else str(finding.sequences),
        "new" if finding.reason == FIRST_VALUE else finding.verdict.value + (" (improved)" if finding.improved else ""),
    )  # fmt: skip


def _value_text(finding: GateFinding, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if finding.gate in ("accuracy", "latency") else f"{value:,.0f}"


def _margin_text(finding: GateFinding) -> str:
    if finding.margin is None:
        return "-"
    return f"{finding.margin:.0%}" if finding.gate == "latency" else f"{finding.margin:g}"


def _reasons(findings: Iterable[GateFinding]) -> list[str]:
    """Return the reasons of all findings that did not simply pass, and of latency, which holds the wall-clock time."""
    return [
        f"{one.tracker}{f' on {one.dataset}' if one.dataset else ''}, {one.gate} ({one.quantity}): {one.reason}"
        for one in findings
        if one.reason != FIRST_VALUE and (one.verdict is not Verdict.PASS or one.improved or one.gate == "latency")
    ]


def _responsible(report: RegressionReport) -> list[tuple[str, list[str]]]:
    """Return, for every accuracy finding with a change, a head and its worst sequences with their first frames."""
    places = {
        (one.tracker, one.dataset, affected.sequence): _place(affected)
        for one in report.findings
        if one.gate == "exact"
        for affected in one.responsible
    }
    blocks = []
    for one in report.findings:
        if one.gate == "accuracy" and one.responsible:
            lines = [
                _affected_text(affected, places.get((one.tracker, one.dataset, affected.sequence), ""))
                for affected in one.responsible[:NAMED_SEQUENCES]
            ]
            count = f"{len(one.responsible)} of {one.sequences}"
            blocks.append((f"Sequences responsible: {one.tracker} on {one.dataset}, {one.quantity} in {count}", lines))
    return blocks


def _place(affected: AffectedSequence) -> str:
    """Return where the boxes begin to differ, and by how much, as far as it is known."""
    size = "" if affected.max_pixels is None else f" by up to {affected.max_pixels:.3g} px"
    return f"{affected.frames()}{size}" if affected.frames() else ""


def _affected_text(affected: AffectedSequence, place: str) -> str:
    where = f", boxes differ from {place}" if place else ""
    return f"{affected.sequence} {affected.change:+.3f}{where}"


def _markdown_row(finding: GateFinding) -> str:
    *cells, verdict = _row(finding)
    if finding.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        verdict = f"**{verdict}**"
    return f"| {' | '.join([*map(_escaped, cells), verdict])} |"


def _bullets(head: str, lines: Sequence[str]) -> str:
    items = "\n".join(f"- {_escaped(line)}" for line in lines)
    return f"**{_escaped(head)}**\n\n{items}" if head and items else items


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
