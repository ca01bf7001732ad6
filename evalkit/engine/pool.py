"""Worker processes on this machine.

Every slot is a pool of one process, so that a worker that dies or hangs loses only its own unit, and each slot has its
own device. Answers are returned as files: the reader of a pipe would wait forever if the writer were killed halfway.
"""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import pickle
import signal
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
from evalkit.engine.dispatch import Slot, UnitWorker, WorkerJob
from evalkit.engine.process_guards import exit_process
from evalkit.engine.threads import inherited_threads
from evalkit.engine.work import Answer, Job, Unit
from evalkit.io.temporary import temporary_folder
from evalkit.signals import signal_name


def execute(
    job: Job, units: Iterable[Unit], *, devices: Sequence[str], timeout: float | None = None
) -> Iterator[Answer]:
    """Do the units in one process per device.

    Args:
        job: The units' job; the devices replace its own.
        units: Units of work.
        devices: Device of each process; a device can be named several times.
        timeout: Seconds after which the worker of a unit is killed.

    Raises:
        EvalkitError: No worker can be started.
    """
    with temporary_folder() as spool:
        slots = [
            ProcessSlot(_on_device(job, device), spool / str(index), timeout) for index, device in enumerate(devices)
        ]
        yield from dispatch.execute(slots, units, timeout=timeout)


def _on_device(job: Job, device: str) -> Job:
    return replace(job, execution=replace(job.execution, device=device))


class ProcessSlot(Slot):
    """One worker process at a time.

    Args:
        job: The job, with the device of this slot.
        spool: Folder for the files of its answers; does not exist yet.
        timeout: Seconds in a unit after which the worker writes where it is; None for never.
    """

    def __init__(self, job: WorkerJob, spool: Path, timeout: float | None) -> None:
        self._job = job
        self._spool = spool
        self._timeout = timeout
        self._executor: ProcessPoolExecutor | None = None
        self._process: BaseProcess | None = None

    def start(self) -> Future[None]:
        self._spool.mkdir(exist_ok=True)
        before = set(multiprocessing.active_children())
        self._executor = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        with inherited_threads(self._job.execution.threads), _interrupts_blocked():
            ready = self._executor.submit(_start_worker, self._job, self._spool)
        self._process = next(iter(set(multiprocessing.active_children()) - before), None)
        return ready

    def submit(self, unit: Unit) -> Future[str]:
        if self._executor is None:
            raise ValueError("start must be called first")
        try:
            return self._executor.submit(_track_unit, unit, self._timeout)
        except BrokenProcessPool as error:
            # The worker died while it was idle.
            lost: Future[str] = Future()
            lost.set_exception(error)
            return lost

    def answer(self, future: Future[Any]) -> Answer:
        path = Path(future.result())
        answer: Answer = pickle.loads(path.read_bytes())  # noqa: S301 - written by our own worker
        path.unlink()
        return answer

    def is_lost(self, error: BaseException) -> bool:
        return isinstance(error, BrokenProcessPool)

    def cause(self, error: BaseException) -> BaseException:
        return error

    def kill(self) -> str:
        if self._executor is None:
            return "it was not running"
        if self._process is not None:
            _kill_group(self._process.pid)
            self._process.kill()
        self._executor.shutdown(wait=True, cancel_futures=True)
        code = self._process.exitcode if self._process is not None else None
        self._executor = self._process = None
        return _how_it_ended(code)

    def crash_report(self) -> str:
        with contextlib.suppress(OSError):
            return _stack_file(self._spool).read_text(encoding="utf-8", errors="replace")
        return ""


def _kill_group(leader: int | None) -> None:
    """Kill the processes that a worker's tracker has started; the worker leads a group of its own."""
    if leader is not None and hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it has not begun, or all have ended
            os.killpg(leader, signal.SIGKILL)


def _how_it_ended(code: int | None) -> str:
    if code is None or code >= 0:
        return f"it ended with exit code {code}"
    name = signal_name(-code)
    return f"it was killed by {name}" + (" (by the system, if memory ran out)" if name == "SIGKILL" else "")


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Leave Ctrl-C to the parent of a process that is started in this context."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Starting the resource tracker would unblock the signal.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _WorkerState:
    """State of a worker process: set by ``_start_worker``, used by ``_track_unit``."""

    worker: UnitWorker
    spool: Path
    count = 0


def _start_worker(job: WorkerJob, spool: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # so that all that the tracker starts can be ended with the worker
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    _WorkerState.worker, _WorkerState.spool = job.start_worker(), spool


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        if hasattr(os, "getpgrp") and os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGKILL)
        exit_process(1)


def _track_unit(unit: Unit, timeout: float | None) -> str:
    path = _WorkerState.spool / f"{os.getpid()}-{_WorkerState.count}.answer"
    _WorkerState.count += 1
    with _dump_stack_on_timeout(timeout):
        answer = _WorkerState.worker.track(unit)
    path.write_bytes(pickle.dumps(answer))
    return str(path)


@contextlib.contextmanager
def _dump_stack_on_timeout(timeout: float | None) -> Iterator[None]:
    if timeout is None:
        yield
        return
    with _stack_file(_WorkerState.spool).open("w", encoding="utf-8") as stream:
        faulthandler.dump_traceback_later(timeout, file=stream)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def _stack_file(spool: Path) -> Path:
    return spool / "stack.txt"
