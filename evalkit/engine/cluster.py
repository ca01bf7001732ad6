"""Workers on the machines of a Ray cluster, which need not share a file system.

What travels is the job, the checkpoint and the tracker's file where they were named, and the answers. Benchmarks are
too big to travel: every node finds them at ``--data`` or by its own ``$EVALKIT_DATA``.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.engine import dispatch
from evalkit.engine.code_fingerprint import fingerprint
from evalkit.engine.threads import thread_environment
from evalkit.engine.work import Answer, Job, Unit, Worker
from evalkit.errors import EvalkitError
from evalkit.results import run_record

KNOCK_SECONDS = 10.0


def execute(
    worker: Worker, units: Iterable[Unit], *, address: str | None, jobs: int | None, timeout: float | None = None
) -> Iterator[Answer]:
    """Do the units on a cluster.

    Args:
        worker: This process's own; workers whose tracker or dataset differ from it are refused.
        address: Of the cluster; None for ``$RAY_ADDRESS``, else one that is started on this machine for the run.
        jobs: Workers; as many as the cluster has room for by default.

    Raises:
        EvalkitError: Ray is not installed, the cluster cannot be reached or lacks what the job needs, or a node would
            compute something else.
    """
    # Ray tells of lost workers on stdout, where results are printed.
    with contextlib.redirect_stdout(sys.stderr):
        ray = _connect(address, worker.job)
        try:
            room = _room(ray.cluster_resources(), worker.job)
            slots = [ActorSlot(ray, worker) for _ in range(min(jobs or room, room))]
            yield from dispatch.execute(slots, units, timeout=timeout)
        finally:
            ray.shutdown()


def _connect(address: str | None, job: Job) -> Any:
    import ray

    _knock(address)
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            include_dashboard=None if address else False,
            runtime_env={"env_vars": thread_environment(job.threads)},
        )
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise EvalkitError(f"no Ray cluster answers: {error}", where="--address", found=address) from error
    return ray


def _knock(address: str | None) -> None:
    # Ray itself tries for minutes before it says that nobody is there.
    host, separator, port = (address or "").removeprefix("ray://").rpartition(":")
    if not separator or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise EvalkitError(f"no Ray cluster answers: {error}", where="--address", found=address) from error


def _needs(job: Job) -> dict[str, float]:
    """What one worker occupies: its threads, and a whole GPU if it computes on one."""
    return {"CPU": float(job.threads), **({"GPU": 1.0} if job.device.startswith("cuda") else {})}


def _room(resources: Mapping[str, float], job: Job) -> int:
    room = min(int(resources.get(kind, 0.0) // amount) for kind, amount in _needs(job).items())
    if room < 1:
        needed = ", ".join(f"{amount:g} {kind}" for kind, amount in _needs(job).items())
        found = ", ".join(f"{resources.get(kind, 0.0):g} {kind}" for kind in _needs(job))
        raise EvalkitError("the cluster has no room for a worker", where="--engine ray", found=found, expected=needed)
    return room


class ActorSlot:
    """One worker somewhere in the cluster; a new one is placed on any node when it is lost."""

    def __init__(self, ray: Any, worker: Worker) -> None:
        self._ray = ray
        self._worker = worker
        self._actor: Any = None
        self._ready: Future[dict[str, Any]] | None = None

    def start(self) -> Future[dict[str, Any]]:
        job, needs = self._worker.job, _needs(self._worker.job)
        remote = self._ray.remote(num_cpus=needs["CPU"], num_gpus=needs.get("GPU", 0.0), max_restarts=0)(RemoteWorker)
        self._actor = remote.remote(_portable(job), _luggage(self._worker))
        self._ready = self._actor.begin.remote(run_record.as_json(self._worker.identity())).future()
        return self._ready

    def submit(self, unit: Unit) -> Future[Answer]:
        if self._ready is not None:
            self._worker.store.add_environment(self._ready.result())
            self._ready = None
        # The job stays behind: the actor has its own, and this one names files of this machine.
        answer: Future[Answer] = self._actor.track.remote(unit.sequence, unit.repetition).future()
        return answer

    def answer(self, future: Future[Any]) -> Answer:
        answer: Answer = future.result()
        return replace(answer, unit=replace(answer.unit, job=self._worker.job))

    def is_lost(self, error: BaseException) -> bool:
        exceptions = self._ray.exceptions
        return isinstance(error, exceptions.RayError) and not isinstance(error, exceptions.RayTaskError)

    def cause(self, error: BaseException) -> BaseException:
        cause: BaseException | None = getattr(error, "cause", None)
        return cause or error

    def end(self) -> str:
        if self._actor is not None:
            self._ray.kill(self._actor, no_restart=True)
        self._actor = None
        return "its node or process is gone (`ray status` and the node's logs may say why)"

    def last_words(self) -> str:
        return ""


def _portable(job: Job) -> Job:
    """The job as another machine can take it; a worker has one GPU to itself, which is always the first it sees."""
    return replace(job, device="cuda" if job.device.startswith("cuda") else job.device)


def _luggage(worker: Worker) -> dict[str, tuple[str, bytes]]:
    """The files that the job names: by what they are, their name and content."""
    job = worker.job
    files = {
        "weights": _checkpoint(worker),
        "tracker": _file_of(job.tracker),
        "runtime": _file_of(job.runtime),
        "protocol": _file_of(job.protocol_source),
    }
    return {key: (path.name, path.read_bytes()) for key, path in files.items() if path is not None}


def _file_of(name: str | None) -> Path | None:
    """Return the file of ``path/to/file.py:Name``; None for a registered name."""
    code = (name or "").rpartition(":")[0]
    return Path(code) if code.endswith(".py") else None


def _checkpoint(worker: Worker) -> Path | None:
    """What ``--weights`` names; of a folder, the file that the tracker took from it."""
    given = worker.job.weights
    if given is None or not given.is_dir():
        return given
    card: Mapping[str, Any] = getattr(worker.tracker, "card", {})
    return given / card["weights"]["file"] if "weights" in card else None


def _unpacked_name(name: str, file: Path | None) -> str:
    """Return the name of a tracker or runtime in its unpacked file; a registered name stays as it is."""
    return name if file is None else f"{file}:{name.rpartition(':')[2]}"


class RemoteWorker:
    """A worker on a node of the cluster."""

    def __init__(self, job: Job, luggage: Mapping[str, tuple[str, bytes]]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="evalkit-")
        unpacked = {key: self._unpack(key, name, content) for key, (name, content) in luggage.items()}
        job = replace(
            job,
            tracker=_unpacked_name(job.tracker, unpacked.get("tracker")),
            runtime=_unpacked_name(job.runtime, unpacked.get("runtime")),
        )
        if job.protocol_source is not None:
            job = replace(job, protocol_source=_unpacked_name(job.protocol_source, unpacked.get("protocol")))
        data = job.data if job.data is not None and job.data.is_dir() else None
        self._worker = Worker(replace(job, weights=unpacked.get("weights"), data=data))

    def _unpack(self, key: str, name: str, content: bytes) -> Path:
        path = Path(self._folder.name) / key / Path(name).name
        path.parent.mkdir()
        path.write_bytes(content)
        return path

    def begin(self, expected: Mapping[str, Any]) -> dict[str, Any]:
        """Build tracker and dataset; returns what the manifest should know of this machine.

        Raises:
            EvalkitError: They are not those of the machine that asked, whose name of the tracker's file is its own.
        """
        own = run_record.as_json(self._worker.identity())
        found = run_record.differences({**expected, "tracker": own["tracker"]}, own)
        if found:
            key, theirs, ours = found[0]
            raise EvalkitError(
                f"a node of the cluster would compute with another {key}", where="--engine ray", found=ours,
                expected=theirs, hint="Install the same evalkit, data and checkpoints on all nodes",
            )  # fmt: skip
        return {**run_record.environment(), "code": fingerprint(self._worker.job.tracker, self._worker.job.runtime)}

    def track(self, sequence: str, repetition: int) -> Answer:
        return self._worker.track(Unit(self._worker.job, sequence, repetition))
