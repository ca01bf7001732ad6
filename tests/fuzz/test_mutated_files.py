"""Mutated files through the command line: an answer or a message, never a traceback, a hang or a wrong number.

``EVALKIT_FUZZ`` is the number of inputs, ``EVALKIT_FUZZ_SEED`` the seed; ``tox -e fuzz`` runs many. Inputs that fail
are written to ``EVALKIT_FUZZ_OUTPUT``.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli import main
from evalkit.comparison.collect_run import cached_dataset
from fuzz.material import KINDS, Kind, make
from fuzz.mutators import mutate

INPUTS = int(os.environ.get("EVALKIT_FUZZ", "1000"))
SEED = int(os.environ.get("EVALKIT_FUZZ_SEED", "0"))
BYTES = 2 * 2**30
"""Memory that one input may take."""


class HangError(BaseException):
    """An input took too long."""


def call(*arguments: str) -> int:
    cached_dataset.cache_clear()
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return int(end.value.code or 0)


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("original")
    before = Path.cwd()
    os.chdir(place)
    try:
        make(call)
    finally:
        os.chdir(before)
    return place


def samples(kind: Kind) -> list[bytes]:
    """Return files that an earlier version answered with a traceback."""
    data = Path(os.environ.get("EVALKIT_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
    return [path.read_bytes() for path in sorted(data.glob(f"faults/16-fuzz/samples/{kind.samples}-*/blob*"))]


def inputs(kind: Kind, name: str, content: bytes) -> Iterator[bytes]:
    """Yield the samples, mutations of them and mutations of the valid file."""
    source = random.Random(f"{SEED} {name}")
    known = samples(kind)
    yield from known
    total = sum(one.share for one in KINDS.values())
    for _ in range(max(1, round(INPUTS * kind.share / total))):
        yield mutate(source.choice(known) if known and source.random() < 0.15 else content, source)


class Checked:
    """The checks of one kind in its folder.

    Args:
        kind: The kind.
        capture: Standard output and error.
    """

    def __init__(self, kind: Kind, capture: pytest.CaptureFixture[str]) -> None:
        self.kind = kind
        self.path = Path(kind.file)
        self.capture = capture

    def answer(self, data: bytes, patience: int = 1) -> tuple[int, str, str]:
        """Return exit code, standard output and standard error of the command with this content of the file.

        Args:
            data: The content.
            patience: Factor of the time that it may take; the first command also imports libraries.
        """
        self.path.write_bytes(data)
        shutil.rmtree("results/clips/new", ignore_errors=True)
        with time_limit(patience * self.kind.seconds):
            code = call(*self.kind.command)
        printed = self.capture.readouterr()
        return code, printed.out, printed.err

    def problem(self, data: bytes) -> str | None:
        """Return what is wrong with the answer to this content of the file."""
        try:
            code, out, errors = self.answer(data)
        except HangError:
            return "a hang"
        if code not in (0, 1, 2, 3) or "Traceback" in errors:
            return f"a traceback: {errors[-2500:]}"
        if code and not errors.strip() and not out.strip():
            return "no word"
        if any(ord(sign) < 32 and sign not in "\n\t\r" for sign in errors):
            return f"control characters: {errors!r}"
        return self.wrong_number(data, json.loads(out)) if code == 0 and self.kind.reading is not None else None

    def wrong_number(self, data: bytes, records: Any) -> str | None:
        """Return a difference from the independent reading."""
        assert self.kind.reading is not None
        plain = self.kind.reading(data)
        if plain is None:
            return "accepted what must be refused"
        code, out, errors = self.answer(plain)
        if code:
            return f"refused in its plainest spelling: {errors}"
        return None if json.loads(out) == records else "other numbers than in its plainest spelling"


def memory() -> int:
    """Return the largest memory that the process has had."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", KINDS)
def test_mutated_files_end_with_a_message(
    name: str, original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "work"
    shutil.copytree(original, place)
    monkeypatch.chdir(place)
    kind = KINDS[name]
    content = (original / kind.file).read_bytes()
    checked = Checked(kind, capsys)
    code, _, errors = checked.answer(content, patience=5)
    assert code == kind.code, errors
    assert checked.problem(content) is None
    failed = []
    for number, data in enumerate(inputs(kind, name, content)):
        begin, used = time.monotonic(), memory()
        problem = checked.problem(data)
        if memory() - used > BYTES:
            problem = f"{memory() - used} bytes of memory"
        if time.monotonic() - begin > 2 * kind.seconds:
            problem = "a hang"
        if problem is not None:
            failed.append(f"input {number} of seed {SEED}: {problem}")
            _keep(f"{name}-{SEED}-{number}", data, problem)
    assert not failed, f"{len(failed)} inputs, first {failed[0]}"


def _keep(name: str, data: bytes, problem: str) -> None:
    if folder := os.environ.get("EVALKIT_FUZZ_OUTPUT"):
        path = Path(folder, name.replace(" ", "_"))
        path.write_bytes(data)
        path.with_name(path.name + ".txt").write_text(problem)
