"""Check that a runtime can do what an execution asks for on this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence

from evalkit import registry
from evalkit.errors import EvalkitError
from evalkit.registry import RuntimeEntry
from evalkit.types import Execution


def find_runtime(execution: Execution) -> RuntimeEntry:
    """Return the runtime of an execution if it supports its precision, device and threads.

    Packages that are not installed are reported later, by ``create_adapter``.

    Raises:
        UnknownName: There is no such runtime.
        EvalkitError: The runtime does not compute in that precision or not on that kind of device, or this process may
            not use that many cores.
    """
    runtime = registry.runtime.find(execution.runtime)
    if execution.precision not in runtime.precisions_on(execution.device):
        place = f" on {execution.device}" if execution.precision in runtime.precisions else ""
        raise EvalkitError(
            f"{runtime.name} does not compute in {execution.precision}{place}", where="--precision",
            found=execution.precision, expected=", ".join(runtime.precisions_on(execution.device)),
        )  # fmt: skip
    if execution.device.partition(":")[0] not in runtime.devices:
        raise EvalkitError(
            f"{runtime.name} does not run on {execution.device}", where="--device", found=execution.device,
            expected=", ".join(runtime.devices),
        )  # fmt: skip
    cores = usable_cores()
    if not 1 <= execution.threads <= cores:
        raise EvalkitError(
            "invalid number of threads", where="--threads", found=execution.threads,
            expected="1" if cores == 1 else f"1 to {cores}, the cores that this process may use",
        )  # fmt: skip
    return runtime


NOTICE_SECONDS = 20.0
"""CPU time of all first starts, in seconds, from which ``first_start_notice`` is given."""


def first_start_notice(executions: Sequence[Execution]) -> str | None:
    """Return a notice of the runtimes that are loaded now, and of the cost of a first start; None if that is seconds.

    Args:
        executions: Executions in installed runtimes. Runtimes that read one format share its export, so that only one
            of them is counted.
    """
    loaded = list({one.name: one for one in map(find_runtime, executions)}.values())
    exporting = {one.format or one.name: one for one in reversed(loaded)}
    slow = sorted((one for one in exporting.values() if one.start_seconds), key=lambda one: -one.start_seconds)
    if sum(one.start_seconds for one in slow) < NOTICE_SECONDS:
        return None
    costs = ", ".join(f"{one.name} {one.start_seconds:.0f} s" for one in slow)
    return (
        f"loading {', '.join(one.name for one in loaded)}. The first time, starting a network as small as NanoTrack's"
        f" takes CPU time: {costs}; larger ones take longer. Exports and compiled code are cached"
    )


def usable_cores() -> int:
    """Return the number of cores that this process may use; a container or ``taskset`` can exclude some."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
