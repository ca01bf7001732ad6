"""The ledger of a search: one JSON line per evaluation. It is the search's only state.

A line is given to the operating system before the next evaluation is told, so a killed process loses nothing that it
evaluated. The disk is waited for once per second and after every generation: a machine that loses its power loses
the evaluations of the last second. They are the end of the file, or lines with zero bytes, and are evaluated again.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO

from evalkit.errors import EvalkitError
from evalkit.io import atomic

LEDGER = "ledger.jsonl"
"""Name of the ledger in the folder of a search."""
SYNC_SECONDS = 1.0
"""Time after which an append waits until everything is on the disk."""


@dataclass(frozen=True)
class Evaluation:
    """One evaluated architecture.

    Attributes:
        path: Its path string.
        measure: What was measured: ``pairs``, ``scenes``, ``final`` or the name of a dataset.
        value: Mean overlap in [0, 1]; 0 if the evaluation failed.
        values: Value of each sequence by name; empty where there are none.
        costs: Costs of the architecture by name.
        generation: Number of the generation that proposed it, from 0; -1 for evaluations after the search.
        seconds: CPU seconds of the evaluation.
        host: Name of the machine that evaluated it.
        error: Reason of a failure; None if there was none.
    """

    path: str
    measure: str
    value: float
    values: Mapping[str, float] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)
    generation: int = 0
    seconds: float = 0.0
    host: str = ""
    error: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What an evaluation is looked up by: path and measure."""
        return self.path, self.measure


class Ledger:
    """The evaluations in a file; each is evaluated once.

    Args:
        path: The file; it need not exist.

    Raises:
        EvalkitError: A line before the last is damaged, or the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[str, str], Evaluation] = {}
        self._repaired: bytes | None = None
        self._synced = time.monotonic()
        if path.exists():
            self._load()

    def _load(self) -> None:
        content = self.path.read_bytes()
        whole, _, rest = content.rpartition(b"\n")
        lines = whole.split(b"\n") if whole else []
        kept = [(number, line) for number, line in enumerate(lines, start=1) if b"\0" not in line]
        for number, line in kept:
            evaluation = _parse_line(line, where=f"{self.path}:{number}")
            self._known[evaluation.key] = evaluation
        if rest or len(kept) < len(lines):
            # The process was killed while it wrote the last line, or the machine stopped before all was on the disk.
            self._repaired = b"".join(line + b"\n" for _, line in kept)

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Evaluation]:
        return iter(self._known.values())

    def find(self, path: str, measure: str) -> Evaluation | None:
        """Return the evaluation of a path by a measure; None if there is none."""
        return self._known.get((path, measure))

    def append(self, evaluation: Evaluation) -> None:
        """Write an evaluation; see the module for when it is on the disk.

        Raises:
            EvalkitError: The file cannot be written, e.g. because the disk is full; the file stays readable.
        """
        if self._repaired is not None:
            atomic.write_bytes(self.path, self._repaired)
            self._repaired = None
        line = (json.dumps(asdict(evaluation), allow_nan=False) + "\n").encode()
        with self._open() as stream:
            before = stream.tell()
            try:
                written = 0
                while written < len(line):
                    written += stream.write(line[written:])
                if time.monotonic() - self._synced > SYNC_SECONDS:
                    self._wait_for_disk(stream)
            except OSError:
                os.ftruncate(stream.fileno(), before)
                raise
        self._known[evaluation.key] = evaluation

    def sync(self) -> None:
        """Wait until every evaluation is on the disk.

        Raises:
            EvalkitError: As ``append``.
        """
        if self._known:
            with self._open() as stream:
                self._wait_for_disk(stream)

    @contextlib.contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        """Give the block the file, opened to append; an error of the system becomes one for the user."""
        try:
            with self.path.open("ab", buffering=0) as stream:
                yield stream
        except OSError as error:
            raise EvalkitError(
                f"cannot write this file: {error.strerror or error}", where=self.path,
                hint="Free some disk space or check the permissions, then continue with --resume",
            ) from error  # fmt: skip

    def _wait_for_disk(self, stream: BinaryIO) -> None:
        os.fsync(stream.fileno())
        self._synced = time.monotonic()


def _parse_line(line: bytes, *, where: str) -> Evaluation:
    try:
        record: dict[str, Any] = json.loads(line)
        unknown = record.keys() - {one.name for one in fields(Evaluation)}
        evaluation = Evaluation(**record)
        valid = not unknown and isinstance(evaluation.path, str) and 0 <= float(evaluation.value) <= 1
    except (ValueError, TypeError, AttributeError):
        valid = False
    if not valid:
        raise EvalkitError(
            "this line of the ledger is damaged", where=where, hint="Delete the line; it is evaluated again"
        )
    return evaluation
