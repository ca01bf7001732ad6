"""Mutated files through the command line: a message or an answer, never a traceback.

``EVALKIT_FUZZ`` is the number of inputs, ``EVALKIT_FUZZ_SEED`` the seed; ``tox -e fuzz`` runs many.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from evalkit.cli import cli, exit_code_of
from fuzz.mutators import mutate

INPUTS = int(os.environ.get("EVALKIT_FUZZ", "1000"))
SEED = int(os.environ.get("EVALKIT_FUZZ_SEED", "0"))
SCORE = ("score", "--dataset", "folder", "--data", "clips", "--no-intervals", "--format", "json")
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "run record": ("results/clips/identity/run.json", (*SCORE,)),
    "run record in a report": (
        "results/clips/identity/run.json",
        ("report", "--dataset", "folder", "--data", "clips", "--output", "report.md"),
    ),
    "boxes": ("results/clips/identity/s0.txt", SCORE),
    "times": ("results/clips/identity/times/s0_time.txt", SCORE),
    "groundtruth": ("clips/s1/groundtruth.txt", SCORE),
    "suite": ("suite.toml", ("regress", "suite.toml", "--data", "clips")),
    "baseline": ("baseline.json", ("regress", "suite.toml", "--data", "clips", "--baseline", "baseline.json")),
    "costs": (
        "costs.json", ("report", "--dataset", "folder", "--data", "clips", "--costs", "costs.json", "--output", "r.md")
    ),
    "image": ("clips/s0/0002.png", ("data", "check", "folder", "--data", "clips", "--deep")),
    "archive": ("own.zip", ("import", "own.zip", "--layout", "plain", "--dataset", "folder", "--data", "clips")),
}  # fmt: skip
SHARE = {"suite": 0.2, "baseline": 0.2, "image": 0.5}
SUITE = """
[[tracker]]
name = "identity"
[[dataset]]
name = "folder"
"""


def call(*arguments: str) -> int:
    return exit_code_of(lambda: cli.main(list(arguments), standalone_mode=False))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("original")
    for number in range(2):
        folder = place / "clips" / f"s{number}"
        folder.mkdir(parents=True)
        for frame in range(4):
            cv2.imwrite(str(folder / f"{frame + 1:04d}.png"), np.full((20, 30, 3), 9 * frame, np.uint8))
        (folder / "groundtruth.txt").write_text("3,4,8,6\n" * 4)
    before = Path.cwd()
    os.chdir(place)
    try:
        assert call("run", "--tracker", "identity", "--dataset", "folder", "--data", "clips") == 0
        (place / "suite.toml").write_text(SUITE)
        call("regress", "suite.toml", "--data", "clips", "--baseline", "baseline.json", "--update", "--reason", "first")
        shutil.make_archive(str(place / "own"), "zip", place / "results" / "clips" / "identity")
    finally:
        os.chdir(before)
    (place / "costs.json").write_text(
        '{"version": 1, "records": [{"tracker": "identity", "quantity": "macs", "convention": "fvcore", "value": 5,'
        ' "unit": "MAC", "input": "", "runtime": "torch", "precision": "fp32", "device": "cpu", "threads": 1,'
        ' "not_counted": []}]}'
    )
    return place


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_mutated_files_end_with_a_message(
    kind: str, original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "work"
    shutil.copytree(original, place)
    monkeypatch.chdir(place)
    name, arguments = KINDS[kind]
    if not (original / name).is_file():
        pytest.fail(f"{name} was not made")
    content = (original / name).read_bytes()
    source = random.Random(f"{SEED} {kind}")
    for number in range(max(1, int(INPUTS / len(KINDS) * SHARE.get(kind, 1.0)))):
        mutated = mutate(content, source)
        (place / name).write_bytes(mutated)
        shutil.rmtree(place / "results" / "clips" / "own", ignore_errors=True)
        code = call(*arguments)
        printed = capsys.readouterr()
        if code == 4:
            Path(os.environ.get("EVALKIT_FUZZ_OUTPUT", tmp_path)).joinpath(f"{kind}-{number}").write_bytes(mutated)
        assert code in (0, 1, 2, 3), f"{kind}, input {number} of seed {SEED}: {printed.err[-2500:]}"
