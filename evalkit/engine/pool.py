"""Worker processes on this machine.

Every slot is a pool of one process, so that a worker that dies or hangs takes only its own unit with it, and each has
its device. Answers come back as files: a pipe whose writer is killed halfway would leave its reader waiting.
"""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import connection, resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from evalkit.engine import dispatch
from evalkit.engine.threads import thread_environment
from evalkit.engine.work import Answer, Job, Unit, Worker


def execute(
    job: Job, units: Iterable[Unit], *, devices: Sequence[str], timeout: float | None = None
) -> Iterator[Answer]:
    """Do the units in as many processes as there are devices named (the same may be named often).

    Args:
        timeout: Seconds a unit may take; its worker is killed then.

    Raises:
        EvalkitError: No worker can be started.
    """
    with tempfile.TemporaryDirectory(prefix="evalkit-", ignore_cleanup_errors=True) as spool:
        slots = [
            ProcessSlot(replace(job, device=device), Path(spool) / str(index), timeout)
            for index, device in enumerate(devices)
        ]
        yield from dispatch.execute(slots, units, timeout=timeout)


class ProcessSlot:
    """One process at a time.

    Args:
        job: With the device of this slot.
        spool: Where its answers pass through; does not exist yet.
        timeout: After so many seconds in a unit the worker notes where it is.
    """

    def __init__(self, job: Job, spool: Path, timeout: float | None) -> None:
        self._job = job
        self._spool = spool
        self._timeout = timeout
        self._executor: ProcessPoolExecutor | None = None
        self._process: BaseProcess | None = None

    def start(self) -> Future[None]:
        self._spool.mkdir(exist_ok=True)
        before = set(multiprocessing.active_children())
        self._executor = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        with _inherited(thread_environment(self._job.threads)):
            ready = self._executor.submit(_begin, self._job, self._spool)
        self._process = next(iter(set(multiprocessing.active_children()) - before), None)
        return ready

    def submit(self, unit: Unit) -> Future[str]:
        if self._executor is None:
            raise ValueError("start must be called first")
        try:
            return self._executor.submit(_track, unit, self._timeout)
        except BrokenProcessPool as error:
            # It died while it had nothing to do.
            gone: Future[str] = Future()
            gone.set_exception(error)
            return gone

    def answer(self, future: Future[Any]) -> Answer:
        path = Path(future.result())
        answer: Answer = pickle.loads(path.read_bytes())  # noqa: S301 - written by our own worker a moment ago
        path.unlink()
        return answer

    def is_lost(self, error: BaseException) -> bool:
        return isinstance(error, BrokenProcessPool)

    def cause(self, error: BaseException) -> BaseException:
        return error

    def end(self) -> str:
        if self._executor is None:
            return "it was not running"
        if self._process is not None:
            self._process.kill()
        self._executor.shutdown(wait=True, cancel_futures=True)
        code = self._process.exitcode if self._process is not None else None
        self._executor = self._process = None
        return _ending(code)

    def last_words(self) -> str:
        with contextlib.suppress(OSError):
            return _stack_file(self._spool).read_text(encoding="utf-8", errors="replace")
        return ""


def _ending(code: int | None) -> str:
    if code is None or code >= 0:
        return f"it ended with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"it was killed by {name}" + (" (the system does so when memory runs out)" if name == "SIGKILL" else "")


@contextlib.contextmanager
def _inherited(environment: dict[str, str]) -> Iterator[None]:
    """What a process that is started meanwhile takes over: the environment, and to leave Ctrl-C to its parent."""
    before = {key: os.environ.get(key) for key in environment}
    os.environ.update(environment)
    try:
        with _interrupts_held():
            yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Its start would let the signal through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Here:
    """What this process is, once it is a worker."""

    worker: Worker
    spool: Path
    count = 0


def _begin(job: Job, spool: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _Here.worker, _Here.spool = Worker(job), spool
    _Here.worker.tracker  # noqa: B018 - built before any clock starts


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _track(unit: Unit, timeout: float | None) -> str:
    path = _Here.spool / f"{os.getpid()}-{_Here.count}.answer"
    _Here.count += 1
    with _noting_where_it_hangs(timeout):
        answer = _Here.worker.track(unit)
    path.write_bytes(pickle.dumps(answer))
    return str(path)


@contextlib.contextmanager
def _noting_where_it_hangs(timeout: float | None) -> Iterator[None]:
    if timeout is None:
        yield
        return
    with _stack_file(_Here.spool).open("w", encoding="utf-8") as stream:
        faulthandler.dump_traceback_later(timeout, file=stream)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def _stack_file(spool: Path) -> Path:
    return spool / "stack.txt"
