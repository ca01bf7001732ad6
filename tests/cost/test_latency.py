"""Statistics of timings, on constructed times that do not depend on the speed of this machine."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from evalkit.cost import latency, reference
from evalkit.cost.latency import Rules, Stopwatch, Timing


def timing(wall: list[float], cpu: list[float] | None = None) -> Timing:
    return Timing(np.array(wall), np.array(wall if cpu is None else cpu))


def test_percentiles_are_of_wall_time_and_work_is_the_second_percentile_of_cpu_time() -> None:
    wall = [float(value) for value in range(101)]
    timed = timing(wall, [value / 2 for value in wall])
    assert timed.percentile(50) == 50.0
    assert timed.percentile(90) == 90.0
    assert timed.work == 1.0
    assert timed.cpu_per_wall == 0.5


def test_disturbed_queries_do_not_count_as_work() -> None:
    disturbed = [1.4] * 190 + [1.0] * 10
    assert timing([2.0] * 200, disturbed).work == 1.0


def test_drift_compares_the_last_fifth_with_the_first() -> None:
    assert timing([1.0, 1.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 1.2, 1.2]).drift == pytest.approx(0.2)


def test_stages_of_the_same_queries_add_up() -> None:
    both = latency.total([timing([1.0, 2.0]), timing([0.5, 0.25])])
    assert both.wall.tolist() == [1.5, 2.25]


QUIET = timing([1.0] * 10, [0.99] * 10)


def test_a_quiet_machine_gives_no_note() -> None:
    assert latency.timing_notes(QUIET, QUIET, threads=1, device="cpu") == ()


def test_a_busy_machine_makes_wall_times_invalid() -> None:
    busy = timing([1.0] * 10, [0.62] * 10)
    assert latency.timing_notes(busy, QUIET, threads=1, device="cpu") == ("invalid: machine was busy (CPU/wall 0.62)",)


def test_a_gpu_or_several_threads_are_judged_by_the_reference_workload() -> None:
    waiting = timing([1.0] * 10, [0.3] * 10)
    assert latency.timing_notes(waiting, QUIET, threads=1, device="cuda:0") == ()
    assert latency.timing_notes(waiting, QUIET, threads=4, device="cpu") == ()
    busy = timing([1.0] * 10, [0.5] * 10)
    assert latency.timing_notes(waiting, busy, threads=4, device="cpu") == (
        "invalid: machine was busy (CPU/wall 0.50)",
    )


def test_more_threads_than_requested_are_reported() -> None:
    greedy = timing([1.0] * 10, [1.9] * 10)
    assert latency.timing_notes(greedy, QUIET, threads=1, device="cpu") == (
        "invalid: used more threads than requested (CPU/wall 1.90)",
    )


def test_drift_is_reported_unless_the_machine_was_busy() -> None:
    rising = [1.0] * 5 + [1.2] * 5
    assert latency.timing_notes(timing(rising), QUIET, threads=1, device="cpu") == (
        "drift: the last fifth took 20% longer than the first",
    )
    stolen = timing(rising, [value * 0.5 for value in rising])
    assert latency.timing_notes(stolen, QUIET, threads=1, device="cpu") == (
        "invalid: machine was busy (CPU/wall 0.50)",
    )


def counting(order: list[str], name: str) -> latency.Query:
    def query(watch: Stopwatch) -> None:
        watch.start()
        order.append(name)
        watch.lap("step")

    return query


def test_queries_alternate_and_warmup_does_not_count() -> None:
    order: list[str] = []
    rules = Rules("test", warmup=2, queries=3, seconds=0.0)
    timings, own = latency.time_alternately({"a": counting(order, "a"), "b": counting(order, "b")}, rules)
    assert order == ["a", "b"] * 5
    assert len(timings["a"]["step"].wall) == 3
    assert len(own.wall) == 3


def test_measuring_goes_on_until_both_queries_and_seconds_are_reached() -> None:
    order: list[str] = []
    ticks = iter(float(tick) for tick in range(100))
    rules = Rules("test", warmup=0, queries=2, seconds=7.0)
    latency.time_alternately({"a": counting(order, "a")}, rules, clock=lambda: next(ticks))
    # Begins at 0; the clock is read at 1, 2, ... after two queries.
    assert len(order) == 8


def test_the_mobile_rules_are_mlperfs() -> None:
    rules = latency.RULES["mobile"]
    assert (rules.queries, rules.seconds) == (1024, 60.0)


def test_the_device_is_synchronized_before_each_reading() -> None:
    waited = []
    watch = Stopwatch(lambda: waited.append(1))
    watch.start()
    watch.lap("network")
    assert len(waited) >= 2


def test_the_reference_workload_uses_one_thread() -> None:
    watch = Stopwatch()
    workload = reference.workload()
    for _ in range(20):
        watch.start()
        workload()
        watch.lap("reference")
    timed = watch.timings()["reference"]
    assert timed.work > 0
    assert timed.cpu_per_wall < 1.1


def test_the_peak_memory_can_be_reset() -> None:
    # In a process of its own: one that has freed much memory may reuse it without growing.
    code = (
        "import numpy as np\n"
        "from evalkit.cost import memory\n"
        "memory.reset_peak()\n"
        "before = memory.peak()\n"
        "held = np.ones(256 * 1024**2, np.uint8)\n"
        "print(memory.peak() - before)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(answer.stdout) > 128
