"""Workers on the machines of a Ray cluster, which need not share a file system.

The job, the files that it names and the answers are sent over the network. Datasets are too large
for that: every node finds them at ``--data`` or by its own ``$EVALKIT_DATA``.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.engine import dispatch
from evalkit.engine.code_fingerprint import fingerprint
from evalkit.engine.dispatch import Slot, WorkerJob
from evalkit.engine.threads import thread_environment
from evalkit.engine.work import Answer, Job, Unit, Worker
from evalkit.errors import EvalkitError
from evalkit.io.temporary import temporary_folder
from evalkit.results import run_record
from evalkit.types import Execution

CLOSE_SECONDS = 2.0
"""Time in which a worker can delete its files before it is killed."""

CONNECT_SECONDS = 10.0
"""Time limit of the first connection to a cluster."""


def execute(
    worker: Worker, units: Iterable[Unit], *, address: str | None, jobs: int | None, timeout: float | None = None
) -> Iterator[Answer]:
    """Do the units on a cluster.

    Args:
        worker: Worker of this process; workers whose tracker or dataset differ from its own are refused.
        units: Units of its job.
        address: Address of the cluster; None for ``$RAY_ADDRESS``, else a cluster on this machine, for this run.
        jobs: Number of workers; by default as many as the cluster has room for.
        timeout: Seconds after which the worker of a unit is killed.

    Raises:
        EvalkitError: The cluster cannot be reached or lacks what the job needs, or a node would compute something else.
    """
    with connected(address, worker.job) as (ray, room):
        slots = [ActorSlot(ray, worker) for _ in range(min(jobs or room, room))]
        yield from dispatch.execute(slots, units, timeout=timeout)


@contextlib.contextmanager
def connected(address: str | None, job: WorkerJob) -> Iterator[tuple[Any, int]]:
    """Give the block the module of Ray, connected to a cluster, and the number of workers that have room on it.

    Args:
        address: Address of the cluster; None for ``$RAY_ADDRESS``, else a cluster on this machine, for this block.
        job: What the workers do.

    Raises:
        EvalkitError: The cluster cannot be reached, or has no room for a single worker.
    """
    # Ray reports lost workers on stdout, where results are printed.
    with contextlib.redirect_stdout(sys.stderr):
        with _signal_handlers_kept():
            ray = _connect(address, job)
        try:
            yield ray, _count_places(ray.cluster_resources(), job)
        finally:
            ray.shutdown()


def _connect(address: str | None, job: WorkerJob) -> Any:
    _bind_own_cluster_to_loopback(address)
    import ray

    _check_reachable(address)
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            include_dashboard=None if address else False,
            runtime_env={"env_vars": thread_environment(job.execution.threads)},
        )
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise EvalkitError(f"no Ray cluster answers: {error}", where="--address", found=address) from error
    return ray


@contextlib.contextmanager
def _signal_handlers_kept() -> Iterator[None]:
    """Keep the handlers of signals: Ray replaces them by some that abort the process with a stack of C++."""
    numbers = (signal.SIGTERM, signal.SIGINT) if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _bind_own_cluster_to_loopback(address: str | None) -> None:
    """Let the servers of a cluster that this process starts bind to the loopback address, before Ray is imported.

    Ray has no authentication. The variable is the one by which Ray chooses between the loopback address and the
    machine's own; its own default on Windows and macOS is the loopback address.
    """
    if not address and not os.environ.get("RAY_ADDRESS"):
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")


def _check_reachable(address: str | None) -> None:
    # Ray itself tries for minutes before it gives up.
    host, separator, port = (address or "").removeprefix("ray://").rpartition(":")
    if not separator or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise EvalkitError(f"no Ray cluster answers: {error}", where="--address", found=address) from error


def _needs(job: WorkerJob) -> dict[str, float]:
    """Return the resources of one worker: its threads, and a whole GPU if it computes on one."""
    execution = job.execution
    return {"CPU": float(execution.threads), **({"GPU": 1.0} if execution.device.startswith("cuda") else {})}


def _count_places(resources: Mapping[str, float], job: WorkerJob) -> int:
    """Return the number of workers that a cluster has room for.

    Raises:
        EvalkitError: There is no room for a single one.
    """
    room = min(int(resources.get(kind, 0.0) // amount) for kind, amount in _needs(job).items())
    if room < 1:
        needed = ", ".join(f"{amount:g} {kind}" for kind, amount in _needs(job).items())
        found = ", ".join(f"{resources.get(kind, 0.0):g} {kind}" for kind in _needs(job))
        raise EvalkitError("the cluster has no room for a worker", where="--engine ray", found=found, expected=needed)
    return room


class RemoteSlot(Slot):
    """A place for one actor on a node of the cluster; if it is lost, a new one is placed on any node.

    A subclass says how an actor is started and asked; the actor needs a method ``close``.

    Args:
        ray: The module.
        job: What the worker does.
    """

    def __init__(self, ray: Any, job: WorkerJob) -> None:
        self._ray = ray
        self._needs = _needs(job)
        self.actor: Any = None

    def place(self, actor_class: type, *arguments: Any) -> Any:
        """Place an actor on a node with room for it, and return it."""
        needs = self._needs
        remote = self._ray.remote(num_cpus=needs["CPU"], num_gpus=needs.get("GPU", 0.0), max_restarts=0)(actor_class)
        self.actor = remote.remote(*arguments)
        return self.actor

    def is_lost(self, error: BaseException) -> bool:
        exceptions = self._ray.exceptions
        return isinstance(error, exceptions.RayError) and not isinstance(error, exceptions.RayTaskError)

    def cause(self, error: BaseException) -> BaseException:
        cause: BaseException | None = getattr(error, "cause", None)
        return cause or error

    def kill(self) -> str:
        if self.actor is not None:
            with contextlib.suppress(Exception):  # it is gone, or hangs
                self._ray.get(self.actor.close.remote(), timeout=CLOSE_SECONDS)
            self._ray.kill(self.actor, no_restart=True)
        self.actor = None
        return "its node or process is gone (`ray status` and the node's logs may say why)"

    def crash_report(self) -> str:
        return ""


class ActorSlot(RemoteSlot):
    """One tracking worker on a node of the cluster.

    Args:
        ray: The module.
        worker: Worker of this process.
    """

    def __init__(self, ray: Any, worker: Worker) -> None:
        super().__init__(ray, worker.job)
        self._worker = worker
        self._ready: Future[dict[str, Any]] | None = None

    def start(self) -> Future[dict[str, Any]]:
        actor = self.place(RemoteWorker, _for_remote(self._worker.job), _bundle_files(self._worker))
        self._ready = actor.begin.remote(run_record.as_json(self._worker.identity())).future()
        return self._ready

    def submit(self, unit: Unit) -> Future[Answer]:
        if self._ready is not None:
            self._worker.store.add_environment(self._ready.result())
            self._ready = None
        # Without the job: the actor has its own, and this one names files of this machine.
        answer: Future[Answer] = self.actor.track.remote(unit.sequence, unit.repetition).future()
        return answer

    def answer(self, future: Future[Any]) -> Answer:
        answer: Answer = future.result()
        return replace(answer, unit=replace(answer.unit, job=self._worker.job))


def _for_remote(job: Job) -> Job:
    return replace(job, execution=on_a_node(job.execution))


def on_a_node(execution: Execution) -> Execution:
    """Return the execution on another machine, where a worker has one GPU of its own and sees only that one."""
    return replace(execution, device="cuda" if execution.device.startswith("cuda") else execution.device)


def _bundle_files(worker: Worker) -> dict[str, tuple[str, bytes]]:
    """Return name and content of the files that the job names, by their purpose."""
    job = worker.job
    files = {
        "weights": _checkpoint(worker),
        "tracker": _source_file(job.tracker),
        "runtime": _source_file(job.execution.runtime),
        "protocol": _source_file(job.protocol_source),
    }
    return {purpose: (path.name, path.read_bytes()) for purpose, path in files.items() if path is not None}


def _source_file(name: str | None) -> Path | None:
    """Return the file of ``path/to/file.py:Name``; None for a registered name."""
    path = (name or "").rpartition(":")[0]
    return Path(path) if path.endswith(".py") else None


def _in_file(name: str, file: Path | None) -> str:
    """Return ``path/to/file.py:Name`` with another file; a registered name stays as it is."""
    return name if file is None else f"{file}:{name.rpartition(':')[2]}"


def _checkpoint(worker: Worker) -> Path | None:
    """Return the checkpoint given by ``--weights``; of a folder, the file that the tracker loaded from it."""
    given = worker.job.weights
    if given is None or not given.is_dir():
        return given
    card: Mapping[str, Any] = getattr(worker.tracker, "card", {})
    return given / card["weights"]["file"] if "weights" in card else None


class RemoteWorker:
    """A worker on a node of the cluster.

    Args:
        job: The job, whose files are on another machine.
        files: Name and content of these files, by their purpose.
    """

    def __init__(self, job: Job, files: Mapping[str, tuple[str, bytes]]) -> None:
        self._open = contextlib.ExitStack()
        self._folder = self._open.enter_context(temporary_folder())
        here = {purpose: self._write(purpose, name, content) for purpose, (name, content) in files.items()}
        data = job.data if job.data is not None and job.data.is_dir() else None
        protocol = job.protocol_source
        self._worker = Worker(
            replace(
                job,
                tracker=_in_file(job.tracker, here.get("tracker")),
                protocol_source=None if protocol is None else _in_file(protocol, here.get("protocol")),
                execution=replace(job.execution, runtime=_in_file(job.execution.runtime, here.get("runtime"))),
                weights=here.get("weights"),
                data=data,
            )
        )

    def _write(self, purpose: str, name: str, content: bytes) -> Path:
        path = self._folder / purpose / Path(name).name
        path.parent.mkdir()
        path.write_bytes(content)
        return path

    def begin(self, expected: Mapping[str, Any]) -> dict[str, Any]:
        """Build tracker and dataset, and return the record of this machine for ``run.json``.

        Args:
            expected: Identity of the job on the machine that distributes the work. Only the name of the tracker may
                differ, which can contain the path of a file.

        Raises:
            EvalkitError: The identity of the job is another one here.
        """
        own = run_record.as_json(self._worker.identity())
        found = run_record.differences({**expected, "tracker": own["tracker"]}, own)
        if found:
            key, theirs, ours = found[0]
            raise EvalkitError(
                f"a node of the cluster would compute with another {key}", where="--engine ray", found=ours,
                expected=theirs, hint="Install the same evalkit, data and checkpoints on all nodes",
            )  # fmt: skip
        job = self._worker.job
        return {**run_record.environment(), "code": fingerprint(job.tracker, job.execution.runtime)}

    def close(self) -> None:
        """Delete the files of the job from this machine."""
        self._open.close()

    def track(self, sequence: str, repetition: int) -> Answer:
        """Track one repetition of a sequence."""
        return self._worker.track(Unit(self._worker.job, sequence, repetition))
