"""The outcome in words: for a terminal, for a summary page, as records."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from evalkit.regression.divergence import Divergence, SequencePair
from evalkit.regression.gates import MOST
from evalkit.regression.outcome import Finding, Parted, Report, Verdict

HEADS = ("tracker", "dataset", "gate", "baseline", "now", "change [95 %]", "allowed", "n", "verdict")


def as_json(records: Sequence[dict[str, Any]]) -> str:
    return json.dumps({"version": 1, "records": list(records)}, indent=2, ensure_ascii=False, allow_nan=False)


def table(report: Report) -> str:
    """For a terminal: gates, then the sequences responsible, then what differs besides, then what to do."""
    rows = [HEADS, *(_row(finding) for finding in report.findings)]
    reasons = "\n".join(_reasons(report.findings))
    blocks = [f"{report.suite} against {report.baseline}", aligned(rows, left=(0, 1, 2, len(HEADS) - 1)), reasons]
    blocks += [_indented(head, lines) for head, lines in _responsible(report)]
    blocks += [_indented("What differs besides:", report.differences)] if report.differences else []
    return "\n\n".join(block for block in [*blocks, conclusion(report)] if block)


def markdown(report: Report) -> str:
    """For a pull request or a job's summary page."""
    rows = [_markdown_row(one) for one in report.findings]
    verdict, _, command = conclusion(report).partition("\n")
    parts = [
        f"### evalkit regress {_escaped(report.suite)}: {report.verdict.value}",
        "\n".join([f"| {' | '.join(HEADS)} |", "|---|---|---|--:|--:|--:|--:|--:|---|", *rows]),
        _bullets("", _reasons(report.findings)),
        *(_bullets(head, lines) for head, lines in _responsible(report)),
        _bullets("What differs besides", report.differences),
        verdict,
        f"`{command.strip()}`" if command else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _markdown_row(finding: Finding) -> str:
    *cells, verdict = _row(finding)
    if finding.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        verdict = f"**{verdict}**"
    return f"| {' | '.join([*map(_escaped, cells), verdict])} |"


def _bullets(head: str, lines: Sequence[str]) -> str:
    items = "\n".join(f"- {_escaped(line)}" for line in lines)
    return f"**{_escaped(head)}**\n\n{items}" if head and items else items


def change(finding: Finding) -> str:
    """The change with its bounds, e.g. ``-0.014 [-0.021, -0.008]``.

    >>> change(Finding("accuracy", "t", "d", "auc", Verdict.PASS, "", change=-0.014, low=-0.021, high=-0.008))
    '-0.014 [-0.021, -0.008]'
    """
    if finding.change is None:
        return "-"
    if finding.gate == "latency":
        interval = "" if finding.low is None or finding.high is None else f" [{finding.low:+.0%}, {finding.high:+.0%}]"
        return f"{finding.change:+.1%}{interval}"
    if finding.low is None or finding.high is None:
        return f"{finding.change:+,.0f}"
    return f"{finding.change:+.3f} [{finding.low:+.3f}, {finding.high:+.3f}]"


def aligned(rows: Iterable[Sequence[str]], *, left: Collection[int]) -> str:
    """Columns two spaces apart, those of ``left`` to the left, the others to the right."""
    rows = list(rows)
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = (
        "  ".join(
            cell.ljust(width) if index in left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _indented(head: str, lines: Sequence[str]) -> str:
    return "\n".join([head, *(f"  {line}" for line in lines)])


def conclusion(report: Report) -> str:
    """The verdict, and the command that accepts an intended change."""
    if report.updated:
        return f"The baseline {report.baseline} was updated."
    if report.verdict is Verdict.PASS:
        skipped = sum(one.verdict is Verdict.SKIPPED for one in report.findings)
        note = f" ({skipped} not applicable here)" if skipped else ""
        improved = " Something improved by more than its margin: explain it." if _any_improved(report) else ""
        return f"pass: no gate failed{note}.{improved}" + (f"\n  {report.command}" if improved else "")
    failed = [f"{one.gate} ({one.quantity})" for one in report.findings if one.verdict is report.verdict]
    return f"{report.verdict.value}: {', '.join(dict.fromkeys(failed))}. If this is intended:\n  {report.command}"


def divergence_table(found: Divergence) -> str:
    """For a terminal."""
    heads = ("sequence", "frames", "first", "differing", "there px", "most px", "at", "least overlap")
    parted = [one for one in found.sequences if one.first or one.note]
    lonely = ((found.a, found.only_a), (found.b, found.only_b))
    notes = [f"{one.sequence}: {one.note}" for one in parted if one.note]
    notes += [f"only in {folder}: {', '.join(names)}" for folder, names in lonely if names]
    blocks = [
        f"{found.a} against {found.b}: {len(parted)} of {len(found.sequences)} sequences part",
        aligned([heads, *(_pair_row(one) for one in parted)], left=(0,)) if parted else "",
        "\n".join(notes),
        _indented("What differs besides:", found.differences) if found.differences else "",
    ]
    return "\n\n".join(block for block in blocks if block)


def divergence_records(found: Divergence) -> list[dict[str, Any]]:
    shared = {"run_a": str(found.a), "run_b": str(found.b)}
    missing = [
        {**shared, "sequence": name, "note": f"only in {folder}"}
        for folder, names in ((found.a, found.only_a), (found.b, found.only_b))
        for name in names
    ]
    rows = [{**shared, **record} for record in found.records()]
    return [*rows, *missing, *({**shared, "difference": one} for one in found.differences)]


def _row(finding: Finding) -> tuple[str, ...]:
    quantity = finding.quantity if finding.gate == "accuracy" else f"{finding.gate}: {finding.quantity}"
    return (
        finding.tracker, finding.dataset or "-", quantity, _number(finding, finding.baseline),
        _number(finding, finding.now), change(finding), _allowed(finding),
        "-" if finding.sequences is None else str(finding.sequences),
        finding.verdict.value + (" (improved)" if finding.improved else ""),
    )  # fmt: skip


def _number(finding: Finding, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if finding.gate in ("accuracy", "latency") else f"{value:,.0f}"


def _allowed(finding: Finding) -> str:
    if finding.margin is None:
        return "-"
    return f"{finding.margin:.0%}" if finding.gate == "latency" else f"{finding.margin:g}"


def _reasons(findings: Iterable[Finding]) -> list[str]:
    """Why, for everything that did not simply pass, and for the latency, whose reason holds the wall clock."""
    return [
        f"{one.tracker}{f' on {one.dataset}' if one.dataset else ''}, {one.gate} ({one.quantity}): {one.reason}"
        for one in findings
        if one.verdict is not Verdict.PASS or one.improved or one.gate == "latency"
    ]


def _responsible(report: Report) -> list[tuple[str, list[str]]]:
    """The worst sequences of every accuracy finding with a change, each with the frame where its boxes part."""
    places = {
        (one.tracker, one.dataset, parted.sequence): parted.frames()
        for one in report.findings
        if one.gate == "exact"
        for parted in one.responsible
    }
    blocks = []
    for one in report.findings:
        if one.gate == "accuracy" and one.responsible:
            worst = one.responsible[:MOST]
            lines = [_line(parted, places.get((one.tracker, one.dataset, parted.sequence), "")) for parted in worst]
            count = f"{len(one.responsible)} of {one.sequences}"
            blocks.append((f"Sequences responsible: {one.tracker} on {one.dataset}, {one.quantity} in {count}", lines))
    return blocks


def _line(parted: Parted, place: str) -> str:
    where = f", boxes part at {place}" if place else ""
    return f"{parted.sequence} {parted.change:+.3f}{where}"


def _pair_row(one: SequencePair) -> tuple[str, ...]:
    def shown(value: float | None, digits: str) -> str:
        return "-" if value is None else format(value, digits)

    return (
        one.sequence, str(one.frames), shown(one.first, "d"), str(one.differing), shown(one.first_pixels, ".3g"),
        shown(one.most_pixels, ".3g"), shown(one.most_frame, "d"), shown(one.least_overlap, ".3f"),
    )  # fmt: skip


def _any_improved(report: Report) -> bool:
    return any(one.improved for one in report.findings)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
