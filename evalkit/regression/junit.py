"""JUnit XML as continuous-integration servers read it: a suite per dataset, a case per tracker and gate.

Attributes and their order satisfy both schemas in circulation: Jenkins's xunit plugin and Ant's JUnit task.
"""

from __future__ import annotations

import datetime
import re
import socket
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from evalkit.regression.outcome import Finding, Report, Verdict
from evalkit.regression.writers import change

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report, *, strict: bool = False) -> str:
    """The findings as XML text; inconclusive ones are skipped cases, or failures if strict."""
    root = ET.Element("testsuites")
    groups: dict[str, list[Finding]] = {}
    for finding in report.findings:
        groups.setdefault(finding.dataset or "all datasets", []).append(finding)
    for number, (name, findings) in enumerate(groups.items()):
        root.append(_suite(number, f"{report.suite}.{name}", findings, strict=strict))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(number: int, name: str, findings: Iterable[Finding], *, strict: bool) -> ET.Element:
    cases = [_case(finding, strict=strict) for finding in findings]
    counts = {kind: sum(case.find(kind) is not None for case in cases) for kind in ("failure", "skipped")}
    element = ET.Element(
        "testsuite", name=_clean(name), package="evalkit.regress", id=str(number), tests=str(len(cases)),
        failures=str(counts["failure"]), errors="0", skipped=str(counts["skipped"]), time="0",
        timestamp=datetime.datetime.now().strftime("%Y-%m-%dT%H:%M:%S"),
        hostname=_clean(socket.gethostname() or "localhost"),
    )  # fmt: skip
    ET.SubElement(element, "properties")
    element.extend(cases)
    ET.SubElement(element, "system-out")
    ET.SubElement(element, "system-err")
    return element


def _case(finding: Finding, *, strict: bool) -> ET.Element:
    name = _clean(f"{finding.gate}: {finding.quantity}")
    case = ET.Element("testcase", name=name, classname=_clean(finding.tracker), time="0")
    text, kind = _clean(message(finding)), finding.verdict.value
    if finding.verdict is Verdict.FAIL or (strict and finding.verdict is Verdict.INCONCLUSIVE):
        ET.SubElement(case, "failure", message=text, type=kind).text = _clean(_details(finding))
    elif finding.verdict is not Verdict.PASS:
        ET.SubElement(case, "skipped", message=f"{kind}: {text}")
    return case


def message(finding: Finding) -> str:
    """One line, e.g. ``auc 0.612→0.598 Δ-0.014 [-0.021, -0.008] tol 0.005``."""
    if finding.gate == "accuracy" and None not in (finding.baseline, finding.now, finding.change):
        return f"{finding.quantity} {finding.baseline:.3f}→{finding.now:.3f} Δ{change(finding)} tol {finding.margin:g}"
    return finding.reason


def _details(finding: Finding) -> str:
    lines = [finding.reason]
    for parted in finding.responsible:
        moved = "" if parted.change is None else f" {parted.change:+.3f}"
        place = f", boxes part at {parted.frames()}" if parted.frames() else ""
        lines.append(f"{parted.sequence}{moved}{place}")
    return "\n".join(lines)


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return _FORBIDDEN.sub("?", text)
