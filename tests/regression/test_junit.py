"""JUnit XML."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from evalkit.regression.findings import GateFinding, Verdict
from evalkit.regression.junit import junit_xml

from .sample_report import ALL, UNSURE, report


def test_there_is_a_test_suite_per_dataset_and_a_test_case_per_gate() -> None:
    root = ET.fromstring(junit_xml(ALL))
    assert root.tag == "testsuites"
    assert [suite.get("name") for suite in root] == ["ci.otb100", "ci.all datasets"]
    first = root[0]
    assert (first.get("tests"), first.get("failures"), first.get("errors"), first.get("skipped")) == (
        "3",
        "2",
        "0",
        "1",
    )
    failure = first.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "auc 0.612→0.598 Δ-0.014 [-0.021, -0.008] tol 0.005"
    assert "Girl2 -0.300" in (failure.text or "")


def test_elements_and_attributes_fit_the_schemas_in_use() -> None:
    order = ["properties", "testcase", "system-out", "system-err"]
    for suite in ET.fromstring(junit_xml(ALL)):
        assert {"name", "tests", "failures", "errors", "time", "timestamp", "hostname", "package", "id"} <= set(
            suite.keys()
        )
        places = [order.index(child.tag) for child in suite]
        assert places == sorted(places)
        for case in suite.iter("testcase"):
            assert {"name", "classname", "time"} == set(case.keys())
            assert [child.tag for child in case] in ([], ["failure"], ["skipped"])


def test_strict_makes_inconclusive_a_failure_in_junit() -> None:
    assert ET.fromstring(junit_xml(report(UNSURE), strict=True))[0].get("failures") == "1"
    assert ET.fromstring(junit_xml(report(UNSURE)))[0].get("skipped") == "1"


def test_characters_that_xml_cannot_hold_do_not_break_it() -> None:
    broken = GateFinding("exact", "a\x00b", "d\x1b", "boxes", Verdict.FAIL, "é\x07\ud800 ok")
    ET.fromstring(junit_xml(report(broken)))
