"""JUnit XML for continuous-integration servers: one test suite per dataset, one test case per tracker and gate.

Attributes and their order satisfy the two schemas in use: of Jenkins's xunit plugin and of Ant's JUnit task.
"""

from __future__ import annotations

import datetime
import re
import socket
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from evalkit.regression.findings import GateFinding, RegressionReport, Verdict
from evalkit.regression.text import change_text

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(report: RegressionReport, *, strict: bool = False) -> str:
    """Return a report as XML text; inconclusive findings are skipped test cases, or failures if ``strict``."""
    root = ET.Element("testsuites")
    groups: dict[str, list[GateFinding]] = {}
    for finding in report.findings:
        groups.setdefault(finding.dataset or "all datasets", []).append(finding)
    for number, (name, findings) in enumerate(groups.items()):
        root.append(_suite(number, f"{report.suite}.{name}", findings, strict=strict))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(number: int, name: str, findings: Sequence[GateFinding], *, strict: bool) -> ET.Element:
    cases = [_case(finding, strict=strict) for finding in findings]
    counts = {kind: sum(case.find(kind) is not None for case in cases) for kind in ("failure", "skipped")}
    element = ET.Element(
        "testsuite", name=_clean(name), package="evalkit.regress", id=str(number), tests=str(len(cases)),
        failures=str(counts["failure"]), errors="0", skipped=str(counts["skipped"]),
        time=_seconds(sum(finding.seconds or 0.0 for finding in findings)),
        timestamp=datetime.datetime.now().strftime("%Y-%m-%dT%H:%M:%S"),
        hostname=_clean(socket.gethostname() or "localhost"),
    )  # fmt: skip
    ET.SubElement(element, "properties")
    element.extend(cases)
    ET.SubElement(element, "system-out")
    ET.SubElement(element, "system-err")
    return element


def _case(finding: GateFinding, *, strict: bool) -> ET.Element:
    name = _clean(f"{finding.gate}: {finding.quantity}")
    case = ET.Element("testcase", name=name, classname=_clean(finding.tracker), time=_seconds(finding.seconds))
    text, kind = _clean(_message(finding)), finding.verdict.value
    if finding.verdict is Verdict.FAIL or (strict and finding.verdict is Verdict.INCONCLUSIVE):
        ET.SubElement(case, "failure", message=text, type=kind).text = _clean(_details(finding))
    elif finding.verdict is not Verdict.PASS:
        ET.SubElement(case, "skipped", message=f"{kind}: {text}")
    return case


def _seconds(seconds: float | None) -> str:
    return f"{seconds or 0.0:.3f}"


def _message(finding: GateFinding) -> str:
    """Summarize a finding in one line, e.g. ``auc 0.612→0.598 Δ-0.014 [-0.021, -0.008] tol 0.005``."""
    if finding.gate == "accuracy" and None not in (finding.baseline, finding.now, finding.change):
        values = f"{finding.baseline:.3f}→{finding.now:.3f} Δ{change_text(finding)}"
        return f"{finding.quantity} {values} tol {finding.margin:g}"
    return finding.reason


def _details(finding: GateFinding) -> str:
    lines = [finding.reason]
    for affected in finding.responsible:
        change = "" if affected.change is None else f" {affected.change:+.3f}"
        place = f", boxes differ from {affected.frames()}" if affected.frames() else ""
        lines.append(f"{affected.sequence}{change}{place}")
    return "\n".join(lines)


def _clean(text: str) -> str:
    """Replace the characters that XML cannot hold."""
    return _FORBIDDEN.sub("?", text)
