"""Files and folders without permission: a message with the path, from every command that meets them.

Cases are run in one process, because each command alone takes a second.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

BASE = "--dataset folder --data clips"
IDENTITY = f"{BASE} --tracker identity"
TRACKER = """
from evalkit.types import Prediction

class Still:
    def initialize(self, image, region):
        self.region = region
    def update(self, image):
        return Prediction(self.region)
"""
CASES: dict[str, tuple[str, str]] = {
    # name: permissions of a path, then the command
    "results: folder, run": ("results 555", f"run --tracker identity {BASE} --results results --force"),
    "results: parent, run": ("closed 000", f"run --tracker identity {BASE} --results closed/r"),
    "results: label, run": ("results/clips/identity 555", f"run --tracker identity {BASE} --force"),
    "results: record, run": ("results/clips/identity/run.json 000", f"run --tracker identity {BASE}"),
    "results: boxes, run": ("results/clips/identity/s0.txt 000", f"run --tracker identity {BASE} --force"),
    "results: lost, score": ("results 000", f"score {BASE}"),
    "results: benchmark, score": ("results/clips 000", f"score {BASE}"),
    "results: label, score": ("results/clips/identity 000", f"score {BASE}"),
    "results: label without list, score": ("results/clips/identity 311", f"score {BASE}"),
    "results: label without entry, score": ("results/clips/identity 644", f"score {BASE}"),
    "results: boxes, score": ("results/clips/identity/s0.txt 000", f"score {BASE}"),
    "results: record, score": ("results/clips/identity/run.json 000", f"score {BASE}"),
    "results: times, score": ("results/clips/identity/times/s0_time.txt 000", f"score {BASE}"),
    "results: folder of times, score": ("results/clips/identity/times 000", f"score {BASE}"),
    "results: label, report": ("results/clips/identity 000", f"report {BASE} --output x.md"),
    "results: boxes, report": ("results/clips/identity/s0.txt 000", f"report {BASE} --output x.md"),
    "results: label, merge": ("results/clips/identity 000", "merge results --results m"),
    "results: output, merge": ("closed 000", "merge results --results closed/m"),
    "results: label, diff": ("results/clips/identity 000", "diff results/clips/identity results/clips/identity"),
    "results: output, report": ("closed 000", f"report {BASE} --output closed/x.html"),
    "results: figures, report": ("closed 000", f"report {BASE} --figures closed/x"),
    "results: label, import": ("results/clips/identity 000", f"import results/clips/identity --layout plain {BASE}"),
    "results: archive, import": ("own.zip 000", f"import own.zip --layout plain {BASE}"),
    "results: label, convert": ("results/clips/identity 000", f"convert {IDENTITY} --to got10k --output o"),
    "results: output, convert": ("closed 000", f"convert {IDENTITY} --to got10k --output closed/o"),
    "results: label, replay": ("results/clips/identity 000", f"replay {BASE} --sequence s0 --output closed/x.mp4"),
    "suite, regress": ("suite.toml 000", "regress suite.toml --data clips"),
    "baseline, regress": ("suite.json 000", "regress suite.toml --data clips"),
    "baseline to write, regress": (". 555", "regress suite.toml --data clips --results gate --update --reason x"),
    "data: folder, score": ("clips 000", f"score {BASE}"),
    "data: sequence, score": ("clips/s1 000", f"score {BASE}"),
    "data: sequence without entry, score": ("clips/s1 644", f"score {BASE}"),
    "data: groundtruth, score": ("clips/s1/groundtruth.txt 000", f"score {BASE}"),
    "data: sequence, data check": ("clips/s1 000", "data check folder --data clips"),
    "data: sequence without list, data check": ("clips/s1 311", "data check folder --data clips"),
    "data: frame, data check": ("clips/s1/0002.png 000", "data check folder --data clips --deep"),
    "data: frame, run": ("clips/s1/0002.png 000", f"run --tracker identity {BASE} --results new"),
    "data: sequence, run": ("clips/s1 000", f"run --tracker identity {BASE} --results new"),
    "data: index, score": ("VOT2018.json 000", "score --dataset vot2018 --data VOT2018.json --results results"),
    "data: closed index, score": ("closed 000", "score --dataset vot2018 --data closed/VOT2018.json"),
    "data: otb, data check": ("closed 000", "data check otb100 --data closed"),
    "data: got10k, data check": ("closed 000", "data check got10k-val --data closed/GOT-10k"),
    "data: lasot, score": ("closed 000", "score --dataset lasot --data closed"),
    "data: folder, doctor": ("clips 000", "doctor --data clips"),
    "data: closed folder, doctor": ("closed 000", "doctor --data closed/x"),
    "results: closed, doctor": ("closed 000", "doctor --results closed/x"),
    "video, track": ("video.avi 000", "track video.avi --tracker identity --box 1,2,3,4"),
    "frames, track": ("clips/s0 000", "track clips/s0 --tracker identity --box 1,2,3,4"),
    "tracker file, run": ("mine.py 000", f"run --tracker mine.py:Still {BASE}"),
    "closed tracker file, run": ("closed 000", f"run --tracker closed/mine.py:Still {BASE}"),
    "program, run": ("closed 000", f"run --tracker program:closed/p {BASE}"),
    "trackers.ini, run": ("trackers.ini 000", f"run --tracker trackers.ini:a {BASE}"),
    "weights: file, run": ("w.pth 000", f"run --tracker lighttrack-m {BASE} --weights w.pth"),
    "weights: folder, run": ("closed 000", f"run --tracker lighttrack-m {BASE} --weights closed/w.pth"),
    "weights: file, verify": ("w.pth 000", "weights verify lighttrack-m w.pth"),
    "weights: folder, list": ("closed 000", "EVALKIT_WEIGHTS=closed weights list"),
    "weights: folder, doctor": ("closed 000", "EVALKIT_WEIGHTS=closed doctor"),
    "weights: folder without entry, doctor": ("closed 644", "EVALKIT_WEIGHTS=closed doctor"),
    "weights: folder in closed, doctor": ("closed 000", "EVALKIT_WEIGHTS=closed/x doctor"),
    "weights: folder, profile": ("closed 000", "EVALKIT_WEIGHTS=closed profile --tracker nanotrack-v1"),
    "weights: output, fetch": ("closed 000", "weights fetch lighttrack-m --output closed"),
    "cache: folder, list": ("closed 000", "EVALKIT_CACHE=closed weights list"),
    "cache: folder, doctor": ("closed 000", "EVALKIT_CACHE=closed doctor"),
    "cache: folder in closed, doctor": ("closed 000", "EVALKIT_CACHE=closed/x doctor"),
    "cache: folder, score": ("closed 000", f"EVALKIT_CACHE=closed score {BASE}"),
    "cache: folder, run": ("closed 000", f"EVALKIT_CACHE=closed run --tracker identity {BASE} --results new"),
    "cache: folder, fetch": ("closed 000", "EVALKIT_CACHE=closed weights fetch nanotrack-v1"),
    "cache: folder, results list": ("closed 000", "EVALKIT_CACHE=closed results list"),
    "configuration: folder, score": ("closed 000", f"XDG_CONFIG_HOME=closed score {BASE}"),
    "configuration: folder, doctor": ("closed 000", "XDG_CONFIG_HOME=closed doctor"),
    "configuration: folder, list": ("closed 000", "XDG_CONFIG_HOME=closed list datasets"),
    "configuration: file, score": ("evalkit.toml 000", f"score {BASE}"),
    "configuration: file, doctor": ("evalkit.toml 000", "doctor"),
    "configuration: folder, init": ("closed 000", "XDG_CONFIG_HOME=closed init --user"),
    "configuration: named folder, score": ("closed 000", "EVALKIT_DATA=closed/x score --dataset otb100"),
    "costs, report": ("costs.json 000", f"report {BASE} --costs costs.json --output x.md"),
    "home, run with weights": ("closed 000", f"HOME=closed run --tracker lighttrack-m {BASE} --results new"),
    "cache: folder, run with weights": ("closed 000", f"EVALKIT_CACHE=closed run --tracker lighttrack-m {BASE}"),
    "configuration: folder, score without data": ("closed 000", "XDG_CONFIG_HOME=closed score --dataset otb100"),
    "home, doctor": ("closed 000", "HOME=closed doctor"),
    "home, score": ("closed 000", f"HOME=closed score {BASE}"),
    "search folder, search": ("closed 000", "search --output closed/s --limit macs=600M"),
    "export, export": ("closed 000", "export --tracker lighttrack-m --runtime onnxruntime --output closed/e"),
}  # fmt: skip
SUCCEEDS = frozenset({
    "cache: folder, score", "cache: folder, run", "cache: folder, results list", "configuration: folder, list",
    "configuration: file, score", "home, score",
    "configuration: folder, score", "results: folder, run", "results: boxes, run", "home, run with weights",
})  # fmt: skip
"""Commands that do not need what cannot be read."""

DRIVER = """
import io, json, os, contextlib, sys
from evalkit.cli import main
answers = {}
for name, (permission, command) in json.load(open("cases.json")).items():
    path, mode = permission.split()
    words = command.split()
    added = dict(word.split("=") for word in words if "=" in word and word.split("=")[0].isupper())
    old = dict(os.environ)
    os.environ.update(added)
    if path == "evalkit.toml":
        open(path, "w").close()
    before = os.stat(path).st_mode
    os.chmod(path, int(mode, 8))
    out, errors = io.StringIO(), io.StringIO()
    code = None
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            main([word for word in words if word not in {f"{k}={v}" for k, v in added.items()}])
    except SystemExit as end:
        code = end.code or 0
    finally:
        os.chmod(path, before)
        if path == "evalkit.toml":
            os.unlink(path)
        os.environ.clear()
        os.environ.update(old)
    answers[name] = (code, out.getvalue(), errors.getvalue())
