"""The ledger of a search: one JSON line per evaluation, flushed to the disk. It is the search's only state."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from evalkit.errors import EvalkitError

LEDGER = "ledger.jsonl"
"""Name of the ledger in the folder of a search."""


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
        if path.exists():
            self._load()

    def _load(self) -> None:
        whole, _, rest = self.path.read_bytes().rpartition(b"\n")
        lines = whole.split(b"\n") if whole else []
        for number, line in enumerate(lines, start=1):
            evaluation = _parse_line(line, where=f"{self.path}:{number}")
            self._known[evaluation.key] = evaluation
        if rest:
            # The process was killed while it wrote this line.
            with self.path.open("rb+") as stream:
                stream.truncate(len(whole) + 1 if whole else 0)

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Evaluation]:
        return iter(self._known.values())

    def find(self, path: str, measure: str) -> Evaluation | None:
        """Return the evaluation of a path by a measure; None if there is none."""
        return self._known.get((path, measure))

    def append(self, evaluation: Evaluation) -> None:
        """Write an evaluation and wait until it is on the disk.

        Raises:
            EvalkitError: The file cannot be written, e.g. because the disk is full; the file stays readable.
        """
        line = json.dumps(asdict(evaluation), allow_nan=False) + "\n"
        try:
            with self.path.open("ab") as stream:
                before = stream.tell()
                try:
                    stream.write(line.encode())
                    stream.flush()
                    os.fsync(stream.fileno())
                except OSError:
                    stream.truncate(before)
                    raise
        except OSError as error:
            raise EvalkitError(
                f"cannot write this file: {error.strerror or error}", where=self.path,
                hint="Free some disk space or check the permissions, then continue with --resume",
            ) from error  # fmt: skip
        self._known[evaluation.key] = evaluation


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
