"""The published numbers that come with evalkit."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

import evalkit

FILE = Path(evalkit.__file__).parent / "reports" / "published" / "numbers.csv"
CERTAINTIES = {"read", "ran", "paper-copy", "issue", "other"}
UNITS = {"fraction", "%", "K", "M", "G", "ms", "1/s", "failures/100 frames"}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with FILE.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_row_has_a_number_a_unit_a_certainty_and_a_source(rows):
    for row in rows:
        assert None not in row.values()
        assert float(row["value"]) > 0
        assert row["unit"] in UNITS
        assert row["certainty"] in CERTAINTIES
        assert len(row["source"]) > 8


LOCATOR = r"(https://[^\s,;]+( at [0-9a-f]{7})?|arXiv:\d{4}\.\d{5}( \(\w+\))?)"
SOURCE = re.compile(rf"{LOCATOR}, \w[^;]*|https://github\.com/[^\s,]+/issues/\d+(, quoting arXiv:\d{{4}}\.\d{{5}})?")


def test_every_source_is_an_address_or_an_arxiv_number_with_a_place(rows):
    for row in rows:
        parts = [part for text in row["source"].split("; ") for part in re.split(", and (?=arXiv|https)", text)]
        wrong = [part for part in parts if not SOURCE.fullmatch(part)]
        assert not wrong, row


def test_an_address_of_a_repository_has_a_commit_unless_it_is_of_another_author(rows):
    for row in rows:
        if "github.com" in row["source"] and "/issues/" not in row["source"] and row["certainty"] != "other":
            assert re.search(" at [0-9a-f]{7},", row["source"]), row


def test_numbers_are_not_said_to_be_more_than_they_are(rows):
    by_key = {(row["tracker"], row["benchmark"], row["metric"]): row for row in rows}
    # The source's README: cropping and padding are not in its times.
    openvino = [row for row in rows if "OpenVINO" in row["benchmark"]]
    assert len(openvino) == 3
    assert all("without cropping and padding" in row["note"] and "end to end" not in row["note"] for row in openvino)
    # Its figure 1 shows parameters as circles, without numbers.
    assert "figure" not in by_key["lighttrack-m", "cost", "params"]["source"]
    assert by_key["lighttrack-m", "cost", "params"]["certainty"] == "ran"
    for row in rows:
        if row["metric"] == "params" and row["certainty"] == "read":
            assert "figure" not in row["source"], row


def test_fractions_and_percentages_are_within_their_range(rows):
    for row in rows:
        limit = {"fraction": 1.0, "%": 100.0}.get(row["unit"])
        assert limit is None or float(row["value"]) < limit, row


def test_no_number_is_there_twice_unless_its_sources_differ(rows):
    keys = [(row["tracker"], row["benchmark"], row["metric"], row["source"]) for row in rows]
    assert len(keys) == len(set(keys))


def test_lighttrack_mobile_s_row_of_the_paper_is_there(rows):
    found = {
        (row["benchmark"], row["metric"]): float(row["value"])
        for row in rows
        if row["tracker"] == "lighttrack-m" and row["certainty"] in ("read", "paper-copy")
    }
    assert found[("cost", "flops")] == 530
    assert found[("vot2019", "eao")] == 0.333
    assert found[("got10k-test", "ao")] == 0.611
    assert found[("trackingnet-test", "auc")] == 72.5
    assert found[("lasot", "auc")] == 53.8
