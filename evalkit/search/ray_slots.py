"""Workers for candidates on the nodes of a Ray cluster, which need not share a file system.

The files that the evaluation names are sent to each worker; its folder for files of its own is empty there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit import __version__
from evalkit.engine import cluster
from evalkit.engine.work import Answer, Unit
from evalkit.errors import EvalkitError
from evalkit.io.temporary import temporary_folder
from evalkit.search.evaluating import Candidate, CandidateWorker, EvaluationJob


@contextlib.contextmanager
def candidate_slots(job: EvaluationJob, *, jobs: int | None, address: str | None) -> Iterator[list[CandidateSlot]]:
    """Give the block places for workers on a cluster.

    Args:
        job: How candidates are evaluated.
        jobs: Largest number of workers; None for as many as there is room for.
        address: Address of the cluster; None for ``$RAY_ADDRESS``, else a cluster on this machine, for this block.

    Raises:
        EvalkitError: The cluster cannot be reached, or has no room for a worker.
    """
    with cluster.connected(address, job) as (ray, room):
        yield [CandidateSlot(ray, job) for _ in range(min(jobs or room, room))]


class CandidateSlot(cluster.RemoteSlot):
    """A place for a worker on any node.

    Args:
        ray: The module.
        job: How candidates are evaluated.
    """

    def __init__(self, ray: Any, job: EvaluationJob) -> None:
        super().__init__(ray, job)
        self._job = job

    def start(self) -> Future[None]:
        files = {name: Path(self._job.arguments[name]) for name in self._job.files}
        contents = {name: (file.name, file.read_bytes()) for name, file in files.items()}
        actor = self.place(RemoteCandidateWorker, self._job, contents)
        ready: Future[None] = actor.begin.remote(__version__).future()
        return ready

    def submit(self, unit: Unit) -> Future[Answer]:
        answer: Future[Answer] = self.actor.track.remote(unit).future()
        return answer

    def answer(self, future: Future[Any]) -> Answer:
        answer: Answer = future.result()
        return answer


class RemoteCandidateWorker:
    """A worker on a node.

    Args:
        job: How candidates are evaluated, with files and folders of another machine.
        contents: Name and content of each file, by the name of its argument.
    """

    def __init__(self, job: EvaluationJob, contents: Mapping[str, tuple[str, bytes]]) -> None:
        self._open = contextlib.ExitStack()
        folder = self._open.enter_context(temporary_folder())
        own = {}
        for argument in (*contents, *job.folders):
            place = folder / argument
            place.mkdir()
            own[argument] = str(place)
        for argument, (name, content) in contents.items():
            file = Path(own[argument]) / Path(name).name
            file.write_bytes(content)
            own[argument] = str(file)
        self.job = replace(job, arguments={**job.arguments, **own}, execution=cluster.on_a_node(job.execution))
        self._worker: CandidateWorker | None = None

    def begin(self, version: str) -> None:
        """Build what evaluates candidates.

        Args:
            version: Version of evalkit on the machine that searches.

        Raises:
            EvalkitError: The version here is another one.
        """
        if version != __version__:
            raise EvalkitError(
                "a node of the cluster has another version of evalkit", where="--engine ray", found=__version__,
                expected=version, hint="Install the same evalkit on all nodes",
            )  # fmt: skip
        self._worker = self.job.start_worker()

    def track(self, unit: Candidate) -> Answer:
        """Evaluate a candidate."""
        if self._worker is None:
            raise ValueError("begin must be called first")
        return self._worker.track(unit)

    def close(self) -> None:
        """Delete the files of this worker."""
        self._open.close()
