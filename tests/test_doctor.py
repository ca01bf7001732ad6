from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
import torch

from evalkit import doctor
from evalkit.cli import main


def by_subject(findings: list[doctor.DoctorFinding]) -> dict[str, doctor.DoctorFinding]:
    return {finding.subject: finding for finding in findings}


def test_this_installation_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["doctor", "--format", "json", "--results", str(tmp_path / "not" / "yet")])
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["records"]}
    assert end.value.code == 0
    assert rows["synthetic"]["summary"].startswith("12 of 12 sequences")
    assert rows["torch"]["status"] == "ok"
    assert rows["otb100"]["status"] == "absent"
    assert rows["otb100"]["cure"]


def test_a_missing_system_library_comes_with_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def without_gl(name: str) -> object:
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
        return real(name)

    monkeypatch.setattr(importlib, "import_module", without_gl)
    finding = by_subject(list(doctor._check_packages()))["opencv-python"]
    assert finding.status == "problem"
    assert "apt-get install libgl1" in finding.cure


def test_an_unsafe_torch_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.metadata, "version", lambda _: "2.5.1+cpu")
    finding = doctor._check_package("torch", (2, 10))
    assert "unsafe before 2.10" in finding.text
    assert finding.cure == "pip install 'torch>=2.10'"


def test_two_builds_of_opencv_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda package: "" if "contrib" in package else "99")
    finding = by_subject(list(doctor._check_packages()))["opencv"]
    assert finding.cure == "pip uninstall opencv-python opencv-python-headless, then pip install one of them"


def test_a_gpu_that_torch_cannot_use_comes_with_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda program: "/usr/bin/nvidia-smi")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "pip install --force-reinstall torch" in by_subject(list(doctor._check_devices()))["cuda"].cure


def test_without_torch_the_rest_is_checked_and_torch_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def without_torch(name: str) -> object:
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'")
        return real(name)

    monkeypatch.setattr(importlib, "import_module", without_torch)
    assert by_subject(list(doctor._check_packages()))["torch"].cure == "pip install torch"


def test_configured_folders_that_do_not_exist_are_one_problem_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EVALKIT_DATA", str(tmp_path / "gone"))
    monkeypatch.setenv("EVALKIT_WEIGHTS", str(tmp_path / "gone"))
    with pytest.raises(SystemExit) as end:
        main(["doctor", "--results", str(tmp_path)])
    assert end.value.code == 1
    problems = [line for line in capsys.readouterr().out.splitlines() if line.startswith("!!")]
    assert [line.split()[1] for line in problems] == ["data", "$EVALKIT_WEIGHTS"]


def test_datasets_without_a_data_folder_share_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EVALKIT_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["doctor"])
    lines = [line for line in capsys.readouterr().out.splitlines() if "no data folder is configured" in line]
    assert len(lines) == 1
    assert "otb100" in lines[0]


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    finding = by_subject(list(doctor._check_disk("results", tmp_path / "file" / "results")))["disk for results"]
    assert finding.status == "problem"
    assert "--results" in finding.cure


def test_a_full_disk_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1 << 20}))
    assert {finding.status for finding in doctor._check_disk("results", tmp_path)} == {"problem"}