json.dump(answers, open("answers.json", "w"))
"""


def _without_privileges() -> list[str]:
    """Return the command that takes from root what other users do not have."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root may read everything")
    lost = "-dac_override,-dac_read_search,-fowner"
    return ["setpriv", f"--bounding-set={lost}", f"--inh-caps={lost}"]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[int, str, str]]]:
    if os.name == "nt":
        pytest.skip("permissions of POSIX")
    place = tmp_path_factory.mktemp("permissions")
    prefix = _without_privileges()
    _write(place)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("EVALKIT_")}
    environment |= {"HOME": str(place / "home"), "XDG_CONFIG_HOME": str(place / "config"), "no_proxy": "*"}
    command = [*prefix, sys.executable, "driver.py"]
    ended = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    yield json.loads((place / "answers.json").read_text())
    (place / "closed").chmod(0o755)


def _write(place: Path) -> None:
    for number in range(2):
        folder = place / "clips" / f"s{number}"
        folder.mkdir(parents=True)
        for frame in range(4):
            cv2.imwrite(str(folder / f"{frame + 1:04d}.png"), np.full((20, 30, 3), frame, np.uint8))
        (folder / "groundtruth.txt").write_text("3,4,8,6\n" * 4)
    for name in ("home", "config", "closed"):
        (place / name).mkdir()
    (place / "mine.py").write_text(TRACKER)
    (place / "suite.toml").write_text('[[tracker]]\nname = "identity"\n[[dataset]]\nname = "folder"\n')
    for name in ("VOT2018.json", "w.pth", "video.avi", "costs.json", "own.zip", "trackers.ini"):
        (place / name).write_text("")
    first = {
        "run": ("closed 755", f"run --tracker identity {BASE}"),
        "gate": ("closed 755", "regress suite.toml --data clips --results gate --update --reason x"),
    }
    (place / "cases.json").write_text(json.dumps(first | CASES))
    (place / "driver.py").write_text(DRIVER)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_path_without_permission_is_named(name: str, answers: dict[str, tuple[int, str, str]]) -> None:
    code, out, errors = answers[name]
    text = out + errors
    assert code != 4 and "Traceback" not in text and "defect of evalkit" not in text, text[-3000:]
    if name in SUCCEEDS:
        assert code == 0, text
        return
    assert code in (1, 2), text
    path = CASES[name][0].split()[0].rsplit("/")[-1]
    assert path in text or path == "."
