"""CPU time of a tracker, beside its former code where that is at hand, else beside the reference workload.

The unit of everything said about spread is a pair of fresh processes: what differs from one start to the next (where
memory lies, which core, what the machine does just then) differs from pair to pair.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evalkit.cost import reference
from evalkit.errors import EvalkitError
from evalkit.geometry import shifted
from evalkit.io.regions import format_record
from evalkit.protocols.session import starting_region
from evalkit.regression import turns
from evalkit.regression.bench import Bench
from evalkit.regression.former import Former, UnavailableError
from evalkit.regression.records import Columns, LatencyRecord, significant
from evalkit.regression.suite import Candidate
from evalkit.regression.turns import Clip, Entrant, Turns

RECORDED = 5
"""Pairs of processes whose ratios a baseline keeps."""
PAIRS = (4, 8)
"""Pairs beside the former code: at least, and at most where the tracker looks slower."""


@dataclass(frozen=True)
class Beside:
    """The tracker's CPU time over that of its former code.

    Attributes:
        ratios: One a pair of processes, in the order they ran.
        commit: Of the former code.
        seconds_p50, seconds_p90: Wall clock of a frame now, for information.
        wall: Wall clock over that of the former code.
        cpu_share: CPU time over wall time.
    """

    ratios: Columns
    commit: str
    seconds_p50: float
    seconds_p90: float
    wall: float
    cpu_share: float


@dataclass(frozen=True)
class Timed:
    """What timing one tracker came to; nothing where its device has no CPU time to speak of.

    Attributes:
        recorded: Beside the reference workload; None where ``beside`` was had.
        obstacle: Why it was not timed beside its former code, or not at all.
        failed: It failed while it was timed.
    """

    beside: Beside | None = None
    recorded: LatencyRecord | None = None
    obstacle: str = ""
    failed: bool = False


def measure(
    candidate: Candidate, bench: Bench, former: Former | str, *, enough: Callable[[Columns], bool] = lambda _: False
) -> Timed:
    """Time a tracker on the first frames of the first sequence.

    Args:
        former: The code to race, or why there is none.
        enough: Whether these ratios to the former code decide already.

    Raises:
        EvalkitError: It fails while it is timed.
    """
    if candidate.device != "cpu" or not bench.sequences:
        return Timed(obstacle="it is not measured on this device")
    now = _entrant(candidate, bench)
    with _clip(bench) as clip:
        obstacle = former if isinstance(former, str) else ""
        if isinstance(former, Former):
            try:
                return Timed(beside=_beside(former, candidate.label, now, bench, clip, enough))
            except (UnavailableError, EvalkitError) as error:
                obstacle = str(error)
        return Timed(recorded=_recorded(now, clip), obstacle=obstacle)


def _beside(
    former: Former, label: str, now: Entrant, bench: Bench, clip: Clip, enough: Callable[[Columns], bool]
) -> Beside:
    then = _entrant(former.candidate(label), bench, former.search())
    taken: list[Turns] = []
    for pair in _pairs(then, now, clip, PAIRS[1]):
        leaks = former.leaked(pair.modules[0])
        if leaks:
            raise UnavailableError(f"{leaks[0]} is imported from outside of the repository's former state")
        taken.append(pair)
        if len(taken) >= PAIRS[0] and enough(_ratios(taken)):
            break
    wall = np.concatenate([one.wall for one in taken], axis=1)
    return Beside(
        _ratios(taken), former.commit, *_percentiles(wall[1]), float(np.median(wall[1] / wall[0])), _share(taken)
    )


def _recorded(now: Entrant, clip: Clip) -> LatencyRecord:
    taken = list(_pairs(Entrant(None, {}), now, clip, RECORDED))
    wall = np.concatenate([one.wall[1] for one in taken])
    return LatencyRecord(_ratios(taken), f"v{reference.VERSION}", *_percentiles(wall), _share(taken))


def _pairs(first: Entrant, second: Entrant, clip: Clip, count: int) -> Iterator[Turns]:
    """Every other one is started the other way round, on core after core."""
    cores = turns.cores()
    for number in range(count):
        core = cores[number // 2 % len(cores)]
        if number % 2:
            yield turns.take(second, first, clip, core=core).swapped()
        else:
            yield turns.take(first, second, clip, core=core)


def _ratios(taken: Sequence[Turns]) -> Columns:
    return tuple(significant(one.ratio) for one in taken)


def _percentiles(wall: turns.Seconds) -> tuple[float, float]:
    return float(np.percentile(wall, 50)), float(np.percentile(wall, 90))


def _share(taken: Sequence[Turns]) -> float:
    return float(sum(one.cpu.sum() for one in taken) / sum(one.wall.sum() for one in taken))


def _entrant(candidate: Candidate, bench: Bench, search: tuple[str, ...] | None = None) -> Entrant:
    keys = ("weights", "runtime", "precision", "device", "threads", "settings", "seed")
    offered = {"benchmark": bench.dataset.name, **{key: getattr(candidate, key) for key in keys}}
    return Entrant(candidate.name, offered) if search is None else Entrant(candidate.name, offered, search)


@contextlib.contextmanager
def _clip(bench: Bench) -> Iterator[Clip]:
    sequence, origin = bench.dataset.sequence(bench.sequences[0]), bench.dataset.origin
    if sequence.frames is None:
        raise ValueError("the sequence has no frames")
    frames = [sequence.frames[index] for index in range(min(turns.FRAMES + 1, len(sequence)))]
    region = shifted(starting_region(sequence, 0), -origin, -origin)
    with tempfile.TemporaryDirectory(prefix="evalkit-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "clip.npz"
        np.savez(path, *frames)
        yield Clip(path, format_record(region))
