from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from evalkit import doctor
from evalkit.cli import main


def by_subject(findings: list[doctor.Finding]) -> dict[str, doctor.Finding]:
    return {finding.subject: finding for finding in findings}


def test_this_installation_is_examined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["doctor", "--format", "json", "--results", str(tmp_path / "not" / "yet")])
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["records"]}
    assert end.value.code == 0
    assert rows["synthetic"]["summary"].startswith("12 of 12 sequences")
    assert rows["torch"]["status"] == "ok"
    assert rows["otb100"]["status"] == "absent"
    assert rows["otb100"]["cure"]


def test_a_missing_system_library_comes_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def without_gl(name: str) -> object:
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
        return real(name)

    monkeypatch.setattr(importlib, "import_module", without_gl)
    finding = by_subject(list(doctor._packages()))["opencv-python"]
    assert finding.status == "problem"
    assert "apt-get install libgl1" in finding.cure


def test_an_unsafe_torch_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.metadata, "version", lambda _: "2.5.1+cpu")
    assert doctor._package("torch", "torch").cure == "pip install 'torch>=2.10'"


def test_a_full_disk_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1 << 20}))
    assert {finding.status for finding in doctor._room(tmp_path)} == {"problem"}
